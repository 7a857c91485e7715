/* EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL of floats, with broadcasting. */
#include "broadcast.h"
#include "kernels.h"

void compare_f32(MCU_ROM compare_t *p, const float *a, const float *b, uint8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const float *x = a + walk.a;
        const float *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            *output++ = compare(*x<*y, *x == *y, *x> * y, p->truth);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
