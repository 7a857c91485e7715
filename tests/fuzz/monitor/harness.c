/* libFuzzer's face to the firmware's monitor: bytes of a serial line, as text and as frames.
 *
 * The input is a row of records. A first byte below 0x80 says how many bytes follow that go
 * onto the line as they are; any other is a frame's type, with two bytes of sequence number,
 * one of length and a payload: it gets its COBS and a right CRC here, which no mutation would
 * find. The monitor's memory goes on from one input to the next, as a chip's does. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "engine.h"
#include "monitor.h"
#include "port.h"

#define INPUTS           2
#define INFERENCES       40 /* of one input: then the engine refuses, and loops end */
#define LINE_BYTES       65536
#define MOST_FRAME_BYTES 300

#ifndef FUZZ_DTYPE
#define FUZZ_DTYPE ENGINE_INT8
#endif

/* Apart, so that the sanitizer sees a step over an end. */
static uint8_t *input[INPUTS], *output[INPUTS], *arena;
static const uint32_t input_bytes[INPUTS] = {300, 340}, output_bytes[INPUTS] = {8, 1200};
#define ARENA_BYTES 700u

static uint8_t line[LINE_BYTES];
static size_t line_end, line_next;
static jmp_buf restart;
static uint64_t now;
static uint32_t left;
static uint64_t frames, commands, answered;

int port_getc(void)
{
    now += 1000;
    if (line_next == line_end) {
        longjmp(restart, 1); /* no more of this input, even out of a fault's loop */
    }
    return line[line_next++];
}

void port_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        answered += data[i]; /* every byte is read, so that the sanitizer looks at it */
    }
}

int port_set_baud(uint32_t baud)
{
    return baud == 0 || baud > 4000000u ? -1 : 0;
}

uint64_t port_ticks(void)
{
    return now += 10;
}

uint32_t port_tick_hz(void)
{
    return 1000000u;
}

const char *port_tick_source(void)
{
    return "fuzz";
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
    longjmp(restart, 2);
}

int engine_init(void)
{
    return 0;
}

const engine_info_t *engine_info(void)
{
    static const engine_info_t info = {
        .engine = "fuzz",
        .model = "none",
        .sha256 = "0000000000000000000000000000000000000000000000000000000000000000",
        .inputs = INPUTS,
        .outputs = INPUTS,
        .layers = 3,
        .arena_bytes = ARENA_BYTES,
    };
    return &info;
}

static engine_tensor_t tensor(void *data, uint32_t bytes)
{
    const uint32_t width[] = {1, 2, 4, 1, 4, 1};
    return (engine_tensor_t){data, bytes, bytes / width[FUZZ_DTYPE], FUZZ_DTYPE, 0.5f, -3};
}

engine_tensor_t engine_input(uint32_t index)
{
    return tensor(input[index], input_bytes[index]);
}

engine_tensor_t engine_output(uint32_t index)
{
    return tensor(output[index], output_bytes[index]);
}

int engine_infer(void)
{
    if (left == 0) {
        return 1;
    }
    left--;
    for (uint32_t i = 0; i < INPUTS; i++) {
        memset(output[i], input[i][0] ^ 0x5A, output_bytes[i]);
    }
    return 0;
}

int engine_layer(uint32_t index)
{
    output[0][0] = (uint8_t)index;
    return engine_infer();
}

const uint64_t *engine_profile(void)
{
    return NULL;
}

const uint8_t *engine_arena(void)
{
    return arena;
}

void engine_reset(void) {}

const char *engine_error(void)
{
    return "enough";
}

static void put(uint8_t byte)
{
    if (line_end < LINE_BYTES) {
        line[line_end++] = byte;
    }
}

static void put_frame(const uint8_t *body, size_t bytes)
{
    put(0);
    for (size_t start = 0;;) {
        size_t run = 0;
        while (run < 254 && start + run < bytes && body[start + run] != 0) {
            run++;
        }
        put((uint8_t)(run + 1));
        for (size_t i = 0; i < run; i++) {
            put(body[start + i]);
        }
        start += run;
        if (start == bytes) {
            break;
        }
        start += run < 254;
    }
    put(0);
    frames++;
}

static void fill(const uint8_t *data, size_t size)
{
    line_end = line_next = 0;
    while (size > 0) {
        const uint8_t kind = *data++;
        size--;
        if (kind < 0x80) {
            for (size_t i = 0; i < kind && size > 0; i++, size--) {
                commands += *data == '%';
                put(*data++);
            }
            continue;
        }
        if (size < 3) {
            return;
        }
        uint8_t body[3 + MOST_FRAME_BYTES + 4] = {kind, data[0], data[1]};
        size_t bytes = data[2] == 0xFF ? 258 : data[2];
        data += 3;
        size -= 3;
        bytes = bytes < size ? bytes : size;
        memcpy(body + 3, data, bytes);
        data += bytes;
        size -= bytes;
        const uint32_t crc = ~mon_crc32(MON_CRC32_START, body, 3 + bytes);
        for (size_t i = 0; i < 4; i++) {
            body[3 + bytes + i] = (uint8_t)(crc >> 8 * i);
        }
        put_frame(body, 3 + bytes + 4);
    }
}

static void tell(void)
{
    fprintf(stderr, "monitor: %llu frames %llu commands\n", (unsigned long long)frames,
            (unsigned long long)commands);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (uint32_t i = 0; i < INPUTS; i++) {
        input[i] = calloc(input_bytes[i], 1);
        output[i] = calloc(output_bytes[i], 1);
    }
    arena = calloc(ARENA_BYTES, 1);
    monitor_start();
    return atexit(tell);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    left = INFERENCES;
    fill(data, size);
    if (setjmp(restart) == 0) {
        for (;;) {
            monitor_poll();
        }
    }
    return 0;
}
