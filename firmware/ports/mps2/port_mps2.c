/* Arm MPS2/MPS3 FPGA images with the Cortex-M System Design Kit's UART.
 * Registers: Arm DDI0479, section 4.4. */
#include "cortexm.h"
#include "port.h"

#define UART_DATA          REG32(PORT_UART_BASE + 0x00u)
#define UART_STATE         REG32(PORT_UART_BASE + 0x04u)
#define UART_STATE_TX_FULL 1u
#define UART_STATE_RX_FULL 2u
#define UART_CTRL          REG32(PORT_UART_BASE + 0x08u)
#define UART_CTRL_TX_RX    3u
#define UART_BAUDDIV       REG32(PORT_UART_BASE + 0x10u)
#define UART_BAUDDIV_MIN   16u

int port_set_baud(uint32_t baud)
{
    if (baud == 0) {
        return -1;
    }
    const uint32_t divisor = (PORT_CLOCK_HZ + baud / 2u) / baud;
    const uint32_t real = divisor ? PORT_CLOCK_HZ / divisor : 0;
    const uint32_t off = real > baud ? real - baud : baud - real;
    if (divisor < UART_BAUDDIV_MIN || off > baud / 50u) {
        return -1;
    }
    while (UART_STATE & UART_STATE_TX_FULL) {
    }
    UART_BAUDDIV = divisor;
    return 0;
}

void port_init(void)
{
    (void)port_set_baud(PORT_BAUD);
    UART_CTRL = UART_CTRL_TX_RX;
    cortexm_ticks_init(PORT_CLOCK_HZ, 0);
}

int port_getc(void)
{
    if ((UART_STATE & UART_STATE_RX_FULL) == 0) {
        return -1;
    }
    return (int)(UART_DATA & 0xFFu);
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while (UART_STATE & UART_STATE_TX_FULL) {
        }
        UART_DATA = data[i];
    }
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}
