/* PRELU of int16 data and int8 slopes, with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

void prelu_s16(MCU_ROM prelu_s8_t *p, const int16_t *a, const int8_t *b, int16_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int16_t *x = a + walk.a;
        const int8_t *slope = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            int32_t value = *x;
            if (value >= 0) {
                value = requantize(value, p->above_multiplier, p->above_shift);
            } else {
                value *= *slope - p->b_zero;
                value = requantize(value, p->below_multiplier, p->below_shift);
            }
            *output++ = (int16_t)clamp(value + p->output_zero, INT16_MIN, INT16_MAX);
            x += p->shape.run_a;
            slope += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
