/* An engine for tests: its output is a hash of its input, which it destroys.
 *
 * tests/monitor/chip.py computes the same. Environment:
 *   FAKE_INPUT_BYTES, FAKE_OUTPUT_BYTES, FAKE_LAYERS
 *   FAKE_COPIES=1       the output is the input instead
 *   FAKE_KEEPS_INPUT=1  the input survives
 *   FAKE_TICKS=N        virtual ticks of an inference
 *   FAKE_SLEEP_MS=N     real time an inference takes
 *   FAKE_FAILS_AT=N     the Nth inference returns an error
 *   FAKE_FAULTS_AT=N    the Nth inference ends in the fault handler
 *   FAKE_HANGS_AT=N     the Nth inference never returns
 *   FAKE_RESETS_AT=N    the Nth inference restarts the chip, once (FAKE_MARK remembers it)
 *   FAKE_RESETS_ALWAYS=1  not only once
 *   FAKE_INIT_FAILS=1   engine_init() returns an error
 *   FAKE_DTYPE, FAKE_SCALE_1000, FAKE_ZERO_POINT of the input and the output */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "fault.h"
#include "host.h"
#include "port.h"

#define MOST 65536

static _Alignas(8) uint8_t input[MOST];
static _Alignas(8) uint8_t output[MOST];
static const char *error = "";
static uint32_t inferences;

static uint32_t input_bytes(void)
{
    return (uint32_t)host_option("FAKE_INPUT_BYTES", 490);
}

static uint32_t output_bytes(void)
{
    return (uint32_t)host_option("FAKE_OUTPUT_BYTES", 12);
}

int engine_init(void)
{
    if (host_option("FAKE_INIT_FAILS", 0)) {
        error = "out of memory";
        return 1;
    }
    return 0;
}

const engine_info_t *engine_info(void)
{
    static engine_info_t info = {
        .engine = "fake",
        .model = "hash",
        .inputs = 1,
        .outputs = 1,
        .arena_bytes = 2048,
    };
    const char *sha256 = getenv("FAKE_SHA256");
    info.sha256 =
        sha256 ? sha256 : "0000000000000000000000000000000000000000000000000000000000000000";
    info.layers = (uint32_t)host_option("FAKE_LAYERS", 3);
    return &info;
}

static engine_tensor_t tensor(void *data, uint32_t bytes)
{
    const engine_dtype_t dtype = (engine_dtype_t)host_option("FAKE_DTYPE", ENGINE_INT8);
    const uint32_t width[] = {1, 2, 4, 1, 4, 1};
    return (engine_tensor_t){
        .data = data,
        .bytes = bytes,
        .elements = bytes / width[dtype],
        .dtype = dtype,
        .scale = (float)host_option("FAKE_SCALE_1000", 500) / 1000.0f,
        .zero_point = (int32_t)host_option("FAKE_ZERO_POINT", -3),
    };
}

engine_tensor_t engine_input(uint32_t index)
{
    (void)index;
    return tensor(input, input_bytes());
}

engine_tensor_t engine_output(uint32_t index)
{
    (void)index;
    return tensor(output, output_bytes());
}

static void pause_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* True in the inference that the option names; a restart begins to count anew. */
static int once(const char *name)
{
    return host_option(name, -1) == (long)inferences;
}

int engine_infer(void)
{
    inferences++;
    host_pass((uint64_t)host_option("FAKE_TICKS", 1000) + inferences);
    pause_ms(host_option("FAKE_SLEEP_MS", 0));
    if (once("FAKE_FAILS_AT")) {
        error = "kernel refused";
        return 1;
    }
    if (once("FAKE_FAULTS_AT")) {
        const uint32_t stacked[8] = {0, 0, 0, 0, 0, 0x08001235, 0x08001236, 0x21000000};
        monitor_fault(stacked, 0x8200, 0x40000000, 0xDEADBEEF, 0xDEADBEEF);
    }
    if (once("FAKE_RESETS_AT") && (!getenv("FAKE_MARK") || host_option("FAKE_RESETS_ALWAYS", 0))) {
        (void)setenv("FAKE_MARK", "1", 1);
        port_reset();
    }
    while (once("FAKE_HANGS_AT")) {
        pause_ms(1000);
    }
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < input_bytes(); i++) {
        hash = (hash ^ input[i]) * 16777619u;
    }
    for (uint32_t i = 0; i < output_bytes(); i++) {
        hash = hash * 1664525u + 1013904223u;
        output[i] = (uint8_t)(hash >> 24);
    }
    if (host_option("FAKE_COPIES", 0)) {
        memcpy(output, input, output_bytes());
    }
    if (!host_option("FAKE_KEEPS_INPUT", 0)) {
        memset(input, 0xA5, input_bytes());
    }
    return 0;
}

const uint64_t *engine_profile(void)
{
    return NULL;
}

int engine_layer(uint32_t index)
{
    host_pass(100u * (index + 1u));
    memset(output, 0xEE, output_bytes());
    input[index]++; /* what a host sees that looks in between */
    return 0;
}

const uint8_t *engine_arena(void)
{
    return input;
}

void engine_reset(void) {}

const char *engine_error(void)
{
    return error;
}
