/* port_ticks() from mcycle, 3.1.10.
 *
 * QEMU with -icount has mcycle and minstret read the same counter, one instruction and one
 * nanosecond of the machine's time each. A core never retires exactly one instruction per
 * cycle over a loop with branches and loads, so equal counts tell the emulator. */
#include "port.h"
#include "riscv.h"

#define ONE_PER_NANOSECOND 1000000000u

static uint32_t tick_hz;
static const char *source = "mcycle";

uint64_t port_ticks(void)
{
    uint32_t high, low, again;
    do {
        __asm volatile("csrr %0, mcycleh" : "=r"(high));
        __asm volatile("csrr %0, mcycle" : "=r"(low));
        __asm volatile("csrr %0, mcycleh" : "=r"(again));
    } while (high != again);
    return ((uint64_t)high << 32) | low;
}

static bool counts_instructions(void)
{
    uint32_t cycles, retired, cycles_end, retired_end;
    __asm volatile("csrr %0, mcycle\n csrr %1, minstret" : "=r"(cycles), "=r"(retired));
    for (volatile int i = 0; i < 64; i++) {
    }
    __asm volatile("csrr %0, mcycle\n csrr %1, minstret" : "=r"(cycles_end), "=r"(retired_end));
    return cycles_end - cycles == retired_end - retired;
}

void riscv_ticks_init(uint32_t clock_hz)
{
    tick_hz = clock_hz;
    if (counts_instructions()) {
        tick_hz = ONE_PER_NANOSECOND;
        source = "minstret";
    }
}

uint32_t port_tick_hz(void)
{
    return tick_hz;
}

const char *port_tick_source(void)
{
    return source;
}
