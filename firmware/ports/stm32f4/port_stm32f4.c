/* STM32F4: USART2 on PA2/PA3, TIM2 as a spare counter.
 * Registers: ST RM0090 (F405/F407) and RM0390 (F446); sections below are RM0090's. */
#include "clock_f4f7.h"
#include "port.h"
#include "stm32.h"

#define RCC_AHB1ENR_GPIOA                (1u << 0)
#define RCC_APB1ENR_TIM2                 (1u << 0)
#define RCC_APB1ENR_USART2               (1u << 17)
#define FLASH_ACR_PREFETCH_ICACHE_DCACHE (7u << 8) /* 3.9.1 */
#define GPIOA_BASE                       0x40020000u
#define USART_FUNCTION                   7u

/* 18.4: TIM2, 32 bits wide */
#define TIM2_CR1 REG32(0x40000000u)
#define TIM2_EGR REG32(0x40000014u)
#define TIM2_CNT REG32(0x40000024u)
#define TIM2_PSC REG32(0x40000028u)
#define TIM2_ARR REG32(0x4000002Cu)

static uint32_t clock_hz;

static uint32_t tim2_read(void)
{
    return TIM2_CNT;
}

void port_init(void)
{
    /* Its rate is measured, since an emulator's is its own affair: QEMU's counts
     * nanoseconds, which is one instruction each with -icount shift=0. */
    static const cortexm_timer_t tim2 = {"tim2", tim2_read, 0};

    clock_hz = clock_f4f7_init(FLASH_ACR_PREFETCH_ICACHE_DCACHE | PORT_FLASH_WS);
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOA;
    RCC_APB1ENR |= RCC_APB1ENR_USART2 | RCC_APB1ENR_TIM2;
    (void)RCC_APB1ENR;
    stm32_pin_function(GPIOA_BASE, 2, USART_FUNCTION);
    stm32_pin_function(GPIOA_BASE, 3, USART_FUNCTION);
    stm32_usart_init(clock_f4f7_bus(clock_hz, PORT_APB1_DIV));

    TIM2_PSC = 0;
    TIM2_ARR = 0xFFFFFFFFu;
    TIM2_EGR = 1u;
    TIM2_CR1 = 1u;
    cortexm_ticks_init(clock_hz, &tim2);
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
