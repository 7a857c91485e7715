/* SQUARED_DIFFERENCE of int16 with broadcasting. */
#include "squared_difference.h"

#define FRACTION_BITS 0

void squared_difference_s16(MCU_ROM squared_difference_t *p, const int16_t *a, const int16_t *b,
                            int16_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int16_t *x = a + walk.a;
        const int16_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t value = squared_difference(p, *x, *y, FRACTION_BITS);
            *output++ = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
