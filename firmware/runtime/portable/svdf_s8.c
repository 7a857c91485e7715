/* SVDF with int16 time weights and state. */
#include "svdf.h"

static uint32_t recall(MCU_ROM svdf_s8_t *p, const void *state, int32_t filter)
{
    const int16_t *memory = (const int16_t *)state + filter * p->memory;
    MCU_ROM int16_t *weights = (MCU_ROM int16_t *)p->time_weights + filter * p->memory;
    uint32_t sum = 0;
    for (int32_t m = 0; m < p->memory; m++) {
        sum += (uint32_t)((int32_t)weights[m] * memory[m]);
    }
    return sum;
}

void svdf_s8(MCU_ROM svdf_s8_t *p, const int8_t *input, int16_t *state, int8_t *output)
{
    const int32_t last = p->memory - 1;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t f = 0; f < p->filters; f++) {
            int16_t *memory = state + f * p->memory;
            const int32_t seen = svdf_feature(p, input, f);
            memmove(memory, memory + 1, sizeof(int16_t) * (size_t)last);
            memory[last] = (int16_t)clamp(seen, INT16_MIN, INT16_MAX);
        }
        svdf_units(p, state, recall, output);
        input += p->inputs;
        state += p->filters * p->memory;
        output += p->filters / p->rank;
    }
}
