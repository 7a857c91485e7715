/* ESP32-C3: direct boot, 160 MHz, UART0 on GPIO21 (TX) and GPIO20 (RX).
 * Registers: Espressif ESP32-C3 Technical Reference Manual v1.1; sections below are its own. */
#include "port.h"
#include "riscv.h"

/* 3.4 and the ROM: with these words at flash offset 0 it jumps to offset 8. */
__attribute__((section(".boot_magic"), used))
const uint32_t boot_magic[2] = {0xAEDB041Du, 0xAEDB041Du};

/* 6.5: system registers */
#define SYSTEM_CPU_PER_CONF         REG32(0x600C0008u)
#define SYSTEM_CPU_PER_CONF_160MHZ  ((1u << 2) | 1u) /* a third of the 480 MHz PLL */
#define SYSTEM_SYSCLK_CONF          REG32(0x600C0058u)
#define SYSTEM_SYSCLK_CONF_SEL_MASK (3u << 10)
#define SYSTEM_SYSCLK_CONF_SEL_PLL  (1u << 10)

/* 9.8: low-power management */
#define RTC_CNTL_OPTIONS0           REG32(0x60008000u)
#define RTC_CNTL_OPTIONS0_PLL_OFF   ((1u << 6) | (1u << 8) | (1u << 10))
#define RTC_CNTL_OPTIONS0_RESET     (1u << 31)
#define RTC_CNTL_WDTCONFIG0         REG32(0x60008090u)
#define RTC_CNTL_WDTWPROTECT        REG32(0x600080A8u)
#define RTC_CNTL_SWD_CONF           REG32(0x600080ACu)
#define RTC_CNTL_SWD_CONF_AUTO_FEED (1u << 31)
#define RTC_CNTL_SWD_WPROTECT       REG32(0x600080B0u)
#define SWD_KEY                     0x8F1D312Au

/* 12.5: timer groups, of which 0 has a watchdog that the ROM starts */
#define TIMG0_WDTCONFIG0  REG32(0x6001F048u)
#define TIMG0_WDTWPROTECT REG32(0x6001F064u)
#define WDT_KEY           0x50D83AA1u

/* 26.6: UART0 */
#define UART_FIFO            REG32(0x60000000u)
#define UART_CLKDIV          REG32(0x60000014u)
#define UART_STATUS          REG32(0x6000001Cu)
#define UART_STATUS_RX_COUNT 0x3FFu
#define UART_STATUS_TX_COUNT (0x3FFu << 16)
#define UART_FSM_STATUS      REG32(0x6000006Cu)
#define UART_FSM_STATUS_TX   0xF0u
#define UART_CLK_CONF        REG32(0x60000078u)
#define UART_CLK_CONF_XTAL   ((3u << 20) | (1u << 22) | (1u << 24) | (1u << 25))
#define UART_ID              REG32(0x60000080u)
#define UART_ID_UPDATE       (1u << 31)
#define UART_FIFO_BYTES      128u

#define XTAL_HZ 40000000u

static uint64_t ticks;

static void watchdogs_off(void)
{
    TIMG0_WDTWPROTECT = WDT_KEY;
    TIMG0_WDTCONFIG0 = 0;
    TIMG0_WDTWPROTECT = 0;
    RTC_CNTL_WDTWPROTECT = WDT_KEY;
    RTC_CNTL_WDTCONFIG0 = 0;
    RTC_CNTL_WDTWPROTECT = 0;
    RTC_CNTL_SWD_WPROTECT = SWD_KEY;
    RTC_CNTL_SWD_CONF |= RTC_CNTL_SWD_CONF_AUTO_FEED;
    RTC_CNTL_SWD_WPROTECT = 0;
}

static void clock_init(void)
{
    /* The ROM has the PLL at 480 MHz already, for USB: only make sure that it is on. */
    RTC_CNTL_OPTIONS0 &= ~RTC_CNTL_OPTIONS0_PLL_OFF;
    SYSTEM_CPU_PER_CONF = (SYSTEM_CPU_PER_CONF & ~7u) | SYSTEM_CPU_PER_CONF_160MHZ;
    SYSTEM_SYSCLK_CONF =
        (SYSTEM_SYSCLK_CONF & ~SYSTEM_SYSCLK_CONF_SEL_MASK) | SYSTEM_SYSCLK_CONF_SEL_PLL;
}

int port_set_baud(uint32_t baud)
{
    if (baud == 0 || baud > XTAL_HZ / 8u) {
        return -1;
    }
    (void)riscv_wait(&UART_STATUS, UART_STATUS_TX_COUNT, 0);
    (void)riscv_wait(&UART_FSM_STATUS, UART_FSM_STATUS_TX, 0);
    const uint32_t sixteenths = (XTAL_HZ * 16u + baud / 2u) / baud;
    UART_CLK_CONF = UART_CLK_CONF_XTAL;
    UART_CLKDIV = (sixteenths >> 4) | ((sixteenths & 15u) << 20);
    UART_ID |= UART_ID_UPDATE;
    return 0;
}

/* 1.5: Espressif's own performance counters stand for mcycle, which the core lacks. */
static uint32_t cycles(void)
{
    uint32_t count;
    __asm volatile("csrr %0, 0x7E2" : "=r"(count));
    return count;
}

void port_init(void)
{
    watchdogs_off();
    clock_init();
    (void)port_set_baud(PORT_BAUD);
    __asm volatile("csrw 0x7E0, %0\n csrw 0x7E1, %0" ::"r"(1)); /* count cycles, go */
}

int port_getc(void)
{
    (void)port_ticks(); /* the counter wraps after 26 s */
    return (UART_STATUS & UART_STATUS_RX_COUNT) ? (int)(UART_FIFO & 0xFFu) : -1;
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while (((UART_STATUS & UART_STATUS_TX_COUNT) >> 16) >= UART_FIFO_BYTES - 1u) {
        }
        UART_FIFO = data[i];
    }
}

uint64_t port_ticks(void)
{
    ticks += (uint32_t)(cycles() - (uint32_t)ticks);
    return ticks;
}

uint32_t port_tick_hz(void)
{
    return PORT_CLOCK_HZ;
}

const char *port_tick_source(void)
{
    return "mpccr";
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}

void port_reset(void)
{
    RTC_CNTL_OPTIONS0 |= RTC_CNTL_OPTIONS0_RESET;
    for (;;) {
    }
}
