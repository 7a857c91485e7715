/* Arduino: Serial for the line, micros() for the ticks; works wherever a core does.
 * Reference: https://docs.arduino.cc/language-reference/ (Serial, micros). */
#include <Arduino.h>

#include "monitor.h"
#include "port.h"

/* USB serial ports exist only once the host has opened them; without one, go on. */
#define SERIAL_WAIT_MS 3000u

static uint32_t last;
static uint32_t wraps;

void port_init(void)
{
    Serial.begin(PORT_BAUD);
    while (!Serial && millis() < SERIAL_WAIT_MS) {
    }
}

int port_getc(void)
{
    (void)port_ticks(); /* micros() wraps after 71 minutes */
    return Serial.available() > 0 ? Serial.read() : -1;
}

void port_write(const uint8_t *data, size_t bytes)
{
    Serial.write(data, bytes);
}

int port_set_baud(uint32_t baud)
{
    if (baud == 0) {
        return -1;
    }
    Serial.flush();
    Serial.begin(baud);
    return 0;
}

uint64_t port_ticks(void)
{
    const uint32_t now = micros();
    if (now < last) {
        wraps++;
    }
    last = now;
    return ((uint64_t)wraps << 32) | now;
}

uint32_t port_tick_hz(void)
{
    return 1000000u;
}

const char *port_tick_source(void)
{
    return "micros";
}

uint32_t port_clock_hz(void)
{
    return PORT_CLOCK_HZ;
}

/* The stack is the core's own: nothing is known of it. */
uint32_t port_stack_bytes(void)
{
    return 0;
}

uint32_t port_stack_peak_bytes(void)
{
    return 0;
}

void port_reset(void)
{
#if defined(ESP32) || defined(ESP8266)
    ESP.restart();
#elif defined(__arm__)
    NVIC_SystemReset();
#endif
    for (;;) {
    }
}

#ifndef PIO_UNIT_TESTING
void setup()
{
    port_init();
    monitor_start();
}

void loop()
{
    monitor_poll();
}
#endif
