/* ADD and SUB with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

/* Operands are brought to one scale with this many bits below the point. */
#define FRACTION_BITS 20

static int32_t scaled(int32_t value, int32_t multiplier, int32_t shift)
{
    return requantize(value * ((int32_t)1 << FRACTION_BITS), multiplier, shift);
}

void add_s8(MCU_ROM add_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t left = scaled(*x - p->a_zero, p->a_multiplier, p->a_shift);
            const int32_t right = scaled(*y - p->b_zero, p->b_multiplier, p->b_shift);
            const int32_t sum =
                requantize(left + p->sign * right, p->output_multiplier, p->output_shift);
            *output++ = (int8_t)clamp(sum + p->output_zero, p->min, p->max);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
