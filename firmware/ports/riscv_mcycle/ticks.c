/* port_ticks() from mcycle, 3.1.10.
 *
 * Emulators have mcycle and minstret read the same counter: QEMU with -icount exactly, Renode
 * but for the few instructions of the block it is translating. A core never retires one
 * instruction per cycle over a loop with branches and loads, so nearly equal counts tell the
 * emulator; there an instruction is a nanosecond of the machine's time.
 */
#include "port.h"
#include "riscv.h"

#define ONE_PER_NANOSECOND 1000000000u

#define LOOPS 64
/* Of a core: at least one cycle a turn for the load that is used at once. */
#define BLOCK_INSTRUCTIONS 32u

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
    for (volatile int i = 0; i < LOOPS; i++) {
    }
    __asm volatile("csrr %0, mcycle\n csrr %1, minstret" : "=r"(cycles_end), "=r"(retired_end));
    const uint32_t more = (cycles_end - cycles) - (retired_end - retired);
    return more + BLOCK_INSTRUCTIONS <= 2u * BLOCK_INSTRUCTIONS;
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
