/* ADD and SUB of int16 with an output scale far below the operands', with broadcasting. */
#include "add_steep.h"
#include "broadcast.h"
#include "kernels.h"

void add_steep_s16(MCU_ROM add_steep_t *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int16_t *x = a + walk.a;
        const int16_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            *output++ = (int16_t)add_steep(p, *x - p->a_zero, *y - p->b_zero);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
