/* DIV with broadcasting. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

#define FRACTION_BITS 30

/* x * factor / y, rounded half away from zero; y is not zero. Small enough for 32 bits. */
static int32_t quotient(int32_t x, int32_t y, int64_t factor)
{
    const int64_t above = (x < 0 ? -x : x) * factor;
    const int64_t below = (int64_t)(y < 0 ? -y : y) << FRACTION_BITS;
    const int64_t size = (2 * above + below) / (2 * below);
    const int32_t small = size > 512 ? 512 : (int32_t)size;
    return (x < 0) != (y < 0) ? -small : small;
}

void div_s8(MCU_ROM div_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *left = a + walk.a;
        const int8_t *right = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            const int32_t x = *left - p->a_zero;
            const int32_t y = *right - p->b_zero;
            int32_t value = x > 0 ? 512 : x < 0 ? -512 : 0;
            if (y != 0) {
                value = quotient(x, y, p->factor);
            }
            *output++ = (int8_t)clamp(value + p->output_zero, p->min, p->max);
            left += p->shape.run_a;
            right += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
