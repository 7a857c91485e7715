/* nRF51: 16 MHz crystal, UART, TIMER0 as the tick counter.
 * Registers: Nordic nRF51 Series Reference Manual v3.0.1; sections below are its own. */
#include "cortexm.h"
#include "port.h"

/* 12: clock */
#define CLOCK_HFCLKSTART   REG32(0x40000000u)
#define CLOCK_HFCLKSTARTED REG32(0x40000100u)

/* 14: GPIO */
#define GPIO_OUTSET         REG32(0x50000508u)
#define GPIO_DIRSET         REG32(0x50000518u)
#define GPIO_PIN_CNF(pin)   REG32(0x50000700u + 4u * (pin))
#define GPIO_PIN_CNF_PULLUP (3u << 2)

/* 28: UART */
#define UART_STARTRX   REG32(0x40002000u)
#define UART_STARTTX   REG32(0x40002008u)
#define UART_RXDRDY    REG32(0x40002108u)
#define UART_TXDRDY    REG32(0x4000211Cu)
#define UART_ENABLE    REG32(0x40002500u)
#define UART_ENABLE_ON 4u
#define UART_PSELTXD   REG32(0x4000250Cu)
#define UART_PSELRXD   REG32(0x40002514u)
#define UART_RXD       REG32(0x40002518u)
#define UART_TXD       REG32(0x4000251Cu)
#define UART_BAUDRATE  REG32(0x40002524u)

/* 18: TIMER0, the only one that can be 32 bits wide */
#define TIMER_START      REG32(0x40008000u)
#define TIMER_CAPTURE0   REG32(0x40008040u)
#define TIMER_BITMODE    REG32(0x40008508u)
#define TIMER_BITMODE_32 3u
#define TIMER_PRESCALER  REG32(0x40008510u)
#define TIMER_CC0        REG32(0x40008540u)

static bool sending; /* a byte is on its way */

/* 28.10.13: the values of BAUDRATE are no formula's but the table's. */
int port_set_baud(uint32_t baud)
{
    static const struct {
        uint32_t baud, value;
    } rates[] = {
        {9600, 0x00275000u},   {19200, 0x004EA000u},  {38400, 0x009D5000u},
        {57600, 0x00EBF000u},  {115200, 0x01D7E000u}, {230400, 0x03AFB000u},
        {460800, 0x075F7000u}, {921600, 0x0EBED000u}, {1000000, 0x10000000u},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (rates[i].baud == baud) {
            while (sending && UART_TXDRDY == 0) {
            }
            UART_BAUDRATE = rates[i].value;
            return 0;
        }
    }
    return -1;
}

static uint32_t timer_read(void)
{
    TIMER_CAPTURE0 = 1;
    return TIMER_CC0;
}

void port_init(void)
{
    static const cortexm_timer_t timer = {"timer0", timer_read, NULL, PORT_CLOCK_HZ};

    CLOCK_HFCLKSTARTED = 0;
    CLOCK_HFCLKSTART = 1;
    (void)cortexm_wait(&CLOCK_HFCLKSTARTED, 1, 1);

    GPIO_OUTSET = 1u << PORT_TX_PIN; /* the line idles high */
    GPIO_DIRSET = 1u << PORT_TX_PIN;
    GPIO_PIN_CNF(PORT_RX_PIN) = GPIO_PIN_CNF_PULLUP;
    UART_PSELTXD = PORT_TX_PIN;
    UART_PSELRXD = PORT_RX_PIN;
    (void)port_set_baud(PORT_BAUD);
    UART_ENABLE = UART_ENABLE_ON;
    UART_RXDRDY = 0;
    UART_STARTTX = 1;
    UART_STARTRX = 1;

    TIMER_BITMODE = TIMER_BITMODE_32;
    TIMER_PRESCALER = 0; /* 16 MHz */
    TIMER_START = 1;
    cortexm_ticks_init(PORT_CLOCK_HZ, &timer);
}

int port_getc(void)
{
    if (UART_RXDRDY == 0) {
        return -1;
    }
    UART_RXDRDY = 0; /* before the byte is taken: the FIFO behind it may set it again */
    return (int)(UART_RXD & 0xFFu);
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while (sending && UART_TXDRDY == 0) {
        }
        UART_TXDRDY = 0;
        UART_TXD = data[i];
        sending = true;
    }
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}
