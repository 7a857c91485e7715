/* SiFive FE310-G002: 320 MHz from the PLL, UART0.
 * Registers: SiFive FE310-G002 Manual v1p5; sections below are its own. */
#include "port.h"
#include "riscv.h"

/* 6: power, reset, clock, interrupt */
#define PRCI_HFXOSCCFG     REG32(0x10008004u)
#define PRCI_HFXOSCCFG_EN  (1u << 30)
#define PRCI_HFXOSCCFG_RDY (1u << 31)
#define PRCI_PLLCFG        REG32(0x10008008u)
/* 16 MHz / 2 = 8 MHz; * 2 * 40 = 640 MHz; / 2 = 320 MHz; reference HFXOSC */
#define PRCI_PLLCFG_320MHZ (1u | (39u << 4) | (1u << 10) | (1u << 17))
#define PRCI_PLLCFG_SEL    (1u << 16)
#define PRCI_PLLCFG_BYPASS (1u << 18)
#define PRCI_PLLCFG_LOCK   (1u << 31)
#define PRCI_PLLOUTDIV     REG32(0x1000800Cu)
#define PRCI_PLLOUTDIV_1   (1u << 8)

/* 19: QSPI0, behind which the flash with the code lies */
#define QSPI0_SCKDIV       REG32(0x10014000u)
#define QSPI0_SCKDIV_40MHZ 3u /* 320 / (2 * (3 + 1)) */

/* 17: GPIO */
#define GPIO_IOF_EN  REG32(0x10012038u)
#define GPIO_IOF_SEL REG32(0x1001203Cu)
#define GPIO_UART0   ((1u << 16) | (1u << 17))

/* 18: UART0 */
#define UART_TXDATA       REG32(0x10013000u)
#define UART_TXDATA_FULL  (1u << 31)
#define UART_RXDATA       REG32(0x10013004u)
#define UART_RXDATA_EMPTY (1u << 31)
#define UART_TXCTRL       REG32(0x10013008u)
#define UART_RXCTRL       REG32(0x1001300Cu)
#define UART_IP           REG32(0x10013014u)
#define UART_DIV          REG32(0x10013018u)
#define UART_BITS         10u

/* 6.1: always-on watchdog, used to restart */
#define AON_WDOGCFG       REG32(0x10000000u)
#define AON_WDOGCFG_RESET ((1u << 8) | (1u << 12)) /* wdogrsten, wdogenalways */
#define AON_WDOGKEY       REG32(0x1000001Cu)
#define AON_WDOGKEY_VALUE 0x51F15Eu
#define AON_WDOGCMP       REG32(0x10000020u)

#define RESET_HZ 13800000u /* HFROSC, 6.4, as it starts */

static uint32_t clock_hz;
static uint32_t baud_now;

static void clock_init(void)
{
    clock_hz = RESET_HZ;
    PRCI_HFXOSCCFG = PRCI_HFXOSCCFG_EN;
    if (!riscv_wait(&PRCI_HFXOSCCFG, PRCI_HFXOSCCFG_RDY, PRCI_HFXOSCCFG_RDY)) {
        return;
    }
    QSPI0_SCKDIV = QSPI0_SCKDIV_40MHZ;
    PRCI_PLLOUTDIV = PRCI_PLLOUTDIV_1;
    PRCI_PLLCFG = PRCI_PLLCFG_320MHZ | PRCI_PLLCFG_BYPASS;
    PRCI_PLLCFG = PRCI_PLLCFG_320MHZ;
    /* 6.5: lock is valid only 100 us after leaving bypass */
    for (volatile uint32_t i = 0; i < 1000u; i++) {
    }
    if (riscv_wait(&PRCI_PLLCFG, PRCI_PLLCFG_LOCK, PRCI_PLLCFG_LOCK)) {
        PRCI_PLLCFG = PRCI_PLLCFG_320MHZ | PRCI_PLLCFG_SEL;
        clock_hz = PORT_CLOCK_HZ;
    }
}

int port_set_baud(uint32_t baud)
{
    if (baud == 0 || baud > clock_hz / 16u) {
        return -1;
    }
    if (baud_now != 0) {
        /* The FIFO tells when it is empty, not when the last byte has left: wait for it. */
        UART_TXCTRL = 1u | (1u << 16);
        (void)riscv_wait(&UART_IP, 1, 1);
        for (volatile uint32_t i = 0; i < UART_BITS * (clock_hz / baud_now) / 4u; i++) {
        }
    }
    UART_DIV = (clock_hz + baud / 2u) / baud - 1u;
    baud_now = baud;
    return 0;
}

void port_init(void)
{
    clock_init();
    GPIO_IOF_SEL &= ~GPIO_UART0;
    GPIO_IOF_EN |= GPIO_UART0;
    (void)port_set_baud(PORT_BAUD);
    UART_TXCTRL = 1u;
    UART_RXCTRL = 1u;
    riscv_ticks_init(clock_hz);
}

int port_getc(void)
{
    const uint32_t data = UART_RXDATA;
    return (data & UART_RXDATA_EMPTY) ? -1 : (int)(data & 0xFFu);
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while (UART_TXDATA & UART_TXDATA_FULL) {
        }
        UART_TXDATA = data[i];
    }
}

void port_reset(void)
{
    AON_WDOGKEY = AON_WDOGKEY_VALUE;
    AON_WDOGCMP = 1;
    AON_WDOGKEY = AON_WDOGKEY_VALUE;
    AON_WDOGCFG = AON_WDOGCFG_RESET;
    for (;;) {
    }
}

uint32_t port_clock_hz(void)
{
    return clock_hz;
}
