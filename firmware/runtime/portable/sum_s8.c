/* MEAN and SUM over any dimensions. */
#include "dimensions.h"
#include "kernels.h"
#include "requantize.h"

void sum_s8(MCU_ROM sum_s8_t *p, const int8_t *input, int8_t *output)
{
    const int32_t count = p->reduced.extent[p->reduced.rank - 1];
    const int32_t most = INT32_MAX >> (p->shift > 0 ? p->shift + 1 : 0); /* more saturates */
    const int32_t step = p->reduced.stride[p->reduced.rank - 1];
    dimensions_walk_t kept = {0};
    do {
        dimensions_walk_t reduced = {0};
        int32_t sum = p->offset;
        do {
            const int8_t *x = input + kept.offset + reduced.offset;
            for (int32_t i = 0; i < count; i++) {
                sum += x[i * step];
            }
        } while (dimensions_next_run(&p->reduced, &reduced));
        sum = clamp(sum, -most, most);
        const int32_t value = requantize(sum, p->multiplier, p->shift) + p->output_zero;
        *output++ = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
    } while (dimensions_next(&p->kept, &kept));
}
