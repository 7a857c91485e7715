/* What the monitor needs from a chip. One folder firmware/ports/<family>/ implements it. */
#ifndef PORT_H
#define PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Clock tree, flash wait states, caches, UART at PORT_BAUD, tick counter. */
void port_init(void);

/* The next byte from the UART, or -1 where none has come. Between two bytes it may sleep, for
 * less than a second, where port_ticks() goes on meanwhile. In a fault handler it polls. */
int port_getc(void);

/* Sends; returns when the bytes are handed to the UART. */
void port_write(const uint8_t *data, size_t bytes);

/* Waits until the last bit has left, then changes the line's speed. Returns 0, or -1
 * where the UART can't make `baud` within 2 %: then nothing has changed. */
int port_set_baud(uint32_t baud);

/* A counter that never runs backwards while powered: CPU cycles where the core has a
 * cycle counter that moves, else ticks of a timer. */
uint64_t port_ticks(void);

/* Ticks per second of that counter. */
uint32_t port_tick_hz(void);

/* "dwt", "systick", "mcycle", ...: what port_ticks() reads. */
const char *port_tick_source(void);

/* The core's clock as set up, in Hz. */
uint32_t port_clock_hz(void);

/* Stack reserved by the linker script, and its high-water mark (painted at start). */
uint32_t port_stack_bytes(void);
uint32_t port_stack_peak_bytes(void);

/* Only for energy-mode firmware (MONITOR_ENERGY): pulls the timestamp pin low for at least 1 us,
 * then releases it. */
void port_timestamp_pin(void);

/* Restarts the chip. */
void port_reset(void);

#ifdef __cplusplus
}
#endif

#endif
