/* SVDF with int8 time weights and state. */
#include "svdf.h"

static uint32_t recall(MCU_ROM svdf_s8_t *p, const void *state, int32_t filter)
{
    const int8_t *memory = (const int8_t *)state + filter * p->memory;
    MCU_ROM int8_t *weights = (MCU_ROM int8_t *)p->time_weights + filter * p->memory;
    uint32_t sum = 0;
    for (int32_t m = 0; m < p->memory; m++) {
        sum += (uint32_t)((int32_t)weights[m] * ((int32_t)memory[m] - p->state_zero));
    }
    return sum;
}

void svdf_s8_narrow(MCU_ROM svdf_s8_t *p, const int8_t *input, int8_t *state, int8_t *output)
{
    const int32_t last = p->memory - 1;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t f = 0; f < p->filters; f++) {
            int8_t *memory = state + f * p->memory;
            const int32_t seen = svdf_feature(p, input, f);
            memmove(memory, memory + 1, (size_t)last);
            /* Bounded before the zero point, as TFLM does: the sum may wrap around. */
            memory[last] = (int8_t)(uint8_t)(clamp(seen, INT8_MIN, INT8_MAX) + p->state_zero);
        }
        svdf_units(p, state, recall, output);
        input += p->inputs;
        state += p->filters * p->memory;
        output += p->filters / p->rank;
    }
}
