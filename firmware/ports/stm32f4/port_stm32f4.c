/* STM32F4: clock tree at full speed, USART2 on PA2/PA3, TIM2 as a spare counter.
 * Registers: ST RM0090 (F405/F407) and RM0390 (F446); sections below are RM0090's. */
#include "cortexm.h"
#include "port.h"

/* 7.3: reset and clock control */
#define RCC_CR REG32(0x40023800u)
#define RCC_CR_HSION (1u << 0)
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_HSEBYP (1u << 18)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR REG32(0x40023804u)
#define RCC_PLLCFGR_HSE (1u << 22)
#define RCC_CFGR REG32(0x40023808u)
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_AHB1ENR REG32(0x40023830u)
#define RCC_APB1ENR REG32(0x40023840u)
#define RCC_APB1ENR_TIM2 (1u << 0)
#define RCC_APB1ENR_USART2 (1u << 17)
#define RCC_APB1ENR_PWR (1u << 28)

/* 3.9.1: flash access control */
#define FLASH_ACR REG32(0x40023C00u)
#define FLASH_ACR_PREFETCH_ICACHE_DCACHE (7u << 8)

/* 5.4: power control; VOS and overdrive as in RM0390 5.4 */
#define PWR_CR REG32(0x40007000u)
#define PWR_CR_VOS_SCALE1 (3u << 14)
#define PWR_CR_ODEN (1u << 16)
#define PWR_CR_ODSWEN (1u << 17)
#define PWR_CSR REG32(0x40007004u)
#define PWR_CSR_ODRDY (1u << 16)
#define PWR_CSR_ODSWRDY (1u << 17)

/* 8.4: GPIOA */
#define GPIOA_MODER REG32(0x40020000u)
#define GPIOA_OSPEEDR REG32(0x40020008u)
#define GPIOA_PUPDR REG32(0x4002000Cu)
#define GPIOA_AFRL REG32(0x40020020u)

/* 30.6: USART2 */
#define USART_SR REG32(0x40004400u)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TC (1u << 6)
#define USART_SR_TXE (1u << 7)
#define USART_DR REG32(0x40004404u)
#define USART_BRR REG32(0x40004408u)
#define USART_CR1 REG32(0x4000440Cu)
#define USART_CR1_ON ((1u << 13) | (1u << 3) | (1u << 2)) /* UE, TE, RE */

/* 18.4: TIM2, 32 bits wide */
#define TIM2_CR1 REG32(0x40000000u)
#define TIM2_EGR REG32(0x40000014u)
#define TIM2_CNT REG32(0x40000024u)
#define TIM2_PSC REG32(0x40000028u)
#define TIM2_ARR REG32(0x4000002Cu)

#define HSI_HZ 16000000u
#define HSI_PLL_M (HSI_HZ / (PORT_HSE_HZ / PORT_PLL_M)) /* the same PLL input from the HSI */

static uint32_t clock_hz;

/* Encodes an APB divisor of 1, 2, 4, 8 or 16 as in RCC_CFGR. */
static uint32_t apb_bits(uint32_t divisor)
{
    uint32_t bits = 0;
    for (uint32_t d = 2; d <= divisor; d *= 2) {
        bits = bits ? bits + 1 : 4;
    }
    return bits;
}

static void clock_init(void)
{
    /* Bit 0 is set whenever the chip runs at all: where it reads 0 there is no RCC (an
     * emulator without one), and nothing to wait for. */
    clock_hz = PORT_CLOCK_HZ;
    if ((RCC_CR & RCC_CR_HSION) == 0) {
        return;
    }
    RCC_APB1ENR |= RCC_APB1ENR_PWR;
    (void)RCC_APB1ENR; /* the clock reaches the peripheral after two cycles */
    PWR_CR |= PWR_CR_VOS_SCALE1;

    RCC_CR |= RCC_CR_HSEON | (PORT_HSE_BYPASS ? RCC_CR_HSEBYP : 0u);
    const bool hse = cortexm_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    const uint32_t m = hse ? PORT_PLL_M : HSI_PLL_M;
    RCC_PLLCFGR = m | (PORT_PLL_N << 6) | ((PORT_PLL_P / 2u - 1u) << 16) |
                  (hse ? RCC_PLLCFGR_HSE : 0u) | ((uint32_t)PORT_PLL_Q << 24) | (2u << 28);
    RCC_CR |= RCC_CR_PLLON;
    if (PORT_OVERDRIVE) {
        PWR_CR |= PWR_CR_ODEN;
        (void)cortexm_wait(&PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY);
        PWR_CR |= PWR_CR_ODSWEN;
        (void)cortexm_wait(&PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
    }
    if (!cortexm_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        clock_hz = HSI_HZ;
        return;
    }
    FLASH_ACR = FLASH_ACR_PREFETCH_ICACHE_DCACHE | PORT_FLASH_WS;
    (void)cortexm_wait(&FLASH_ACR, 0xFu, PORT_FLASH_WS);
    RCC_CFGR = (apb_bits(PORT_APB1_DIV) << 10) | (apb_bits(PORT_APB2_DIV) << 13) |
               RCC_CFGR_SW_PLL;
    (void)cortexm_wait(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

/* APB1's clock; on the HSI alone the dividers are still off. */
static uint32_t uart_clock_hz(void)
{
    return clock_hz == PORT_CLOCK_HZ ? clock_hz / PORT_APB1_DIV : clock_hz;
}

int port_set_baud(uint32_t baud)
{
    if (baud == 0) {
        return -1;
    }
    /* With 16 samples a bit, BRR is the whole divisor in sixteenths: 30.3.4. */
    const uint32_t divisor = (uart_clock_hz() + baud / 2u) / baud;
    const uint32_t real = divisor ? uart_clock_hz() / divisor : 0;
    const uint32_t off = real > baud ? real - baud : baud - real;
    if (divisor < 16u || divisor > 0xFFFFu || off > baud / 50u) {
        return -1;
    }
    if (USART_CR1 != 0) {
        (void)cortexm_wait(&USART_SR, USART_SR_TC, USART_SR_TC);
    }
    USART_BRR = divisor;
    return 0;
}

static void uart_init(void)
{
    RCC_AHB1ENR |= 1u; /* GPIOA */
    RCC_APB1ENR |= RCC_APB1ENR_USART2;
    (void)RCC_APB1ENR;
    /* PA2 and PA3 as alternate function 7, RX pulled up against noise when open */
    GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00u) | 0x7700u;
    GPIOA_OSPEEDR |= 0xA0u;
    GPIOA_PUPDR = (GPIOA_PUPDR & ~0xF0u) | 0x40u;
    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u;
    (void)port_set_baud(PORT_BAUD);
    USART_CR1 = USART_CR1_ON;
}

static uint32_t tim2_read(void)
{
    return TIM2_CNT;
}

void port_init(void)
{
    /* Its rate is measured, since an emulator's is its own affair: QEMU's counts
     * nanoseconds, which is one instruction each with -icount shift=0. */
    static const cortexm_timer_t tim2 = {"tim2", tim2_read, 0};

    clock_init();
    uart_init();
    RCC_APB1ENR |= RCC_APB1ENR_TIM2;
    (void)RCC_APB1ENR;
    TIM2_PSC = 0;
    TIM2_ARR = 0xFFFFFFFFu;
    TIM2_EGR = 1u;
    TIM2_CR1 = 1u;
    cortexm_ticks_init(clock_hz, &tim2);
}

int port_getc(void)
{
    if ((USART_SR & USART_SR_RXNE) == 0) {
        return -1;
    }
    return (int)(USART_DR & 0xFFu);
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((USART_SR & USART_SR_TXE) == 0) {
        }
        USART_DR = data[i];
    }
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
