/* Caches of the Cortex-M7: Armv7-M Architecture Reference Manual (DDI0403E), B2.2.7. */
#ifndef CACHE_H
#define CACHE_H

#include "cortexm.h"

#define SCB_CCSIDR  REG32(0xE000ED80u)
#define SCB_CSSELR  REG32(0xE000ED84u)
#define SCB_ICIALLU REG32(0xE000EF50u)
#define SCB_DCISW   REG32(0xE000EF60u)
#define SCB_CCR_DC  (1u << 16)
#define SCB_CCR_IC  (1u << 17)

/* Switches both on, emptied first: their contents are unknown after reset. */
static inline void cortexm_caches_on(void)
{
    SCB_ICIALLU = 0;
    __asm volatile("dsb\n isb" ::: "memory");
    SCB_CSSELR = 0; /* the level 1 data cache */
    __asm volatile("dsb");
    const uint32_t size = SCB_CCSIDR;
    const uint32_t sets = (size >> 13) & 0x7FFFu;
    const uint32_t ways = (size >> 3) & 0x3FFu;
    for (uint32_t set = 0; set <= sets; set++) {
        for (uint32_t way = 0; way <= ways; way++) {
            SCB_DCISW = (way << 30) | (set << 5); /* 4 ways, lines of 32 bytes */
        }
    }
    __asm volatile("dsb" ::: "memory");
    SCB_CCR |= SCB_CCR_DC | SCB_CCR_IC;
    __asm volatile("dsb\n isb" ::: "memory");
}

#endif
