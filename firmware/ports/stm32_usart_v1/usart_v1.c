/* The USART of STM32F1 and F4: RM0090 section 30.6. */
#include "port.h"
#include "stm32.h"

#define USART_SR      REG32(PORT_USART_BASE + 0x00u)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TC   (1u << 6)
#define USART_SR_TXE  (1u << 7)
#define USART_DR      REG32(PORT_USART_BASE + 0x04u)
#define USART_BRR     REG32(PORT_USART_BASE + 0x08u)
#define USART_CR1     REG32(PORT_USART_BASE + 0x0Cu)
#define USART_CR1_ON  ((1u << 13) | (1u << 3) | (1u << 2)) /* UE, TE, RE */

static uint32_t clock_hz;

int port_set_baud(uint32_t baud)
{
    if (baud == 0) {
        return -1;
    }
    /* With 16 samples a bit, BRR is the whole divisor in sixteenths: 30.3.4. */
    const uint32_t divisor = (clock_hz + baud / 2u) / baud;
    const uint32_t real = divisor ? clock_hz / divisor : 0;
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

void stm32_usart_init(uint32_t kernel_hz)
{
    clock_hz = kernel_hz;
    (void)port_set_baud(PORT_BAUD);
    USART_CR1 = USART_CR1_ON;
}

int port_getc(void)
{
    /* Reading SR, then DR, also clears an overrun: 30.6.1. */
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
