/* The 64-bit counter behind port_ticks().
 *
 * A 32-bit counter is extended in software: SysTick's interrupt reads it long before it can
 * wrap twice, or a second, slower counter tells. QEMU has a DWT whose CYCCNT stands still, so
 * whether it moves is tried. */
#include "cortexm.h"
#include "port.h"

#include <stddef.h>

#define SYSTICK_PERIOD 0x1000000u /* 24 bits */

/* nRF51's Cortex-M0 has no SysTick: its port sets this to 0, and the counter has to be read
 * more often than it wraps. */
#ifndef CORTEXM_SYSTICK
#define CORTEXM_SYSTICK 1
#endif

void SysTick_Handler(void);

static struct {
    const char *name;
    uint32_t (*read)(void);   /* NULL: SysTick itself */
    uint32_t (*coarse)(void); /* NULL: wraps are counted */
    uint32_t hz;
    uint32_t last;
    uint64_t wraps; /* of the counter; of SysTick where read is NULL */
} ticks;

/* SysTick counts down and asks for its interrupt when it reaches 0, one tick before the
 * reload: counted from that moment, 0 is the first tick of a period. */
static uint32_t systick_phase(void)
{
    return (SYSTICK_PERIOD - SYST_CVR) & (SYSTICK_PERIOD - 1u);
}

static uint64_t systick_now(void)
{
    uint32_t phase = systick_phase();
    uint64_t periods = ticks.wraps;
    if (SCB_ICSR & SCB_ICSR_PENDSTSET) {
        phase = systick_phase(); /* the wrap may lie between the two reads */
        periods++;
    }
    return periods * SYSTICK_PERIOD + phase;
}

static uint64_t counter_now(void)
{
    if (ticks.coarse != NULL) {
        /* The number near the coarse one that ends in the fine one's 32 bits. */
        const uint64_t near = (uint64_t)ticks.coarse() << 16;
        return near + (uint64_t)(int64_t)(int32_t)(ticks.read() - (uint32_t)near);
    }
    uint32_t now = ticks.read();
    if (now < ticks.last) {
        ticks.wraps++;
    }
    ticks.last = now;
    return (ticks.wraps << 32) | now;
}

uint64_t port_ticks(void)
{
    uint32_t primask = cortexm_mask();
    uint64_t now = ticks.read != NULL ? counter_now() : systick_now();
    cortexm_unmask(primask);
    return now;
}

void SysTick_Handler(void)
{
    if (ticks.read != NULL) {
        (void)port_ticks();
    } else {
        ticks.wraps++;
    }
}

uint32_t port_tick_hz(void)
{
    return ticks.hz;
}

const char *port_tick_source(void)
{
    return ticks.name;
}

#if __ARM_ARCH >= 7
static uint32_t dwt_read(void)
{
    return DWT_CYCCNT;
}

static bool dwt_moves(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = DWT_LAR_UNLOCK;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    uint32_t before = DWT_CYCCNT;
    for (volatile int i = 0; i < 8; i++) {
    }
    return DWT_CYCCNT != before;
}
#endif

/* A timer's rate in whole MHz, seen over 0.1 ms of SysTick. */
static uint32_t measured_hz(uint32_t (*read)(void), uint32_t clock_hz)
{
    const uint32_t window = clock_hz / 10000u;
    const uint32_t phase = systick_phase();
    const uint32_t begin = read();
    uint32_t passed;
    do {
        passed = (systick_phase() - phase) & (SYSTICK_PERIOD - 1u);
    } while (passed < window);
    const uint64_t counted = (uint64_t)(read() - begin) * clock_hz;
    const uint64_t mhz = (counted / passed + 500000u) / 1000000u;
    return mhz <= 4000u ? (uint32_t)mhz * 1000000u : 0u;
}

static void choose(const cortexm_timer_t *timer, uint32_t clock_hz)
{
    ticks.name = "systick";
    ticks.hz = clock_hz;
#if __ARM_ARCH >= 7
    if (dwt_moves()) {
        ticks.name = "dwt";
        ticks.last = dwt_read();
        ticks.read = dwt_read;
        return;
    }
#endif
    if (timer == NULL) {
        return;
    }
    const uint32_t hz = timer->hz ? timer->hz : measured_hz(timer->read, clock_hz);
    if (hz != 0) {
        ticks.name = timer->name;
        ticks.hz = hz;
        ticks.last = timer->read();
        ticks.coarse = timer->coarse;
        ticks.read = timer->read;
    }
}

void cortexm_ticks_init(uint32_t clock_hz, const cortexm_timer_t *timer)
{
    if (CORTEXM_SYSTICK) {
        SYST_RVR = SYSTICK_PERIOD - 1u;
        SYST_CVR = 0;
        SYST_CSR = SYST_CSR_RUN;
    }
    choose(timer, clock_hz);
    if (CORTEXM_SYSTICK && ticks.coarse == NULL) {
        SYST_CSR = SYST_CSR_RUN | SYST_CSR_TICKINT;
    }
}

void cortexm_sleep(void)
{
#if __ARM_ARCH >= 7
    if (ticks.read == dwt_read) {
        return;
    }
#endif
    if (!CORTEXM_SYSTICK) {
        return;
    }
    /* With a coarse counter SysTick's interrupt is off: here it only ends the sleep. */
    SYST_CSR = SYST_CSR_RUN | SYST_CSR_TICKINT;
    __asm volatile("dsb\n wfi" ::: "memory");
    if (ticks.coarse != NULL) {
        SYST_CSR = SYST_CSR_RUN;
        SCB_ICSR = SCB_ICSR_PENDSTCLR;
    }
}
