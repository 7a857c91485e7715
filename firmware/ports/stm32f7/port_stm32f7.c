/* STM32F7: caches, USART1 on PA9 (TX) and PB7 (RX).
 * Registers: ST RM0385. */
#include "cache.h"
#include "clock_f4f7.h"
#include "port.h"
#include "stm32.h"

#define RCC_AHB1ENR_GPIOA_GPIOB 3u
#define RCC_APB2ENR_USART1      (1u << 4)
#define FLASH_ACR_PREFETCH_ART  (3u << 8) /* 3.7.1 */
#define GPIOA_BASE              0x40020000u
#define GPIOB_BASE              0x40020400u
#define USART_FUNCTION          7u

static uint32_t clock_hz;

void port_init(void)
{
    clock_hz = clock_f4f7_init(FLASH_ACR_PREFETCH_ART | PORT_FLASH_WS);
    cortexm_caches_on();
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOA_GPIOB;
    RCC_APB2ENR |= RCC_APB2ENR_USART1;
    (void)RCC_APB2ENR;
    stm32_pin_function(GPIOA_BASE, 9, USART_FUNCTION);
    stm32_pin_function(GPIOB_BASE, 7, USART_FUNCTION);
    stm32_usart_init(clock_f4f7_bus(clock_hz, PORT_APB2_DIV));
    cortexm_ticks_init(clock_hz, 0);
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
