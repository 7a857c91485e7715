/* STM32H7: 400 MHz (voltage scale 1, which every revision reaches), caches, USART3 on PD8/PD9.
 * Registers: ST RM0433; sections below are its own. */
#include "cache.h"
#include "port.h"
#include "stm32.h"

/* 8.7: reset and clock control */
#define RCC_CR                   REG32(0x58024400u)
#define RCC_CR_HSION             (1u << 0)
#define RCC_CR_HSEON             (1u << 16)
#define RCC_CR_HSERDY            (1u << 17)
#define RCC_CR_HSEBYP            (1u << 18)
#define RCC_CR_PLL1ON            (1u << 24)
#define RCC_CR_PLL1RDY           (1u << 25)
#define RCC_CFGR                 REG32(0x58024410u)
#define RCC_CFGR_SW_PLL1         3u
#define RCC_CFGR_SWS_MASK        (7u << 3)
#define RCC_CFGR_SWS_PLL1        (3u << 3)
#define RCC_D1CFGR               REG32(0x58024418u)
#define RCC_D1CFGR_HCLK_2_APB3_2 ((8u << 0) | (4u << 4))
#define RCC_D2CFGR               REG32(0x5802441Cu)
#define RCC_D2CFGR_APB1_2_APB2_2 ((4u << 4) | (4u << 8))
#define RCC_D3CFGR               REG32(0x58024420u)
#define RCC_D3CFGR_APB4_2        (4u << 4)
#define RCC_PLLCKSELR            REG32(0x58024428u)
#define RCC_PLLCKSELR_HSE        2u
#define RCC_PLLCFGR              REG32(0x5802442Cu)
#define RCC_PLLCFGR_PLL1_8MHZ_P  ((3u << 2) | (1u << 16)) /* input 8 to 16 MHz, wide VCO */
#define RCC_PLL1DIVR             REG32(0x58024430u)
/* 8 MHz * 100 = 800 MHz; / 2 = 400 MHz on output P */
#define RCC_PLL1DIVR_400MHZ ((100u - 1u) | (1u << 9) | (1u << 16) | (1u << 24))
#define RCC_AHB4ENR         REG32(0x580244E0u)
#define RCC_AHB4ENR_GPIOD   (1u << 3)
#define RCC_APB1LENR        REG32(0x580244E8u)
#define RCC_APB1LENR_USART3 (1u << 18)

/* 6.8: power control */
#define PWR_CR3         REG32(0x5802480Cu)
#define PWR_CR3_LDO     6u /* SCUEN and LDOEN; a first write locks the choice of supply */
#define PWR_D3CR        REG32(0x58024818u)
#define PWR_D3CR_VOS1   (3u << 14)
#define PWR_D3CR_VOSRDY (1u << 13)

/* 4.9.1: 2 wait states and a programming delay of 2 up to 210 MHz on the AXI bus */
#define FLASH_ACR        REG32(0x52002000u)
#define FLASH_ACR_200MHZ (2u | (2u << 4))

#define GPIOD_BASE     0x58020C00u
#define USART_FUNCTION 7u
#define HSI_HZ         64000000u
#define APB1_DIV       4u /* HCLK is half the core's clock, APB1 half of that */

static uint32_t clock_hz;

static void clock_init(void)
{
    clock_hz = PORT_CLOCK_HZ;
    if ((RCC_CR & RCC_CR_HSION) == 0) {
        return; /* no RCC here: an emulator without one */
    }
    PWR_CR3 = PWR_CR3_LDO;
    PWR_D3CR = PWR_D3CR_VOS1;
    (void)cortexm_wait(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);

    RCC_CR |= RCC_CR_HSEON | RCC_CR_HSEBYP; /* 8 MHz from the on-board ST-LINK */
    const bool hse = cortexm_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    RCC_PLLCKSELR = hse ? (RCC_PLLCKSELR_HSE | (1u << 4)) : (HSI_HZ / 8000000u) << 4;
    RCC_PLLCFGR = RCC_PLLCFGR_PLL1_8MHZ_P;
    RCC_PLL1DIVR = RCC_PLL1DIVR_400MHZ;
    RCC_CR |= RCC_CR_PLL1ON;
    if (!cortexm_wait(&RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY)) {
        clock_hz = HSI_HZ;
        return;
    }
    RCC_D1CFGR = RCC_D1CFGR_HCLK_2_APB3_2;
    RCC_D2CFGR = RCC_D2CFGR_APB1_2_APB2_2;
    RCC_D3CFGR = RCC_D3CFGR_APB4_2;
    FLASH_ACR = FLASH_ACR_200MHZ;
    (void)cortexm_wait(&FLASH_ACR, FLASH_ACR_200MHZ, FLASH_ACR_200MHZ);
    RCC_CFGR = RCC_CFGR_SW_PLL1;
    (void)cortexm_wait(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL1);
}

void port_init(void)
{
    clock_init();
    cortexm_caches_on();
    RCC_AHB4ENR |= RCC_AHB4ENR_GPIOD;
    RCC_APB1LENR |= RCC_APB1LENR_USART3;
    (void)RCC_APB1LENR;
    stm32_pin_function(GPIOD_BASE, 8, USART_FUNCTION);
    stm32_pin_function(GPIOD_BASE, 9, USART_FUNCTION);
    stm32_usart_init(clock_hz == PORT_CLOCK_HZ ? clock_hz / APB1_DIV : clock_hz);
    cortexm_ticks_init(clock_hz, 0);
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
