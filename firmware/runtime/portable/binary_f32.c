/* A function of two floats, with broadcasting. */
#include "broadcast.h"
#include "functions_f32.h"
#include "kernels_f32.h"

void binary_f32(MCU_ROM binary_f32_t *p, const float *a, const float *b, float *output)
{
    broadcast_walk_t walk = {0};
    do {
        const float *x = a + walk.a;
        const float *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            *output++ = limit_f32(p->function(*x, *y), p->min, p->max);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
