/* The USART of STM32F1 and F4: RM0090 section 30.6.
 *
 * Its interrupt puts what comes into a ring: no byte is lost while the monitor works on a
 * frame, and in QEMU, where each look at the status register wakes the emulator's main loop,
 * a byte costs a third of what it costs polled. */
#include "port.h"
#include "stm32.h"

#define USART_SR      REG32(PORT_USART_BASE + 0x00u)
#define USART_SR_ORE  (1u << 3)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TC   (1u << 6)
#define USART_SR_TXE  (1u << 7)
#define USART_DR      REG32(PORT_USART_BASE + 0x04u)
#define USART_BRR     REG32(PORT_USART_BASE + 0x08u)
#define USART_CR1     REG32(PORT_USART_BASE + 0x0Cu)
#define USART_CR1_ON  ((1u << 13) | (1u << 5) | (1u << 3) | (1u << 2)) /* UE, RXNEIE, TE, RE */

#define RING_BYTES 256u /* a power of two: the counts below may wrap */

static uint32_t clock_hz;

/* The handler alone moves `taken`, port_getc() alone `given`. */
static volatile uint8_t ring[RING_BYTES];
static volatile uint32_t taken;
static volatile uint32_t given;
static volatile bool held; /* the ring was full: the interrupt is off until there is room */

void USART_Handler(void);

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
    NVIC_ISER(PORT_USART_IRQ) = NVIC_BIT(PORT_USART_IRQ);
}

void USART_Handler(void)
{
    if (taken - given == RING_BYTES) {
        /* Bytes wait in the USART now; a frame that loses some there is sent again. */
        held = true;
        NVIC_ICER(PORT_USART_IRQ) = NVIC_BIT(PORT_USART_IRQ);
        return;
    }
    /* Reading SR, then DR, also clears an overrun: 30.6.1. */
    const uint32_t status = USART_SR;
    if ((status & (USART_SR_RXNE | USART_SR_ORE)) == 0) {
        return;
    }
    const uint8_t byte = (uint8_t)USART_DR;
    if (status & USART_SR_RXNE) {
        ring[taken % RING_BYTES] = byte;
        taken++;
    }
}

static void wait_for_byte(void)
{
    const uint32_t primask = cortexm_mask();
    if (cortexm_in_handler()) {
        USART_Handler(); /* a fault's: the interrupt can't come through */
    } else if (taken == given) {
        cortexm_sleep();
    }
    cortexm_unmask(primask);
}

int port_getc(void)
{
    if (taken == given) {
        wait_for_byte();
    }
    if (taken == given) {
        return -1;
    }
    const int byte = ring[given % RING_BYTES];
    given++;
    if (held) {
        held = false;
        NVIC_ISER(PORT_USART_IRQ) = NVIC_BIT(PORT_USART_IRQ);
    }
    return byte;
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((USART_SR & USART_SR_TXE) == 0) {
        }
        USART_DR = data[i];
    }
}
