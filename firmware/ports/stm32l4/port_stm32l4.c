/* STM32L4: 80 MHz from the HSI16, USART2 on PA2/PA3.
 * Registers: ST RM0351; sections below are its own. */
#include "port.h"
#include "stm32.h"

/* 6.4: reset and clock control */
#define RCC_CR           REG32(0x40021000u)
#define RCC_CR_MSION     (1u << 0)
#define RCC_CR_HSION     (1u << 8)
#define RCC_CR_HSIRDY    (1u << 10)
#define RCC_CR_PLLON     (1u << 24)
#define RCC_CR_PLLRDY    (1u << 25)
#define RCC_CFGR         REG32(0x40021008u)
#define RCC_CFGR_SW_PLL  3u
#define RCC_CFGR_SWS_PLL (3u << 2)
#define RCC_PLLCFGR      REG32(0x4002100Cu)
/* HSI16 / 1 * 10 = 160 MHz; / 2 = 80 MHz on output R */
#define RCC_PLLCFGR_80MHZ   (2u | (10u << 8) | (1u << 24))
#define RCC_AHB2ENR         REG32(0x4002104Cu)
#define RCC_AHB2ENR_GPIOA   (1u << 0)
#define RCC_APB1ENR1        REG32(0x40021058u)
#define RCC_APB1ENR1_USART2 (1u << 17)

/* 3.7.1 */
#define FLASH_ACR                     REG32(0x40022000u)
#define FLASH_ACR_4WS_PREFETCH_CACHES (4u | (7u << 8))
#define FLASH_ACR_LATENCY             7u

#define GPIOA_BASE     0x48000000u
#define USART_FUNCTION 7u
#define MSI_HZ         4000000u

static uint32_t clock_hz;

static void clock_init(void)
{
    clock_hz = PORT_CLOCK_HZ;
    if ((RCC_CR & RCC_CR_MSION) == 0) {
        return; /* no RCC here: an emulator without one */
    }
    RCC_CR |= RCC_CR_HSION;
    (void)cortexm_wait(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    RCC_PLLCFGR = RCC_PLLCFGR_80MHZ;
    RCC_CR |= RCC_CR_PLLON;
    if (!cortexm_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        clock_hz = MSI_HZ;
        return;
    }
    FLASH_ACR = FLASH_ACR_4WS_PREFETCH_CACHES;
    (void)cortexm_wait(&FLASH_ACR, FLASH_ACR_LATENCY, 4u);
    RCC_CFGR = RCC_CFGR_SW_PLL;
    (void)cortexm_wait(&RCC_CFGR, RCC_CFGR_SWS_PLL, RCC_CFGR_SWS_PLL);
}

void port_init(void)
{
    clock_init();
    RCC_AHB2ENR |= RCC_AHB2ENR_GPIOA;
    RCC_APB1ENR1 |= RCC_APB1ENR1_USART2;
    (void)RCC_APB1ENR1;
    stm32_pin_function(GPIOA_BASE, 2, USART_FUNCTION);
    stm32_pin_function(GPIOA_BASE, 3, USART_FUNCTION);
    stm32_usart_init(clock_hz);
    cortexm_ticks_init(clock_hz, 0);
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
