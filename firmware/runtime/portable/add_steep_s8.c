/* ADD and SUB of int8 with an output scale far below the operands', with broadcasting. */
#include "add_steep.h"
#include "broadcast.h"
#include "kernels.h"

void add_steep_s8(MCU_ROM add_steep_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        const int8_t *x = a + walk.a;
        const int8_t *y = b + walk.b;
        for (int32_t i = 0; i < p->shape.run; i++) {
            *output++ = (int8_t)add_steep(p, *x - p->a_zero, *y - p->b_zero);
            x += p->shape.run_a;
            y += p->shape.run_b;
        }
    } while (broadcast_next(&p->shape, &walk));
}
