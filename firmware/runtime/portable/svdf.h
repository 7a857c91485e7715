/* SVDF, for either type of time weights and state. */
#ifndef SVDF_H
#define SVDF_H

#include <stddef.h>
#include <string.h>

#include "dot_s8.h"
#include "kernels.h"
#include "requantize.h"

/* What a filter sees of the input, before the state's type bounds it. */
static inline int32_t svdf_feature(MCU_ROM svdf_s8_t *p, const int8_t *input, int32_t filter)
{
    const int32_t sum =
        dot_s8(input, p->feature_weights + filter * p->inputs, p->inputs, p->feature_bias[filter]);
    return requantize(sum, p->feature_scale.multiplier, p->feature_scale.shift);
}

static inline int8_t svdf_output(MCU_ROM svdf_s8_t *p, int32_t sum)
{
    sum = requantize(sum, p->output_scale.multiplier, p->output_scale.shift);
    return (int8_t)clamp(sum + p->output_zero, INT8_MIN, INT8_MAX);
}

/* One batch: `recall` weighs what filter f remembers by its age. Sums wrap around, as the
 * reference's do. */
static inline void svdf_units(MCU_ROM svdf_s8_t *p, const void *state,
                              uint32_t (*recall)(MCU_ROM svdf_s8_t *, const void *, int32_t),
                              int8_t *output)
{
    for (int32_t u = 0; u < p->filters / p->rank; u++) {
        uint32_t sum = p->bias != NULL ? (uint32_t)p->bias[u] : 0u;
        for (int32_t f = u * p->rank; f < (u + 1) * p->rank; f++) {
            sum += recall(p, state, f);
        }
        output[u] = svdf_output(p, (int32_t)sum);
    }
}

#endif
