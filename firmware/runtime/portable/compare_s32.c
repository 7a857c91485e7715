/* EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL of int32, with broadcasting. */
#include "broadcast.h"
#include "kernels.h"

void compare_s32(MCU_ROM compare_t *p, const int32_t *a, const int32_t *b, uint8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int32_t *x = a + walk.a;
        const int32_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            *output++ = compare(*x<*y, *x == *y, *x> * y, p->truth);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
