/* ARG_MAX and ARG_MIN of floats over one dimension. */
#include "kernels_f32.h"

void arg_max_f32(MCU_ROM arg_max_s8_t *p, const float *input, int32_t *output)
{
    const float sign = p->sign > 0 ? 1.0f : -1.0f;
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->inner; i++) {
            const float *values = input + o * p->size * p->inner + i;
            int32_t best = 0;
            for (int32_t k = 1; k < p->size; k++) {
                if (sign * values[k * p->inner] > sign * values[best * p->inner]) {
                    best = k;
                }
            }
            *output++ = best;
        }
    }
}
