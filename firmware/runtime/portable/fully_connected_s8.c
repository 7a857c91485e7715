/* FULLY_CONNECTED, per-tensor and per-channel. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

void fully_connected_s8(MCU_ROM fully_connected_s8_t *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        MCU_ROM int8_t *w = p->weights;
        for (int32_t o = 0; o < p->outputs; o++) {
            int32_t acc = p->bias != NULL ? p->bias[o] : 0;
            for (int32_t i = 0; i < p->inputs; i++) {
                acc += w[i] * input[i]; /* 16 bits hold the product */
            }
            const int32_t channel = p->per_channel != 0 ? o : 0;
            acc = requantize(acc, p->multiplier[channel], p->shift[channel]) + p->output_zero;
            *output++ = (int8_t)clamp(acc, p->min, p->max);
            w += p->inputs;
        }
        input += p->inputs;
    }
}
