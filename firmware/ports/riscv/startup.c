/* Reset, memory initialisation and traps of a RISC-V core in machine mode. */
#include "fault.h"
#include "port.h"
#include "riscv.h"

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
void start(void);
void trap_report(uint32_t mepc, uint32_t mcause, uint32_t mtval, uint32_t ra);

/* Stack, trap vector (3.1.7), then C. */
__attribute__((naked, section(".boot"), used)) void Reset_Handler(void)
{
    __asm volatile(".option push\n"
                   ".option norelax\n"
                   "la   gp, __global_pointer$\n"
                   ".option pop\n"
                   "la   sp, __stack_top\n"
                   "la   t0, trap_entry\n"
                   "csrw mtvec, t0\n"
                   "csrw mie, zero\n"
                   "j    start\n");
}

/* Nothing returns from a trap: the stack is taken anew, so that its overflow can be told.
 * The alignment is what a core in vectored mode wants; exceptions enter at the base there. */
__attribute__((naked, aligned(256), used)) void trap_entry(void)
{
    __asm volatile("csrr a0, mepc\n"
                   "csrr a1, mcause\n"
                   "csrr a2, mtval\n"
                   "mv   a3, ra\n"
                   "la   sp, __stack_top\n"
                   "j    trap_report\n");
}

__attribute__((used)) void trap_report(uint32_t mepc, uint32_t mcause, uint32_t mtval, uint32_t ra)
{
    monitor_trap(mepc, mcause, mtval, ra);
    for (;;) {
    }
}

static void paint_stack(void)
{
    volatile uint32_t *end =
        (volatile uint32_t *)((uintptr_t)__builtin_frame_address(0) - STACK_MARGIN);
    for (volatile uint32_t *word = &__stack_bottom; word < end; word++) {
        *word = STACK_PAINT;
    }
}

__attribute__((used)) void start(void)
{
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

bool riscv_wait(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t tries = 0; tries < 20000u; tries++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}
