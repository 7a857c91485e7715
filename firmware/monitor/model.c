#include "model.h"

#include <stddef.h>
#include <string.h>

#include "crc32.h"
#include "engine.h"
#include "port.h"

static bool ready;
static uint64_t counter_cost; /* ticks that pass between two readings of the counter */
static uint64_t expected_ticks;

bool mon_model_start(void)
{
    ready = engine_init() == 0;
    counter_cost = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        const uint64_t before = port_ticks();
        const uint64_t cost = port_ticks() - before;
        counter_cost = cost < counter_cost ? cost : counter_cost;
    }
    return ready;
}

bool mon_model_ready(void)
{
    return ready;
}

typedef engine_tensor_t (*tensor_at_t)(uint32_t index);

static uint32_t total_bytes(tensor_at_t tensor_at, uint32_t count)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += tensor_at(i).bytes;
    }
    return bytes;
}

/* Copies between `data` and the tensors from `offset` on; `write` says which way. */
static void copy(tensor_at_t tensor_at, uint32_t count, uint32_t offset, uint8_t *data,
                 uint32_t bytes, bool write)
{
    for (uint32_t i = 0; i < count && bytes > 0; i++) {
        const engine_tensor_t tensor = tensor_at(i);
        if (offset >= tensor.bytes) {
            offset -= tensor.bytes;
            continue;
        }
        const uint32_t room = tensor.bytes - offset;
        const uint32_t part = bytes < room ? bytes : room;
        uint8_t *inside = (uint8_t *)tensor.data + offset;
        memcpy(write ? inside : data, write ? data : inside, (size_t)part);
        data += part;
        bytes -= part;
        offset = 0;
    }
}

static uint32_t crc(tensor_at_t tensor_at, uint32_t count)
{
    uint32_t value = MON_CRC32_START;
    for (uint32_t i = 0; i < count; i++) {
        const engine_tensor_t tensor = tensor_at(i);
        value = mon_crc32(value, tensor.data, (size_t)tensor.bytes);
    }
    return ~value;
}

uint32_t mon_input_bytes(void)
{
    return ready ? total_bytes(engine_input, engine_info()->inputs) : 0;
}

void mon_input_write(uint32_t offset, const uint8_t *data, uint32_t bytes)
{
    copy(engine_input, engine_info()->inputs, offset, (uint8_t *)(uintptr_t)data, bytes, true);
}

void mon_input_read(uint32_t offset, uint8_t *data, uint32_t bytes)
{
    copy(engine_input, engine_info()->inputs, offset, data, bytes, false);
}

uint32_t mon_input_crc(void)
{
    return crc(engine_input, engine_info()->inputs);
}

uint32_t mon_output_bytes(void)
{
    return ready ? total_bytes(engine_output, engine_info()->outputs) : 0;
}

void mon_output_read(uint32_t offset, uint8_t *data, uint32_t bytes)
{
    copy(engine_output, engine_info()->outputs, offset, data, bytes, false);
}

uint32_t mon_output_crc(void)
{
    return crc(engine_output, engine_info()->outputs);
}

static uint64_t since(uint64_t start)
{
    const uint64_t ticks = port_ticks() - start;
    return ticks > counter_cost ? ticks - counter_cost : 0;
}

int mon_infer(uint64_t *ticks)
{
    const uint64_t start = port_ticks();
    const int status = engine_infer();
    *ticks = since(start);
    mon_expect(*ticks);
    return status;
}

int mon_layer(uint32_t index, uint64_t *ticks)
{
    static const uint64_t *profile; /* of an engine that runs layers all at once */
    if (engine_info()->whole) {
        profile = index == 0 ? engine_profile() : profile;
        if (profile == NULL) {
            return -1;
        }
        *ticks = profile[index] > counter_cost ? profile[index] - counter_cost : 0;
        return 0;
    }
    const uint64_t start = port_ticks();
    const int status = engine_layer(index);
    *ticks = since(start);
    return status;
}

void mon_expect(uint64_t ticks)
{
    expected_ticks = ticks;
}

uint32_t mon_expected_us(void)
{
    const uint64_t us = mon_microseconds(expected_ticks);
    return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

uint64_t mon_microseconds(uint64_t ticks)
{
    const uint32_t hz = port_tick_hz();
    return ticks / hz * 1000000u + ticks % hz * 1000000u / hz;
}
