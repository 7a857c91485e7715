/* What the STM32 ports share. */
#ifndef STM32_H
#define STM32_H

#include <stdint.h>

#include "cortexm.h"

/* GPIO but for the F1, RM0090 section 8.4: registers of the port at `base` */
#define GPIO_MODER(base)    REG32((base) + 0x00u)
#define GPIO_OSPEEDR(base)  REG32((base) + 0x08u)
#define GPIO_PUPDR(base)    REG32((base) + 0x0Cu)
#define GPIO_AFR(base, pin) REG32((base) + 0x20u + 4u * ((pin) / 8u))

/* Gives a pin to its alternate function, pulled up (against noise on an open RX). */
static inline void stm32_pin_function(uint32_t base, uint32_t pin, uint32_t function)
{
    const uint32_t two = 2u * pin;
    const uint32_t four = 4u * (pin % 8u);
    GPIO_AFR(base, pin) = (GPIO_AFR(base, pin) & ~(0xFu << four)) | (function << four);
    GPIO_OSPEEDR(base) |= 2u << two;
    GPIO_PUPDR(base) = (GPIO_PUPDR(base) & ~(3u << two)) | (1u << two);
    GPIO_MODER(base) = (GPIO_MODER(base) & ~(3u << two)) | (2u << two);
}

/* Switches the USART at PORT_USART_BASE on, at PORT_BAUD; its clock runs at `kernel_hz`. */
void stm32_usart_init(uint32_t kernel_hz);

#endif
