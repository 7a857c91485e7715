/* SQUARED_DIFFERENCE with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

#define FRACTION_BITS 7

static int32_t to_common(int32_t value, scale_t scale)
{
    return requantize(value * ((int32_t)1 << FRACTION_BITS), scale.multiplier, scale.shift);
}

void squared_difference_s8(MCU_ROM squared_difference_t *p, const int8_t *a, const int8_t *b,
                           int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t difference =
                to_common(*x - p->a_zero, p->a_scale) - to_common(*y - p->b_zero, p->b_scale);
            const int32_t square = (int32_t)((uint32_t)difference * (uint32_t)difference);
            const int32_t value = requantize(square, p->scale.multiplier, p->scale.shift);
            *output++ = (int8_t)clamp(value + p->output_zero, INT8_MIN, INT8_MAX);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
