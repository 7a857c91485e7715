/* Faults: find the stacked frame and a usable stack, then let the monitor tell the host. */
#include "fault.h"
#include "cortexm.h"

#include <stddef.h>

extern uint32_t __stack_bottom, __stack_top;

void Fault_Handler(void);
void fault_report(const uint32_t *frame);

#define FRAME_BYTES 32u /* r0 r1 r2 r3 r12 lr pc xpsr */

__attribute__((used)) void fault_report(const uint32_t *frame)
{
    const uintptr_t at = (uintptr_t)frame;
    const bool readable = at >= (uintptr_t)&__stack_bottom &&
                          at + FRAME_BYTES <= (uintptr_t)&__stack_top && (at & 3u) == 0;
#if __ARM_ARCH >= 7
    monitor_fault(readable ? frame : NULL, SCB_CFSR, SCB_HFSR, SCB_BFAR, SCB_MMFAR);
#else
    monitor_fault(readable ? frame : NULL, 0, 0, 0, 0);
#endif
    for (;;) {
    }
}

/* Takes the stack in use from EXC_RETURN's bit 2. A frame in the upper half leaves half the
 * stack free below it; one in the lower half, or a stack pointer gone astray, leaves the
 * upper half: nothing returns from here, so its contents are free to take. */
__attribute__((naked)) void Fault_Handler(void)
{
    __asm volatile(".syntax unified\n"
                   "mov  r0, lr\n"
                   "movs r1, #4\n"
                   "tst  r0, r1\n"
                   "bne  1f\n"
                   "mrs  r0, msp\n"
                   "b    2f\n"
                   "1:\n"
                   "mrs  r0, psp\n"
                   "2:\n"
                   "ldr  r1, =__stack_middle\n"
                   "cmp  r0, r1\n"
                   "blo  3f\n"
                   "ldr  r1, =__stack_top\n"
                   "cmp  r0, r1\n"
                   "blo  4f\n"
                   "3:\n"
                   "ldr  r1, =__stack_top\n"
                   "msr  msp, r1\n"
                   "4:\n"
                   "ldr  r1, =fault_report\n"
                   "bx   r1\n"
                   ".pool\n");
}
