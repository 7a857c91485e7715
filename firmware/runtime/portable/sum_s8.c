/* MEAN and SUM over any dimensions. */
#include "dimensions.h"
#include "kernels.h"
#include "requantize.h"

void sum_s8(MCU_ROM sum_s8_t *p, const int8_t *input, int8_t *output)
{
    dimensions_walk_t kept = {0};
    do {
        dimensions_walk_t reduced = {0};
        int32_t sum = p->offset;
        do {
            sum += input[kept.offset + reduced.offset];
        } while (dimensions_next(&p->reduced, &reduced));
        const int32_t value = requantize(sum, p->multiplier, p->shift) + p->output_zero;
        *output++ = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
    } while (dimensions_next(&p->kept, &kept));
}
