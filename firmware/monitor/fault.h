/* What a fault handler calls: it tells the host and never returns. */
#ifndef MON_FAULT_H
#define MON_FAULT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Cortex-M. `stacked` is the exception frame (r0 r1 r2 r3 r12 lr pc xpsr), NULL where it can't be
 * read; the others are the fault status registers, 0 where the core has none. */
void monitor_fault(const uint32_t *stacked, uint32_t cfsr, uint32_t hfsr, uint32_t bfar,
                   uint32_t mmfar);

/* RISC-V: the trap's registers and the return address. */
void monitor_trap(uint32_t mepc, uint32_t mcause, uint32_t mtval, uint32_t ra);

#ifdef __cplusplus
}
#endif

#endif
