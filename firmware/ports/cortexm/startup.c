/* Reset, vector table, memory initialisation and faults of a Cortex-M. */
#include "cortexm.h"
#include "port.h"

#include <stddef.h>

/* From the linker script. */
extern uint32_t __data_load, __data_start, __data_end;
extern uint32_t __bss_start, __bss_end;
extern uint32_t __stack_bottom, __stack_top;
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

#define STACK_PAINT 0xA5A5A5A5u
/* Bytes below the frame of the painter itself that are left alone. */
#define STACK_MARGIN 64u

int main(void);
void SysTick_Handler(void);
void USART_Handler(void);
void Fault_Handler(void);

typedef void (*handler_t)(void);

/* The system's exceptions and, where the port does not poll it, the USART's interrupt. */
typedef struct {
    uint32_t *stack;
    handler_t handlers[15];
#ifdef PORT_USART_IRQ
    handler_t interrupts[PORT_USART_IRQ + 1];
#endif
} vector_table_t;

__attribute__((section(".vectors"), used)) const vector_table_t vector_table = {
    &__stack_top,
    {
        Reset_Handler,
        Fault_Handler, /* NMI */
        Fault_Handler, /* HardFault */
        Fault_Handler, /* MemManage */
        Fault_Handler, /* BusFault */
        Fault_Handler, /* UsageFault */
        NULL,
        NULL,
        NULL,
        NULL,
        Fault_Handler, /* SVCall */
        Fault_Handler, /* DebugMonitor */
        NULL,
        Fault_Handler, /* PendSV */
        SysTick_Handler,
    },
#ifdef PORT_USART_IRQ
    {[PORT_USART_IRQ] = USART_Handler},
#endif
};

static void paint_stack(void)
{
    volatile uint32_t *end =
        (volatile uint32_t *)((uintptr_t)__builtin_frame_address(0) - STACK_MARGIN);
    for (volatile uint32_t *word = &__stack_bottom; word < end; word++) {
        *word = STACK_PAINT;
    }
}

void Reset_Handler(void)
{
#if __ARM_ARCH >= 7
    SCB_VTOR = (uint32_t)(uintptr_t)&vector_table;
#endif
#ifdef __ARM_FP
    SCB_CPACR |= 0xFu << 20; /* B3.2.20: full access to the FPU, before its first use */
    __asm volatile("dsb\n isb");
#endif
    const uint32_t *from = &__data_load;
    for (uint32_t *to = &__data_start; to < &__data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &__bss_start; to < &__bss_end;) {
        *to++ = 0;
    }
    paint_stack();
    for (void (*const *construct)(void) = __init_array_start; construct < __init_array_end;) {
        (*construct++)();
    }
    (void)main();
    for (;;) {
    }
}

uint32_t port_stack_bytes(void)
{
    return (uint32_t)((uintptr_t)&__stack_top - (uintptr_t)&__stack_bottom);
}

uint32_t port_stack_peak_bytes(void)
{
    const volatile uint32_t *word = &__stack_bottom;
    while (word < &__stack_top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)&__stack_top - (uintptr_t)word);
}

void port_reset(void)
{
    __asm volatile("dsb");
    SCB_AIRCR = SCB_AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

bool cortexm_wait(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    /* Some 10 ms on the slowest start-up clock; crystals need 2 ms. */
    for (uint32_t tries = 0; tries < 20000u; tries++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}
