/* MAXIMUM and MINIMUM of int16 with broadcasting. */
#include "broadcast.h"
#include "kernels.h"

void maximum_s16(MCU_ROM maximum_s8_t *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int16_t *x = a + walk.a;
        const int16_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            *output++ = p->sign * *x >= p->sign * *y ? *x : *y;
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
