/* PRELU with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

void prelu_s8(MCU_ROM prelu_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *slope = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            int32_t value = *x - p->a_zero;
            if (value >= 0) {
                value = requantize(value, p->above_multiplier, p->above_shift);
            } else {
                value *= *slope - p->b_zero;
                value = requantize(value, p->below_multiplier, p->below_shift);
            }
            *output++ = (int8_t)clamp(value + p->output_zero, INT8_MIN, INT8_MAX);
            x += p->shape.run_a;
            slope += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
