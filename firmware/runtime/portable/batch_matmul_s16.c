/* BATCH_MATMUL of two int16 activations. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

static int16_t *multiply(MCU_ROM batch_matmul_s8_t *p, const int16_t *a, const int16_t *b,
                         int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t column = 0; column < p->columns; column++) {
            const int16_t *x = a + row * p->a_row;
            const int16_t *y = b + column * p->b_column;
            int64_t acc = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                acc += (int32_t)*x * *y;
                x += p->a_depth;
                y += p->b_depth;
            }
            const int32_t value = requantize_wide(acc, p->multiplier, p->shift);
            *output++ = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
        }
    }
    return output;
}

void batch_matmul_s16(MCU_ROM batch_matmul_s8_t *p, const int16_t *a, const int16_t *b,
                      int16_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        for (int32_t i = 0; i < p->batches.run; i++) {
            output = multiply(p, a + (walk.a + i * p->batches.run_a) * p->a_matrix,
                              b + (walk.b + i * p->batches.run_b) * p->b_matrix, output);
        }
    } while (broadcast_next(&p->batches, &walk));
}
