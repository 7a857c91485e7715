/* FULLY_CONNECTED of int16 data. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

void fully_connected_s16(MCU_ROM fully_connected_s16_t *p, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        MCU_ROM int8_t *w = p->weights;
        for (int32_t o = 0; o < p->outputs; o++) {
            int64_t acc = p->bias != NULL ? p->bias[o] : 0;
            for (int32_t i = 0; i < p->inputs; i++) {
                acc += (int32_t)w[i] * input[i];
            }
            const int32_t channel = p->per_channel != 0 ? o : 0;
            const int32_t multiplier = p->multiplier[channel];
            const int32_t value = p->wide != 0
                                      ? requantize_wide(acc, multiplier, p->shift[channel])
                                      : requantize((int32_t)acc, multiplier, p->shift[channel]);
            *output++ = (int16_t)clamp(value, p->min, p->max);
            w += p->inputs;
        }
        input += p->inputs;
    }
}
