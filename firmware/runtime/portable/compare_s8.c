/* EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL of int8, with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

void compare_s8(MCU_ROM compare_s8_t *p, const int8_t *a, const int8_t *b, uint8_t *output)
{
    const int32_t fraction = 256; /* 8 bits below the point */
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t left =
                requantize((*x - p->a_zero) * fraction, p->a_scale.multiplier, p->a_scale.shift);
            const int32_t right =
                requantize((*y - p->b_zero) * fraction, p->b_scale.multiplier, p->b_scale.shift);
            *output++ = compare(left<right, left == right, left> right, p->truth);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
