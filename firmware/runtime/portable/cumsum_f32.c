/* CUMSUM of floats along one dimension. */
#include "kernels_f32.h"

void cumsum_f32(MCU_ROM cumsum_f32_t *p, const float *input, float *output)
{
    const int32_t step = p->reverse != 0 ? -p->inner : p->inner;
    for (int32_t row = 0; row < p->outer * p->inner; row++) {
        int32_t at = row / p->inner * p->size * p->inner + row % p->inner;
        at += p->reverse != 0 ? (p->size - 1) * p->inner : 0;
        float sum = 0.0f;
        for (int32_t i = 0; i < p->size; i++) {
            const float before = sum;
            sum += input[at];
            output[at] = p->exclusive != 0 ? before : sum;
            at += step;
        }
    }
}
