/* What all Cortex-M ports share: register access, core registers, the tick counter.
 * Addresses from the Armv7-M Architecture Reference Manual (DDI0403E), section B3. */
#ifndef CORTEXM_H
#define CORTEXM_H

#include <stdbool.h>
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* System control block, B3.2.2 */
#define SCB_ICSR              REG32(0xE000ED04u)
#define SCB_ICSR_PENDSTSET    (1u << 26)
#define SCB_ICSR_PENDSTCLR    (1u << 25)
#define SCB_VTOR              REG32(0xE000ED08u)
#define SCB_AIRCR             REG32(0xE000ED0Cu)
#define SCB_AIRCR_SYSRESETREQ 0x05FA0004u
#define SCB_CCR               REG32(0xE000ED14u)
#define SCB_SHCSR             REG32(0xE000ED24u)
#define SCB_CFSR              REG32(0xE000ED28u)
#define SCB_HFSR              REG32(0xE000ED2Cu)
#define SCB_MMFAR             REG32(0xE000ED34u)
#define SCB_BFAR              REG32(0xE000ED38u)
#define SCB_CPACR             REG32(0xE000ED88u)

/* SysTick, B3.3 */
#define SYST_CSR         REG32(0xE000E010u)
#define SYST_CSR_RUN     5u /* enabled, from the core's clock */
#define SYST_CSR_TICKINT 2u
#define SYST_RVR         REG32(0xE000E014u)
#define SYST_CVR         REG32(0xE000E018u)

/* Nested vectored interrupt controller, B3.4: a bit for each interrupt */
#define NVIC_ISER(irq) REG32(0xE000E100u + 4u * ((irq) / 32u))
#define NVIC_ICER(irq) REG32(0xE000E180u + 4u * ((irq) / 32u))
#define NVIC_BIT(irq)  (1u << ((irq) % 32u))

/* Data watchpoint and trace unit, C1.8; its lock on Cortex-M7 is in the CoreSight block */
#define DEMCR              REG32(0xE000EDFCu)
#define DEMCR_TRCENA       (1u << 24)
#define DWT_CTRL           REG32(0xE0001000u)
#define DWT_CTRL_CYCCNTENA 1u
#define DWT_CYCCNT         REG32(0xE0001004u)
#define DWT_LAR            REG32(0xE0001FB0u)
#define DWT_LAR_UNLOCK     0xC5ACCE55u

/* A 32-bit timer that counts up, used where the core has no cycle counter that moves. */
typedef struct {
    const char *name;
    uint32_t (*read)(void);
    /* A second one, 65536 times slower, that tells how often the first has wrapped without
     * an interrupt, which would be counted with what it interrupts. May be NULL. */
    uint32_t (*coarse)(void);
    uint32_t hz; /* 0: measure it against SysTick */
} cortexm_timer_t;

/* Starts the counter behind port_ticks(): DWT where it moves, else `timer` (may be NULL),
 * else SysTick. SysTick has to run from the core's clock of `clock_hz`. */
void cortexm_ticks_init(uint32_t clock_hz, const cortexm_timer_t *timer);

/* Sleeps until an interrupt is pending, for one period of SysTick at the longest. Returns at
 * once where the counter behind port_ticks() would stop meanwhile: a DWT does, unless a
 * debugger keeps the core's clock running. Call it with interrupts masked, having looked
 * whether there is nothing to do: one that comes in between then ends the sleep. */
void cortexm_sleep(void);

/* Masks interrupts; gives what cortexm_unmask() takes to bring the former state back. */
static inline uint32_t cortexm_mask(void)
{
    uint32_t primask;
    __asm volatile("mrs %0, primask\n cpsid i" : "=r"(primask)::"memory");
    return primask;
}

/* Interrupts that became pending meanwhile are taken before this returns. */
static inline void cortexm_unmask(uint32_t primask)
{
    __asm volatile("msr primask, %0\n isb" ::"r"(primask) : "memory");
}

/* Whether this runs in an exception's handler. */
static inline bool cortexm_in_handler(void)
{
    uint32_t exception;
    __asm volatile("mrs %0, ipsr" : "=r"(exception));
    return exception != 0;
}

/* Waits until the masked bits equal `value`, but not for ever: a dead crystal, or an
 * emulator without this peripheral, must not stop the firmware. */
bool cortexm_wait(volatile uint32_t *reg, uint32_t mask, uint32_t value);

void Reset_Handler(void);

#endif
