/* SVDF. */
#include <stddef.h>
#include <string.h>

#include "kernels.h"
#include "requantize.h"

/* What a filter sees of the input, as it enters the state. */
static int32_t feature(const svdf_s8_t *p, const int8_t *input, const int8_t *weights)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->inputs; i++) {
        sum += (int32_t)weights[i] * ((int32_t)input[i] - p->input_zero);
    }
    sum = requantize(sum, p->feature_scale.multiplier, p->feature_scale.shift);
    return clamp(sum, INT16_MIN, INT16_MAX);
}

/* What a filter remembers, weighted by age. */
static int32_t recall(const svdf_s8_t *p, const int16_t *state, const int16_t *weights)
{
    int32_t sum = 0;
    for (int32_t m = 0; m < p->memory; m++) {
        sum += (int32_t)weights[m] * state[m];
    }
    return sum;
}

void svdf_s8(const svdf_s8_t *p, const int8_t *input, int16_t *state, int8_t *output)
{
    const int32_t units = p->filters / p->rank;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t f = 0; f < p->filters; f++) {
            int16_t *memory = state + (b * p->filters + f) * p->memory;
            memmove(memory, memory + 1, sizeof(int16_t) * (size_t)(p->memory - 1));
            memory[p->memory - 1] =
                (int16_t)feature(p, input + b * p->inputs, p->feature_weights + f * p->inputs);
        }
        for (int32_t u = 0; u < units; u++) {
            int32_t sum = p->bias != NULL ? p->bias[u] : 0;
            for (int32_t f = u * p->rank; f < (u + 1) * p->rank; f++) {
                sum += recall(p, state + (b * p->filters + f) * p->memory,
                              p->time_weights + f * p->memory);
            }
            sum = requantize(sum, p->output_scale.multiplier, p->output_scale.shift);
            *output++ = (int8_t)clamp(sum + p->output_zero, INT8_MIN, INT8_MAX);
        }
    }
}
