/* nRF52840: 64 MHz, instruction cache, UARTE0 (UART with DMA, which emulators have too).
 * Registers: Nordic nRF52840 Product Specification v1.7; sections below are its own. */
#include "cortexm.h"
#include "port.h"

/* 5.4.3: clock */
#define CLOCK_HFCLKSTART   REG32(0x40000000u)
#define CLOCK_HFCLKSTARTED REG32(0x40000100u)

/* 4.3.4: flash controller */
#define NVMC_ICACHECNF REG32(0x4001E540u)

/* 6.9.2: GPIO; a pin is port * 32 + number */
#define GPIO_BASE(pin)      (0x50000000u + 0x300u * ((pin) / 32u))
#define GPIO_OUTSET(pin)    REG32(GPIO_BASE(pin) + 0x508u)
#define GPIO_DIRSET(pin)    REG32(GPIO_BASE(pin) + 0x518u)
#define GPIO_PIN_CNF(pin)   REG32(GPIO_BASE(pin) + 0x700u + 4u * ((pin) % 32u))
#define GPIO_PIN_CNF_PULLUP (3u << 2)

/* 6.34.9: UARTE0 */
#define UARTE_STARTRX    REG32(0x40002000u)
#define UARTE_STARTTX    REG32(0x40002008u)
#define UARTE_ENDRX      REG32(0x40002110u)
#define UARTE_ENDTX      REG32(0x40002120u)
#define UARTE_ENABLE     REG32(0x40002500u)
#define UARTE_ENABLE_ON  8u
#define UARTE_PSEL_TXD   REG32(0x4000250Cu)
#define UARTE_PSEL_RXD   REG32(0x40002514u)
#define UARTE_BAUDRATE   REG32(0x40002524u)
#define UARTE_RXD_PTR    REG32(0x40002534u)
#define UARTE_RXD_MAXCNT REG32(0x40002538u)
#define UARTE_TXD_PTR    REG32(0x40002544u)
#define UARTE_TXD_MAXCNT REG32(0x40002548u)

/* The DMA reads RAM only (6.34.1), and constants to send may lie in flash. */
static uint8_t sent[64];
/* One byte at a time: while it waits to be taken, the receiver's FIFO holds the next. The
 * other bytes are slack: an emulator may deliver one between two instructions. */
static volatile uint8_t received[4];

/* 6.34.9.26: the values of BAUDRATE are no formula's but the table's. */
int port_set_baud(uint32_t baud)
{
    static const struct {
        uint32_t baud, value;
    } rates[] = {
        {9600, 0x00275000u},   {19200, 0x004EA000u},  {38400, 0x009D0000u},
        {57600, 0x00EB0000u},  {115200, 0x01D60000u}, {230400, 0x03B00000u},
        {460800, 0x07400000u}, {921600, 0x0F000000u}, {1000000, 0x10000000u},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (rates[i].baud == baud) {
            UARTE_BAUDRATE = rates[i].value; /* port_write() returns with the line idle */
            return 0;
        }
    }
    return -1;
}

void port_init(void)
{
    CLOCK_HFCLKSTARTED = 0;
    CLOCK_HFCLKSTART = 1; /* the crystal, for an exact baud rate */
    (void)cortexm_wait(&CLOCK_HFCLKSTARTED, 1, 1);
    NVMC_ICACHECNF = 1;

    GPIO_OUTSET(PORT_TX_PIN) = 1u << (PORT_TX_PIN % 32u); /* the line idles high */
    GPIO_DIRSET(PORT_TX_PIN) = 1u << (PORT_TX_PIN % 32u);
    GPIO_PIN_CNF(PORT_RX_PIN) = GPIO_PIN_CNF_PULLUP;
    UARTE_PSEL_TXD = PORT_TX_PIN;
    UARTE_PSEL_RXD = PORT_RX_PIN;
    (void)port_set_baud(PORT_BAUD);
    UARTE_ENABLE = UARTE_ENABLE_ON;
    UARTE_RXD_PTR = (uint32_t)(uintptr_t)received;
    UARTE_RXD_MAXCNT = 1;
    UARTE_ENDRX = 0;
    UARTE_STARTRX = 1;
    cortexm_ticks_init(PORT_CLOCK_HZ, 0);
}

int port_getc(void)
{
    if (UARTE_ENDRX == 0) {
        return -1;
    }
    UARTE_ENDRX = 0;
    const int byte = received[0];
    UARTE_STARTRX = 1;
    return byte;
}

void port_write(const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        size_t part = bytes < sizeof sent ? bytes : sizeof sent;
        for (size_t i = 0; i < part; i++) {
            sent[i] = data[i];
        }
        __asm volatile("dsb" ::: "memory");
        UARTE_TXD_PTR = (uint32_t)(uintptr_t)sent;
        UARTE_TXD_MAXCNT = (uint32_t)part;
        UARTE_ENDTX = 0;
        UARTE_STARTTX = 1;
        while (UARTE_ENDTX == 0) {
        }
        data += part;
        bytes -= part;
    }
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}
