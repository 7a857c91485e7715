/* A port for tests: the serial line is stdin and stdout, the chip is a process.
 *
 * Environment:
 *   HOST_CLOCK=virtual  time stands still but for what the engine adds
 *   HOST_BAUD_FD=N      the speed is written there as a line, at the start and with each change
 *   HOST_BAUD_MAX=N     faster speeds are refused */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "port.h"

static uint64_t virtual_ticks;
static uint8_t received[65536];
static size_t received_bytes, received_next;

static const char *option(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value ? value : otherwise;
}

long host_option(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

void host_pass(uint64_t ticks)
{
    virtual_ticks += ticks;
}

int port_getc(void)
{
    if (received_next == received_bytes) {
        struct pollfd in = {.fd = 0, .events = POLLIN};
        if (poll(&in, 1, 1) <= 0) {
            return -1;
        }
        const ssize_t got = read(0, received, sizeof received);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return -1;
        }
        if (got <= 0) {
            exit(0); /* the host has hung up */
        }
        received_bytes = (size_t)got;
        received_next = 0;
    }
    return received[received_next++];
}

void port_write(const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t put = write(1, data, bytes);
        if (put < 0 && errno == EAGAIN) {
            struct pollfd out = {.fd = 1, .events = POLLOUT};
            (void)poll(&out, 1, 100);
            continue;
        }
        if (put <= 0) {
            exit(0);
        }
        data += put;
        bytes -= (size_t)put;
    }
}

/* Tells the test the speed the line has from now on. */
static void tell_baud(uint32_t baud)
{
    const int fd = (int)host_option("HOST_BAUD_FD", -1);
    char line[16];
    size_t length = sizeof line;
    line[--length] = '\n';
    for (uint32_t rest = baud; rest; rest /= 10) {
        line[--length] = (char)('0' + rest % 10);
    }
    if (fd >= 0 && write(fd, line + length, sizeof line - length) < 0) {
        exit(1);
    }
}

void port_init(void)
{
    tell_baud(115200);
}

int port_set_baud(uint32_t baud)
{
    if (baud == 0 || baud > (uint32_t)host_option("HOST_BAUD_MAX", 4000000)) {
        return -1;
    }
    tell_baud(baud);
    return 0;
}

uint64_t port_ticks(void)
{
    struct timespec now = {0};
    if (strcmp(option("HOST_CLOCK", "real"), "virtual") != 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + virtual_ticks;
}

uint32_t port_tick_hz(void)
{
    return 1000000000u;
}

const char *port_tick_source(void)
{
    return "host";
}

uint32_t port_clock_hz(void)
{
    return 168000000u;
}

uint32_t port_stack_bytes(void)
{
    return 4096;
}

uint32_t port_stack_peak_bytes(void)
{
    return 1234;
}

void port_timestamp_pin(void) {}

void port_reset(void)
{
    static char *const program[] = {"/proc/self/exe", NULL};
    execv(program[0], program);
    _exit(1);
}
