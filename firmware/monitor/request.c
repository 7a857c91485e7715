#include "request.h"

#include <stdbool.h>
#include <string.h>

#include "benchmark.h"
#include "current.h"
#include "engine.h"
#include "frame.h"
#include "info.h"
#include "model.h"
#include "out.h"
#include "placed.h"
#include "port.h"
#include "speed.h"
#include "steps.h"
#include "transfer.h"

static uint32_t frames_accepted;
static uint32_t frames_broken;

/* Sequence numbers wrap: of two, the newer is less than half the circle ahead. */
static bool newer(uint16_t sequence)
{
    const uint16_t ahead = (uint16_t)(sequence - mon_current.sequence);
    return !mon_current.known || (ahead != 0 && ahead < 0x8000u);
}

static void begin(uint16_t sequence)
{
    mon_current.known = true;
    mon_current.answered = false;
    mon_current.sequence = sequence;
    mon_transfer_begin((mon_input_bytes() + MONITOR_CHUNK_BYTES - 1u) / MONITOR_CHUNK_BYTES);
}

void mon_request_broken(void)
{
    frames_broken++;
}

static void nak(uint16_t sequence, uint8_t reason, size_t more)
{
    mon_frame_payload()[0] = reason;
    mon_frame_send(MON_NAK, sequence, 1 + more);
}

static void nak_engine(uint16_t sequence)
{
    const char *error = engine_error();
    size_t length = strlen(error);
    length = length < MON_PAYLOAD_BYTES - 1u ? length : MON_PAYLOAD_BYTES - 1u;
    memcpy(mon_frame_payload() + 1, error, length);
    nak(sequence, MON_NAK_ENGINE, length);
}

static void busy(uint16_t sequence)
{
    mon_put_u32(mon_frame_payload(), mon_expected_us());
    mon_frame_send(MON_BUSY, sequence, 4);
}

/* The request is older than one that has changed the engine's memory: it has come late, or again.
 * A newer one takes over. */
static bool stale(uint16_t sequence)
{
    if (newer(sequence)) {
        begin(sequence);
    }
    if (sequence != mon_current.sequence) {
        nak(sequence, MON_NAK_STALE, 0);
        return true;
    }
    return false;
}

/* INFO frames are filled by the text output. */
static struct {
    uint16_t sequence;
    uint8_t index;
    size_t length;
} info;

static void info_send(bool last)
{
    mon_frame_payload()[0] = info.index++;
    mon_frame_payload()[1] = last;
    mon_frame_send(MON_INFO, info.sequence, 2 + info.length);
    info.length = 0;
}

static void info_sink(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (2 + info.length == MON_PAYLOAD_BYTES) {
            info_send(false);
        }
        mon_frame_payload()[2 + info.length++] = (uint8_t)text[i];
    }
}

static void hello(uint16_t sequence)
{
    begin(sequence);
    info.sequence = sequence;
    info.index = 0;
    info.length = 0;
    mon_out_to(info_sink);
    mon_info("", "\n");
    mon_out_to(NULL);
    info_send(true);
}

/* Chunks are never answered: the line belongs to the host until it sends RUN. */
static void chunk(uint16_t sequence, const uint8_t *payload, size_t bytes)
{
    if (bytes <= 2 || !mon_model_ready()) {
        return;
    }
    if (newer(sequence)) {
        begin(sequence);
        mon_benchmark_forget();
    }
    if (sequence != mon_current.sequence || mon_current.answered) {
        return; /* late: it belongs to an input that is over */
    }
    const uint32_t index = mon_get_u16(payload);
    const uint32_t offset = index * MONITOR_CHUNK_BYTES;
    const uint32_t total = mon_input_bytes();
    const uint32_t data_bytes = (uint32_t)bytes - 2u;
    if (offset >= total) {
        return;
    }
    const uint32_t left = total - offset;
    if (data_bytes == (left < MONITOR_CHUNK_BYTES ? left : MONITOR_CHUNK_BYTES) &&
        mon_transfer_take(index)) {
        mon_input_write(offset, payload + 2, data_bytes);
    }
}

static void send_result(void)
{
    const uint32_t total = mon_output_bytes();
    uint8_t *payload = mon_frame_payload();
    mon_put_u64(payload, mon_current.ticks);
    mon_put_u32(payload + 8, mon_current.input_crc);
    mon_put_u32(payload + 12, total);
    mon_put_u32(payload + 16, mon_current.output_crc);
    mon_frame_send(MON_RESULT, mon_current.sequence, 20);
    for (uint32_t offset = 0; offset < total; offset += MONITOR_CHUNK_BYTES) {
        const uint32_t left = total - offset;
        const uint32_t part = left < MONITOR_CHUNK_BYTES ? left : MONITOR_CHUNK_BYTES;
        mon_put_u32(payload, offset);
        mon_output_read(offset, payload + 4, part);
        mon_frame_send(MON_OUTPUT, mon_current.sequence, 4 + part);
    }
}

static void run(uint16_t sequence, uint32_t input_crc)
{
    if (stale(sequence)) {
        return;
    }
    if (mon_current.answered && input_crc != mon_current.input_crc) {
        nak(sequence, MON_NAK_STALE, 0);
        return;
    }
    if (mon_current.answered) {
        send_result();
        return;
    }
    if (!mon_transfer_complete()) {
        nak(sequence, MON_NAK_MISSING,
            mon_transfer_missing(mon_frame_payload() + 1, MON_PAYLOAD_BYTES - 1u));
        return;
    }
    if (mon_input_crc() != input_crc) {
        begin(sequence);
        nak(sequence, MON_NAK_MISMATCH, 0);
        return;
    }
    busy(sequence);
    mon_benchmark_forget();
    engine_reset();
    if (mon_infer(&mon_current.ticks) != 0) {
        begin(sequence);
        nak_engine(sequence);
        return;
    }
    mon_current.answered = true;
    mon_current.input_crc = input_crc;
    mon_current.output_crc = mon_output_crc();
    send_result();
}

static void ticks(uint16_t sequence, uint32_t index, uint64_t value)
{
    mon_put_u16(mon_frame_payload(), (uint16_t)index);
    mon_put_u64(mon_frame_payload() + 2, value);
    mon_frame_send(MON_TICKS, sequence, 10);
}

static void done(uint16_t sequence, uint32_t count, uint64_t sum)
{
    mon_put_u16(mon_frame_payload(), (uint16_t)count);
    mon_put_u64(mon_frame_payload() + 2, sum);
    mon_frame_send(MON_DONE, sequence, 10);
}

/* `count` layers, or inferences, timed one by one. What is in the input does not matter, and
 * nothing is left of it. A frame after each tells the host that the chip is alive. */
static void timed(uint16_t sequence, uint32_t count, int (*step)(uint32_t index, uint64_t *ticks))
{
    if (stale(sequence)) {
        return;
    }
    begin(sequence);
    mon_benchmark_forget();
    engine_reset();
    busy(sequence);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value;
        if (step(i, &value) != 0) {
            nak_engine(sequence);
            return;
        }
        sum += value;
        ticks(sequence, i, value);
    }
    if (step == mon_layer && count > 0) {
        mon_expect(sum);
    }
    done(sequence, count, sum);
}

/* The engine's memory is the host's from here on: no input is under way, no answer held. */
static void steps(uint16_t sequence, uint32_t count)
{
    if (stale(sequence)) {
        return;
    }
    begin(sequence);
    mon_benchmark_forget();
    busy(sequence);
    uint64_t sum;
    if (mon_steps_to(count, &sum)) {
        done(sequence, count, sum);
    } else {
        nak_engine(sequence);
    }
}

static void write_input(uint16_t sequence, const uint8_t *payload, size_t bytes)
{
    if (bytes < 4) {
        nak(sequence, MON_NAK_LENGTH, 0);
        return;
    }
    if (stale(sequence)) {
        return;
    }
    begin(sequence);
    mon_input_write(mon_get_u32(payload), payload + 4, (uint32_t)bytes - 4u);
    mon_frame_send(MON_MEMORY, sequence, 4); /* the offset is in its place already */
}

static void read_memory(uint16_t sequence, const uint8_t *payload)
{
    size_t bytes = mon_get_u16(payload + 4);
    bytes = bytes < MON_PAYLOAD_BYTES - 4u ? bytes : MON_PAYLOAD_BYTES - 4u;
    bytes = mon_steps_read(mon_get_u32(payload), mon_frame_payload() + 4, bytes);
    mon_frame_send(MON_MEMORY, sequence, 4 + bytes);
}

static int whole_inference(uint32_t index, uint64_t *value)
{
    (void)index;
    return mon_infer(value);
}

/* A debugger moves inputs and outputs while the core waits: see placed.h. */
static void placed(uint16_t sequence, uint32_t count)
{
    if (stale(sequence)) {
        return;
    }
    begin(sequence);
    mon_benchmark_forget();
    mon_placed.inputs = 0;
    mon_placed.done = 0;
    busy(sequence);
    uint64_t sum;
    if (mon_placed_run(count, &sum) == 0) {
        done(sequence, count, sum);
    } else {
        nak_engine(sequence);
    }
}

static void state(uint16_t sequence)
{
    uint8_t *payload = mon_frame_payload();
    mon_put_u32(payload, port_stack_bytes());
    mon_put_u32(payload + 4, port_stack_peak_bytes());
    mon_put_u32(payload + 8, mon_model_ready() ? engine_info()->arena_bytes : 0);
    mon_put_u32(payload + 12, frames_accepted);
    mon_put_u32(payload + 16, frames_broken);
    mon_frame_send(MON_STATE, sequence, 20);
}

/* Payload bytes each request has; -1: any number. */
static int payload_of(uint8_t type)
{
    switch (type) {
    case MON_RUN:
    case MON_BAUD:
        return 4;
    case MON_BENCH:
    case MON_PLACED:
    case MON_STEPS:
        return 2;
    case MON_READ:
        return 6;
    case MON_PING:
    case MON_INPUT:
        return -1;
    default:
        return 0;
    }
}

static void answer(uint8_t type, uint16_t sequence, const uint8_t *payload, size_t bytes)
{
    const bool needs_engine =
        (type >= MON_RUN && type <= MON_BENCH) || (type >= MON_PLACED && type <= MON_READ);
    if (payload_of(type) >= 0 && bytes != (size_t)payload_of(type)) {
        nak(sequence, MON_NAK_LENGTH, 0);
        return;
    }
    if (needs_engine && !mon_model_ready()) {
        nak_engine(sequence);
        return;
    }
    switch (type) {
    case MON_HELLO:
        hello(sequence);
        break;
    case MON_PING:
        mon_frame_send(MON_PONG, sequence, bytes); /* the payload is in its place already */
        break;
    case MON_RUN:
        run(sequence, mon_get_u32(payload));
        break;
    case MON_PROFILE:
        timed(sequence, engine_info()->layers, mon_layer);
        break;
    case MON_BENCH:
        timed(sequence, mon_get_u16(payload), whole_inference);
        break;
    case MON_PLACED:
        placed(sequence, mon_get_u16(payload));
        break;
    case MON_STEPS:
        steps(sequence, mon_get_u16(payload));
        break;
    case MON_INPUT:
        write_input(sequence, payload, bytes);
        break;
    case MON_READ:
        read_memory(sequence, payload);
        break;
    case MON_STATUS:
        state(sequence);
        break;
    case MON_BAUD:
        mon_speed_change(sequence, mon_get_u32(payload));
        break;
    case MON_RESET:
        mon_frame_send(MON_RESETTING, sequence, 0);
        port_reset();
        break;
    default:
        nak(sequence, MON_NAK_TYPE, 0);
        break;
    }
}

void mon_request(size_t payload_bytes)
{
    const uint8_t type = mon_buffer[0];
    const uint16_t sequence = mon_get_u16(mon_buffer + 1);
    const uint8_t *payload = mon_frame_payload();
    frames_accepted++;
    if (type == MON_CHUNK) {
        chunk(sequence, payload, payload_bytes);
    } else {
        answer(type, sequence, payload, payload_bytes);
    }
}
