/* STM32F4: USART2 on PA2/PA3, TIM2 and TIM5 as a spare counter.
 * Registers: ST RM0090 (F405/F407) and RM0390 (F446); sections below are RM0090's. */
#include "clock_f4f7.h"
#include "port.h"
#include "stm32.h"

#define RCC_AHB1ENR_GPIOA                (1u << 0)
#define RCC_APB1ENR_TIM2_TIM5            ((1u << 0) | (1u << 3))
#define RCC_APB1ENR_USART2               (1u << 17)
#define FLASH_ACR_PREFETCH_ICACHE_DCACHE (7u << 8) /* 3.9.1 */
#define GPIOA_BASE                       0x40020000u
#define USART_FUNCTION                   7u

#if MONITOR_ENERGY
/* The time stamp pin, PA8: D7 of boards with Arduino's connector. 8.4.7, set and reset. */
#define STAMP_PIN        8u
#define GPIO_BSRR(base)  REG32((base) + 0x18u)
#define STAMP_CLOCKS(hz) ((hz) / 1000000u)
#endif

/* 18.4: TIM2 and TIM5, 32 bits wide */
#define TIM2_BASE     0x40000000u
#define TIM5_BASE     0x40000C00u
#define TIM_CR1(base) REG32((base) + 0x00u)
#define TIM_EGR(base) REG32((base) + 0x14u)
#define TIM_CNT(base) REG32((base) + 0x24u)
#define TIM_PSC(base) REG32((base) + 0x28u)
#define TIM_ARR(base) REG32((base) + 0x2Cu)

static uint32_t clock_hz;

static uint32_t tim2_read(void)
{
    return TIM_CNT(TIM2_BASE);
}

static uint32_t tim5_read(void)
{
    return TIM_CNT(TIM5_BASE);
}

static void timer_start(uint32_t base, uint32_t divisor)
{
    TIM_PSC(base) = divisor - 1u;
    TIM_ARR(base) = 0xFFFFFFFFu;
    TIM_EGR(base) = 1u; /* takes the divisor over */
    TIM_CR1(base) = 1u;
}

void port_init(void)
{
    /* Its rate is measured, since an emulator's is its own affair: QEMU's counts
     * nanoseconds, which is one instruction each with -icount shift=0. */
    static const cortexm_timer_t timers = {"tim2", tim2_read, tim5_read, 0};

    clock_hz = clock_f4f7_init(FLASH_ACR_PREFETCH_ICACHE_DCACHE | PORT_FLASH_WS);
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOA;
    RCC_APB1ENR |= RCC_APB1ENR_USART2 | RCC_APB1ENR_TIM2_TIM5;
    (void)RCC_APB1ENR;
    stm32_pin_function(GPIOA_BASE, 2, USART_FUNCTION);
    stm32_pin_function(GPIOA_BASE, 3, USART_FUNCTION);

#if MONITOR_ENERGY
    GPIO_BSRR(GPIOA_BASE) = 1u << STAMP_PIN; /* high at rest */
    GPIO_MODER(GPIOA_BASE) =
        (GPIO_MODER(GPIOA_BASE) & ~(3u << 2u * STAMP_PIN)) | (1u << 2u * STAMP_PIN);
#endif
    timer_start(TIM2_BASE, 1u);
    timer_start(TIM5_BASE, 65536u);
    cortexm_ticks_init(clock_hz, &timers);
    /* last, since an interrupt would disturb the measuring of the timer's rate */
    stm32_usart_init(clock_f4f7_bus(clock_hz, PORT_APB1_DIV));
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}

#if MONITOR_ENERGY
void port_timestamp_pin(void)
{
    GPIO_BSRR(GPIOA_BASE) = 1u << (STAMP_PIN + 16u);
    /* a turn is more than one clock */
    for (volatile uint32_t left = STAMP_CLOCKS(clock_hz); left > 0; left--) {
    }
    GPIO_BSRR(GPIOA_BASE) = 1u << STAMP_PIN;
}
#endif
