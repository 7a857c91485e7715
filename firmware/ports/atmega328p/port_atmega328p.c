/* ATmega328P: USART0, Timer1 as the tick counter; the core runs at its crystal's speed.
 * Registers: Microchip DS40002061B, ATmega48A/PA/88A/PA/168A/PA/328/P; sections below are its
 * own. avr-libc names the registers, starts the core and lays out its memory. */
#include "port.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <stdbool.h>

#define RING_BYTES 64u /* a power of two: the counts below may wrap */

/* The handler alone moves `taken`, port_getc() alone `given`. */
static volatile uint8_t ring[RING_BYTES];
static volatile uint8_t taken;
static volatile uint8_t given;

static volatile uint32_t overflows; /* of Timer1's 16 bits */
static bool sent;
static bool counted; /* QEMU runs it, and counts for it: see port_counter */

/* 8.2: after a restart by the watchdog it is still on. Runs before .data is there. */
__attribute__((naked, used, section(".init3"))) static void stop_watchdog(void)
{
    MCUSR = 0;
    wdt_disable();
}

void port_counter_stop(void);

extern uint8_t _end; /* of .bss: the stack may grow down to here */

#define STACK_PAINT 0xC5u

__attribute__((naked, used, section(".init3"))) static void paint_stack(void)
{
    for (uint8_t *byte = &_end; byte <= (uint8_t *)RAMEND; byte++) {
        *byte = STACK_PAINT;
    }
}

uint32_t port_stack_bytes(void)
{
    return (uint32_t)((uint8_t *)RAMEND - &_end) + 1u;
}

uint32_t port_stack_peak_bytes(void)
{
    const uint8_t *byte = &_end;
    while (byte <= (uint8_t *)RAMEND && *byte == STACK_PAINT) {
        byte++;
    }
    return (uint32_t)((uint8_t *)RAMEND - byte) + 1u;
}

/* 20.11.5: eight samples a bit, so the divisor is of the clock's eighth. */
int port_set_baud(uint32_t baud)
{
    if (baud == 0) {
        return -1;
    }
    const uint32_t eighth = PORT_CLOCK_HZ / 8u;
    const uint32_t divisor = (eighth + baud / 2u) / baud;
    const uint32_t real = divisor ? eighth / divisor : 0;
    const uint32_t off = real > baud ? real - baud : baud - real;
    if (divisor == 0 || divisor > 4096u || off > baud / 50u) {
        return -1;
    }
    if (sent) {
        for (uint16_t tries = 0; tries < 20000u && (UCSR0A & _BV(TXC0)) == 0; tries++) {
        }
    }
    UBRR0 = (uint16_t)(divisor - 1u);
    return 0;
}

/* 20.6, 20.7 */
ISR(USART_RX_vect)
{
    const uint8_t byte = UDR0;
    if ((uint8_t)(taken - given) < RING_BYTES) { /* else the frame is lost, and sent again */
        ring[taken % RING_BYTES] = byte;
        taken++;
    }
}

int port_getc(void)
{
    if (counted) { /* QEMU hands the next byte over when this one is read: none is lost */
        return (UCSR0A & _BV(RXC0)) != 0 ? UDR0 : -1;
    }
    if (taken == given) {
        return -1;
    }
    const uint8_t byte = ring[given % RING_BYTES];
    given++;
    return byte;
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((UCSR0A & _BV(UDRE0)) == 0) {
        }
        UCSR0A = _BV(U2X0) | _BV(TXC0); /* TXC0 is cleared by writing a one */
        UDR0 = data[i];
        sent = true;
    }
}

/* 16.11.1, 16.9.1 */
ISR(TIMER1_OVF_vect)
{
    overflows++;
}

static uint64_t timer_ticks(void)
{
    const uint8_t status = SREG;
    cli();
    const uint16_t low = TCNT1;
    uint32_t high = overflows;
    if ((TIFR1 & _BV(TOV1)) != 0 && low < 0x8000u) {
        high++; /* the overflow waits for its interrupt */
    }
    SREG = status;
    return (uint64_t)high << 16 | low;
}

/* QEMU can't read this chip's timers while it counts instructions. There, whoever started it
 * stops the core here as a debugger and writes the count of instructions so far. */
volatile uint64_t port_counter;

__attribute__((naked, noinline)) void port_counter_stop(void)
{
    __asm volatile("nop\n\tret");
}

/* 8.5.1: a register for any use, which QEMU's machine has not. */
static bool in_qemu(void)
{
    GPIOR0 = 0x5Au;
    return GPIOR0 != 0x5Au;
}

uint64_t port_ticks(void)
{
    if (!counted) {
        return timer_ticks();
    }
    port_counter_stop();
    return port_counter;
}

#define INSTRUCTIONS_HZ 1000000000u

static void ticks_init(void)
{
    counted = in_qemu();
    if (!counted) {
        TCCR1A = 0;
        TCCR1B = _BV(CS10);
        TIMSK1 = _BV(TOIE1);
    }
    sei();
}

void port_init(void)
{
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    (void)port_set_baud(PORT_BAUD);
    ticks_init();
    UCSR0B = (uint8_t)((counted ? 0 : _BV(RXCIE0)) | _BV(RXEN0) | _BV(TXEN0));
}

uint32_t port_tick_hz(void)
{
    return counted ? INSTRUCTIONS_HZ : PORT_CLOCK_HZ;
}

const char *port_tick_source(void)
{
    return counted ? "instructions" : "timer1";
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}

/* 11.8: the shortest time the watchdog can be set to is 16 ms. QEMU has none. */
#define RESET_TRIES 1000000u

void port_reset(void)
{
    cli();
    wdt_enable(WDTO_15MS);
    for (volatile uint32_t i = 0; i < RESET_TRIES; i++) {
    }
    __asm volatile("jmp 0");
    __builtin_unreachable();
}
