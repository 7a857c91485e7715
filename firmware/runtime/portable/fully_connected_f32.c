/* FULLY_CONNECTED of floats. */
#include <stddef.h>

#include "functions_f32.h"
#include "kernels_f32.h"

void fully_connected_f32(MCU_ROM fully_connected_f32_t *p, const float *input, float *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        MCU_ROM float *w = p->weights;
        for (int32_t o = 0; o < p->outputs; o++) {
            float sum = 0.0f;
            for (int32_t i = 0; i < p->inputs; i++) {
                sum += input[i] * w[i];
            }
            w += p->inputs;
            sum += p->bias != NULL ? p->bias[o] : 0.0f;
            *output++ = limit_f32(sum, p->min, p->max);
        }
        input += p->inputs;
    }
}
