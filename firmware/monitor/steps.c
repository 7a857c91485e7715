#include "steps.h"

#include <string.h>

#include "engine.h"
#include "model.h"

static uint32_t done; /* layers that have run */

bool mon_steps_to(uint32_t count, uint64_t *ticks)
{
    *ticks = 0;
    if (count > engine_info()->layers || engine_info()->whole) {
        return false;
    }
    if (count < done || count == 0) {
        engine_reset();
        done = 0;
    }
    while (done < count) {
        uint64_t layer_ticks;
        if (mon_layer(done, &layer_ticks) != 0) {
            return false;
        }
        *ticks += layer_ticks;
        done++;
    }
    return true;
}

size_t mon_steps_read(uint32_t offset, uint8_t *data, size_t bytes)
{
    const uint32_t total = engine_info()->arena_bytes;
    if (offset >= total) {
        return 0;
    }
    const size_t left = total - offset;
    bytes = bytes < left ? bytes : left;
    memcpy(data, engine_arena() + offset, bytes);
    return bytes;
}
