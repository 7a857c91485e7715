/* What the RISC-V ports share. Section numbers: the RISC-V Instruction Set Manual,
 * volume II, privileged architecture 1.12. */
#ifndef RISCV_H
#define RISCV_H

#include <stdbool.h>
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* riscv_mcycle: chooses what port_ticks() reads; `clock_hz` is the core's clock. */
void riscv_ticks_init(uint32_t clock_hz);

/* Waits until the masked bits equal `value`, but not for ever. */
bool riscv_wait(volatile uint32_t *reg, uint32_t mask, uint32_t value);

#endif
