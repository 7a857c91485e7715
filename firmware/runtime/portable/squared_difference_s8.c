/* SQUARED_DIFFERENCE with broadcasting. */
#include "squared_difference.h"

#define FRACTION_BITS 7

void squared_difference_s8(MCU_ROM squared_difference_t *p, const int8_t *a, const int8_t *b,
                           int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t value = squared_difference(p, *x, *y, FRACTION_BITS);
            *output++ = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
