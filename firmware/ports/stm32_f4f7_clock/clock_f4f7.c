#include "clock_f4f7.h"

#define RCC_APB1ENR_PWR (1u << 28)

/* RM0090 3.9.1, RM0385 3.7.1: flash access control */
#define FLASH_ACR         REG32(0x40023C00u)
#define FLASH_ACR_LATENCY 0xFu

/* RM0390 5.4, RM0385 4.4: power control; the F407 has one VOS bit and no overdrive */
#define PWR_CR            REG32(0x40007000u)
#define PWR_CR_VOS_SCALE1 (3u << 14)
#define PWR_CR_ODEN       (1u << 16)
#define PWR_CR_ODSWEN     (1u << 17)
#define PWR_CSR           REG32(0x40007004u)
#define PWR_CSR_ODRDY     (1u << 16)
#define PWR_CSR_ODSWRDY   (1u << 17)

#define HSI_PLL_M (HSI_HZ / (PORT_HSE_HZ / PORT_PLL_M)) /* the same PLL input from the HSI */

/* Encodes an APB divisor of 1, 2, 4, 8 or 16 as in RCC_CFGR. */
static uint32_t apb_bits(uint32_t divisor)
{
    uint32_t bits = 0;
    for (uint32_t d = 2; d <= divisor; d *= 2) {
        bits = bits ? bits + 1 : 4;
    }
    return bits;
}

static void overdrive(void)
{
    PWR_CR |= PWR_CR_ODEN;
    (void)cortexm_wait(&PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY);
    PWR_CR |= PWR_CR_ODSWEN;
    (void)cortexm_wait(&PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
}

uint32_t clock_f4f7_init(uint32_t flash_acr)
{
    /* Bit 0 is set whenever the chip runs at all: where it reads 0 there is no RCC (an
     * emulator without one), and nothing to wait for. */
    if ((RCC_CR & RCC_CR_HSION) == 0) {
        return PORT_CLOCK_HZ;
    }
    RCC_APB1ENR |= RCC_APB1ENR_PWR;
    (void)RCC_APB1ENR; /* the clock reaches the peripheral after two cycles */
    PWR_CR |= PWR_CR_VOS_SCALE1;

    RCC_CR |= RCC_CR_HSEON | (PORT_HSE_BYPASS ? RCC_CR_HSEBYP : 0u);
    const bool hse = cortexm_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    const uint32_t m = hse ? PORT_PLL_M : HSI_PLL_M;
    RCC_PLLCFGR = m | (PORT_PLL_N << 6) | ((PORT_PLL_P / 2u - 1u) << 16) |
                  (hse ? RCC_PLLCFGR_HSE : 0u) | (PORT_PLL_Q << 24) | (2u << 28);
    RCC_CR |= RCC_CR_PLLON;
    if (PORT_OVERDRIVE) {
        overdrive();
    }
    if (!cortexm_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return HSI_HZ;
    }
    FLASH_ACR = flash_acr;
    (void)cortexm_wait(&FLASH_ACR, FLASH_ACR_LATENCY, flash_acr & FLASH_ACR_LATENCY);
    RCC_CFGR = (apb_bits(PORT_APB1_DIV) << 10) | (apb_bits(PORT_APB2_DIV) << 13) | RCC_CFGR_SW_PLL;
    (void)cortexm_wait(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
    return PORT_CLOCK_HZ;
}

uint32_t clock_f4f7_bus(uint32_t core_hz, uint32_t divisor)
{
    return core_hz == PORT_CLOCK_HZ ? core_hz / divisor : core_hz; /* undivided on the HSI */
}
