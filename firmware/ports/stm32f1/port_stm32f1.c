/* STM32F103: 72 MHz from an 8 MHz crystal, USART1 on PA9/PA10.
 * Registers: ST RM0008; sections below are its own. */
#include "port.h"
#include "stm32.h"

/* 7.3: reset and clock control */
#define RCC_CR                        REG32(0x40021000u)
#define RCC_CR_HSION                  (1u << 0)
#define RCC_CR_HSEON                  (1u << 16)
#define RCC_CR_HSERDY                 (1u << 17)
#define RCC_CR_PLLON                  (1u << 24)
#define RCC_CR_PLLRDY                 (1u << 25)
#define RCC_CFGR                      REG32(0x40021004u)
#define RCC_CFGR_SW_PLL               2u
#define RCC_CFGR_SWS_MASK             (3u << 2)
#define RCC_CFGR_SWS_PLL              (2u << 2)
#define RCC_CFGR_APB1_2               (4u << 8)
#define RCC_CFGR_PLL_HSE_X9           ((1u << 16) | (7u << 18))
#define RCC_CFGR_PLL_HSI_X16          (14u << 18) /* of half the HSI: 64 MHz */
#define RCC_APB2ENR                   REG32(0x40021018u)
#define RCC_APB2ENR_AFIO_GPIOA_USART1 ((1u << 0) | (1u << 2) | (1u << 14))

/* 3.3.3 */
#define FLASH_ACR              REG32(0x40022000u)
#define FLASH_ACR_2WS_PREFETCH (2u | (1u << 4))

/* 9.2 */
#define GPIOA_CRH          REG32(0x40010804u)
#define GPIOA_CRH_PA9_PA10 0x8B0u /* PA9 alternate push-pull 50 MHz, PA10 input with pull */
#define GPIOA_BSRR         REG32(0x40010810u)

#define HSI_HZ     8000000u
#define HSI_PLL_HZ 64000000u

static uint32_t clock_hz;

static void clock_init(void)
{
    clock_hz = PORT_CLOCK_HZ;
    if ((RCC_CR & RCC_CR_HSION) == 0) {
        return; /* no RCC here: an emulator without one */
    }
    RCC_CR |= RCC_CR_HSEON;
    const bool hse = cortexm_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    const uint32_t pll = (hse ? RCC_CFGR_PLL_HSE_X9 : RCC_CFGR_PLL_HSI_X16) | RCC_CFGR_APB1_2;
    RCC_CFGR = pll;
    RCC_CR |= RCC_CR_PLLON;
    if (!cortexm_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        clock_hz = HSI_HZ;
        return;
    }
    FLASH_ACR = FLASH_ACR_2WS_PREFETCH;
    RCC_CFGR = pll | RCC_CFGR_SW_PLL;
    (void)cortexm_wait(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
    clock_hz = hse ? PORT_CLOCK_HZ : HSI_PLL_HZ;
}

void port_init(void)
{
    clock_init();
    RCC_APB2ENR |= RCC_APB2ENR_AFIO_GPIOA_USART1;
    (void)RCC_APB2ENR;
    GPIOA_BSRR = 1u << 10; /* the pull of PA10 is up */
    GPIOA_CRH = (GPIOA_CRH & ~0xFF0u) | GPIOA_CRH_PA9_PA10;
    stm32_usart_init(clock_hz); /* APB2 is undivided */
    cortexm_ticks_init(clock_hz, 0);
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
