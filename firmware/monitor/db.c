#include "db.h"

#include <string.h>

#include "engine.h"
#include "info.h"
#include "model.h"
#include "out.h"

/* How the host's bytes become the input tensor. */
typedef enum {
    RAW,      /* they are the tensor (kws01, and every model that is not MLPerf's) */
    UNSIGNED, /* pixels 0..255, the tensor is int8: minus 128 (ic01, vww01) */
    FLOATS    /* float32 little-endian, the tensor is int8: quantised here (ad01) */
} form_t;

/* The comparisons are with a constant, so the compiler keeps one branch. */
static form_t form(void)
{
#ifdef MONITOR_MODEL_ID
    if (strcmp(MONITOR_MODEL_ID, "ic01") == 0 || strcmp(MONITOR_MODEL_ID, "vww01") == 0) {
        return engine_input(0).dtype == ENGINE_INT8 ? UNSIGNED : RAW;
    }
    if (strcmp(MONITOR_MODEL_ID, "ad01") == 0) {
        const engine_tensor_t input = engine_input(0);
        const bool held = MONITOR_DB_BYTES >= input.elements * sizeof(float);
        const bool same = engine_output(0).elements == input.elements;
        return input.dtype == ENGINE_INT8 && held && same ? FLOATS : RAW;
    }
#endif
    return RAW;
}

uint32_t mon_db_needed(void)
{
    const uint32_t bytes = mon_input_bytes();
    return mon_model_ready() && form() == FLOATS ? bytes * (uint32_t)sizeof(float) : bytes;
}

#if MONITOR_DB_BYTES > 0

static uint8_t buffer[MONITOR_DB_BYTES];

uint32_t mon_db_limit(void)
{
    return sizeof buffer;
}

void mon_db_write(uint32_t position, uint8_t byte)
{
    buffer[position] = byte;
}

uint8_t mon_db_read(uint32_t position)
{
    return buffer[position];
}

static float float_at(uint32_t index)
{
    float value;
    memcpy(&value, buffer + index * sizeof value, sizeof value);
    return value;
}

/* Half away from zero, then the zero point, then the clamp: as MLPerf Tiny's reference. */
static uint8_t quantized(float value, float scale, int32_t zero_point)
{
    float steps = value / scale;
    if (!(steps > -1000.0f)) { /* NaN too */
        steps = -1000.0f;
    }
    if (steps > 1000.0f) {
        steps = 1000.0f;
    }
    int32_t whole = (int32_t)steps;
    const float rest = steps - (float)whole;
    if (rest >= 0.5f) {
        whole++;
    } else if (rest <= -0.5f) {
        whole--;
    }
    whole += zero_point;
    whole = whole < -128 ? -128 : whole > 127 ? 127 : whole;
    return (uint8_t)whole;
}

void mon_db_to_input(void)
{
    const form_t as = form();
    const uint32_t bytes = mon_input_bytes();
    const engine_tensor_t input = engine_input(0);
    if (as == RAW) {
        mon_input_write(0, buffer, bytes);
        return;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        const uint8_t byte = as == UNSIGNED ? (uint8_t)(buffer[i] ^ 0x80u)
                                            : quantized(float_at(i), input.scale, input.zero_point);
        mon_input_write(i, &byte, 1);
    }
}

#else

uint32_t mon_db_limit(void)
{
    return mon_input_bytes();
}

void mon_db_write(uint32_t position, uint8_t byte)
{
    if (form() == UNSIGNED) {
        byte ^= 0x80u;
    }
    mon_input_write(position, &byte, 1);
}

uint8_t mon_db_read(uint32_t position)
{
    uint8_t byte;
    mon_input_read(position, &byte, 1);
    return form() == UNSIGNED ? byte ^ 0x80u : byte;
}

void mon_db_to_input(void) {}

#endif

static int32_t integer_at(const engine_tensor_t *tensor, uint32_t index)
{
    switch (tensor->dtype) {
    case ENGINE_INT8:
        return ((const int8_t *)tensor->data)[index];
    case ENGINE_INT16:
        return ((const int16_t *)tensor->data)[index];
    case ENGINE_INT32:
        return ((const int32_t *)tensor->data)[index];
    default:
        return ((const uint8_t *)tensor->data)[index];
    }
}

static float real_at(const engine_tensor_t *tensor, uint32_t index)
{
    if (tensor->dtype == ENGINE_FLOAT32) {
        return ((const float *)tensor->data)[index];
    }
    const int32_t stored = integer_at(tensor, index);
    if (!(tensor->scale > 0.0f)) {
        return (float)stored; /* not quantised: class numbers, flags */
    }
    return (float)(stored - tensor->zero_point) * tensor->scale;
}

void mon_db_results(void)
{
#if MONITOR_DB_BYTES > 0
    if (form() == FLOATS) {
        const engine_tensor_t output = engine_output(0);
        float sum = 0.0f;
        for (uint32_t i = 0; i < output.elements; i++) {
            const float difference = real_at(&output, i) - float_at(i);
            sum += difference * difference;
        }
        mon_out_milli(sum / (float)output.elements);
        return;
    }
#endif
    for (uint32_t o = 0; o < engine_info()->outputs; o++) {
        const engine_tensor_t output = engine_output(o);
        for (uint32_t i = 0; i < output.elements; i++) {
            if (o > 0 || i > 0) {
                mon_out(",");
            }
            mon_out_milli(real_at(&output, i));
        }
    }
}
