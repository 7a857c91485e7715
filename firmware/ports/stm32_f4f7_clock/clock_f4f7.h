/* The clock tree that STM32F4 and STM32F7 have in common. */
#ifndef CLOCK_F4F7_H
#define CLOCK_F4F7_H

#include "cortexm.h"

/* RM0090 7.3: reset and clock control */
#define RCC_CR            REG32(0x40023800u)
#define RCC_CR_HSION      (1u << 0)
#define RCC_CR_HSEON      (1u << 16)
#define RCC_CR_HSERDY     (1u << 17)
#define RCC_CR_HSEBYP     (1u << 18)
#define RCC_CR_PLLON      (1u << 24)
#define RCC_CR_PLLRDY     (1u << 25)
#define RCC_PLLCFGR       REG32(0x40023804u)
#define RCC_PLLCFGR_HSE   (1u << 22)
#define RCC_CFGR          REG32(0x40023808u)
#define RCC_CFGR_SW_PLL   2u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL  (2u << 2)
#define RCC_AHB1ENR       REG32(0x40023830u)
#define RCC_APB1ENR       REG32(0x40023840u)
#define RCC_APB2ENR       REG32(0x40023844u)

#define HSI_HZ 16000000u

/* PLL from the crystal (the internal oscillator where there is none), voltage scale,
 * overdrive, flash wait states `flash_acr`. Returns the core's clock in Hz. */
uint32_t clock_f4f7_init(uint32_t flash_acr);

/* The clock of a bus that is divided by `divisor` at full speed. */
uint32_t clock_f4f7_bus(uint32_t core_hz, uint32_t divisor);

#endif
