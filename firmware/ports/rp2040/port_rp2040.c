/* RP2040: 125 MHz from a 12 MHz crystal, UART0 on GPIO0/GPIO1.
 * Registers: RP2040 Datasheet; sections below are its own. */
#include "cortexm.h"
#include "port.h"

/* 2.1.2: writing at these distances sets or clears bits alone */
#define CLEAR_BITS 0x3000u

/* 2.14.3: resets */
#define RESETS_RESET_CLR     REG32(0x4000C000u + CLEAR_BITS)
#define RESETS_RESET_DONE    REG32(0x4000C008u)
#define RESETS_PLL_SYS       (1u << 12)
#define RESETS_IO_PADS_UART0 ((1u << 5) | (1u << 8) | (1u << 22))

/* 2.16.7: crystal oscillator */
#define XOSC_CTRL          REG32(0x40024000u)
#define XOSC_CTRL_ON       ((0xFABu << 12) | 0xAA0u)
#define XOSC_STATUS        REG32(0x40024004u)
#define XOSC_STATUS_STABLE (1u << 31)
#define XOSC_STARTUP       REG32(0x4002400Cu)
#define XOSC_STARTUP_1MS   47u

/* 2.18.4: system PLL, 12 MHz * 125 / 6 / 2 */
#define PLL_CS            REG32(0x40028000u)
#define PLL_CS_LOCK       (1u << 31)
#define PLL_PWR_CLR       REG32(0x40028004u + CLEAR_BITS)
#define PLL_PWR_PD_VCOPD  ((1u << 0) | (1u << 5))
#define PLL_PWR_POSTDIVPD (1u << 3)
#define PLL_FBDIV         REG32(0x40028008u)
#define PLL_PRIM          REG32(0x4002800Cu)
#define PLL_PRIM_6_2      ((6u << 16) | (2u << 12))

/* 2.15.7: clocks */
#define CLK_REF_CTRL      REG32(0x40008030u)
#define CLK_REF_CTRL_XOSC 2u
#define CLK_REF_SELECTED  REG32(0x40008038u)
#define CLK_SYS_CTRL      REG32(0x4000803Cu)
#define CLK_SYS_CTRL_PLL  1u
#define CLK_SYS_SELECTED  REG32(0x40008044u)
#define CLK_PERI_CTRL     REG32(0x40008048u)
#define CLK_PERI_CTRL_ON  (1u << 11) /* from the system clock */

/* 2.19.6: GPIO functions */
#define GPIO_CTRL(pin) REG32(0x40014004u + 8u * (pin))
#define GPIO_CTRL_UART 2u

/* 4.2.8: UART0 */
#define UART_DR             REG32(0x40034000u)
#define UART_FR             REG32(0x40034018u)
#define UART_FR_BUSY        (1u << 3)
#define UART_FR_RXFE        (1u << 4)
#define UART_FR_TXFF        (1u << 5)
#define UART_IBRD           REG32(0x40034024u)
#define UART_FBRD           REG32(0x40034028u)
#define UART_LCR_H          REG32(0x4003402Cu)
#define UART_LCR_H_8N1_FIFO (0x7u << 4)
#define UART_CR             REG32(0x40034030u)
#define UART_CR_ON          ((1u << 9) | (1u << 8) | (1u << 0))

static void release(uint32_t blocks)
{
    RESETS_RESET_CLR = blocks;
    (void)cortexm_wait(&RESETS_RESET_DONE, blocks, blocks);
}

static void clock_init(void)
{
    XOSC_STARTUP = XOSC_STARTUP_1MS;
    XOSC_CTRL = XOSC_CTRL_ON;
    (void)cortexm_wait(&XOSC_STATUS, XOSC_STATUS_STABLE, XOSC_STATUS_STABLE);
    CLK_REF_CTRL = CLK_REF_CTRL_XOSC;
    (void)cortexm_wait(&CLK_REF_SELECTED, 1u << 2, 1u << 2);

    release(RESETS_PLL_SYS);
    PLL_CS = 1;
    PLL_FBDIV = 125;
    PLL_PWR_CLR = PLL_PWR_PD_VCOPD;
    (void)cortexm_wait(&PLL_CS, PLL_CS_LOCK, PLL_CS_LOCK);
    PLL_PRIM = PLL_PRIM_6_2;
    PLL_PWR_CLR = PLL_PWR_POSTDIVPD;
    CLK_SYS_CTRL = CLK_SYS_CTRL_PLL;
    (void)cortexm_wait(&CLK_SYS_SELECTED, 1u << 1, 1u << 1);
    CLK_PERI_CTRL = CLK_PERI_CTRL_ON;
}

int port_set_baud(uint32_t baud)
{
    if (baud == 0 || baud > PORT_CLOCK_HZ / 16u) {
        return -1;
    }
    if (UART_CR != 0) {
        (void)cortexm_wait(&UART_FR, UART_FR_BUSY, 0);
    }
    /* 4.2.7.1: the divisor in 64ths of 16 clocks */
    const uint32_t divisor = (PORT_CLOCK_HZ * 4u + baud / 2u) / baud;
    UART_IBRD = divisor >> 6;
    UART_FBRD = divisor & 63u;
    UART_LCR_H = UART_LCR_H_8N1_FIFO; /* its writing latches the divisor */
    return 0;
}

void port_init(void)
{
    clock_init();
    release(RESETS_IO_PADS_UART0);
    GPIO_CTRL(0) = GPIO_CTRL_UART;
    GPIO_CTRL(1) = GPIO_CTRL_UART;
    (void)port_set_baud(PORT_BAUD);
    UART_CR = UART_CR_ON;
    cortexm_ticks_init(PORT_CLOCK_HZ, 0);
}

int port_getc(void)
{
    if (UART_FR & UART_FR_RXFE) {
        return -1;
    }
    return (int)(UART_DR & 0xFFu);
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while (UART_FR & UART_FR_TXFF) {
        }
        UART_DR = data[i];
    }
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}
