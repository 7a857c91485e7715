/* MEAN, SUM, REDUCE_MAX and REDUCE_MIN of floats over any dimensions. */
#include "dimensions.h"
#include "kernels_f32.h"

void reduce_f32(MCU_ROM reduce_f32_t *p, const float *input, float *output)
{
    dimensions_walk_t kept = {0};
    do {
        dimensions_walk_t reduced = {0};
        float sum = p->start;
        do {
            sum = p->function(sum, input[kept.offset + reduced.offset]);
        } while (dimensions_next(&p->reduced, &reduced));
        *output++ = sum / p->divisor;
    } while (dimensions_next(&p->kept, &kept));
}
