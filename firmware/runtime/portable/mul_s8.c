/* MUL with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

void mul_s8(MCU_ROM mul_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t product = (*x - p->a_zero) * (*y - p->b_zero);
            const int32_t value = requantize(product, p->multiplier, p->shift) + p->output_zero;
            *output++ = (int8_t)clamp(value, p->min, p->max);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
