/* The USART of STM32F7, L4 and H7: RM0385 section 31.8. */
#include "port.h"
#include "stm32.h"

#define USART_CR1      REG32(PORT_USART_BASE + 0x00u)
#define USART_CR1_ON   ((1u << 3) | (1u << 2) | (1u << 0)) /* TE, RE, UE */
#define USART_BRR      REG32(PORT_USART_BASE + 0x0Cu)
#define USART_ISR      REG32(PORT_USART_BASE + 0x1Cu)
#define USART_ISR_ORE  (1u << 3)
#define USART_ISR_RXNE (1u << 5)
#define USART_ISR_TC   (1u << 6)
#define USART_ISR_TXE  (1u << 7)
#define USART_ICR      REG32(PORT_USART_BASE + 0x20u)
#define USART_RDR      REG32(PORT_USART_BASE + 0x24u)
#define USART_TDR      REG32(PORT_USART_BASE + 0x28u)

static uint32_t clock_hz;

int port_set_baud(uint32_t baud)
{
    if (baud == 0) {
        return -1;
    }
    const uint32_t divisor = (clock_hz + baud / 2u) / baud;
    const uint32_t real = divisor ? clock_hz / divisor : 0;
    const uint32_t off = real > baud ? real - baud : baud - real;
    if (divisor < 16u || divisor > 0xFFFFu || off > baud / 50u) {
        return -1;
    }
    if (USART_CR1 != 0) {
        (void)cortexm_wait(&USART_ISR, USART_ISR_TC, USART_ISR_TC);
    }
    USART_CR1 = 0; /* BRR can be written only while the USART is off: 31.8.4 */
    USART_BRR = divisor;
    USART_CR1 = USART_CR1_ON;
    return 0;
}

void stm32_usart_init(uint32_t kernel_hz)
{
    clock_hz = kernel_hz;
    (void)port_set_baud(PORT_BAUD);
}

int port_getc(void)
{
    const uint32_t status = USART_ISR;
    if (status & USART_ISR_ORE) {
        USART_ICR = USART_ISR_ORE;
    }
    if ((status & USART_ISR_RXNE) == 0) {
        return -1;
    }
    return (int)(USART_RDR & 0xFFu);
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((USART_ISR & USART_ISR_TXE) == 0) {
        }
        USART_TDR = data[i];
    }
}
