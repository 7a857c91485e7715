/* CUMSUM along one dimension. */
#include "kernels.h"
#include "requantize.h"

void cumsum_s8(MCU_ROM cumsum_t *p, const int8_t *input, int8_t *output)
{
    const int32_t step = p->reverse != 0 ? -p->inner : p->inner;
    for (int32_t row = 0; row < p->outer * p->inner; row++) {
        int32_t at = row / p->inner * p->size * p->inner + row % p->inner;
        at += p->reverse != 0 ? (p->size - 1) * p->inner : 0;
        int32_t sum = 0;
        for (int32_t i = 0; i < p->size; i++) {
            const int32_t x = input[at] - p->input_zero;
            const int32_t seen = p->exclusive != 0 ? sum : sum + x;
            const int32_t value =
                requantize(clamp(seen, -p->most, p->most), p->scale.multiplier, p->scale.shift);
            output[at] = (int8_t)clamp(value + p->output_zero, INT8_MIN, INT8_MAX);
            sum += x;
            at += step;
        }
    }
}
