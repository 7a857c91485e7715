/* BATCH_MATMUL of two activations. */
#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

static int8_t *multiply(MCU_ROM batch_matmul_s8_t *p, const int8_t *a, const int8_t *b,
                        int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t column = 0; column < p->columns; column++) {
            const int8_t *x = a + row * p->a_row;
            const int8_t *y = b + column * p->b_column;
            int32_t acc = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                acc += (*x - p->a_zero) * (*y - p->b_zero);
                x += p->a_depth;
                y += p->b_depth;
            }
            acc = requantize(acc, p->multiplier, p->shift) + p->output_zero;
            *output++ = (int8_t)clamp(acc, INT8_MIN, INT8_MAX);
        }
    }
    return output;
}

void batch_matmul_s8(MCU_ROM batch_matmul_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    broadcast_walk_t walk = {0};
    do {
        for (int32_t i = 0; i < p->batches.run; i++) {
            output = multiply(p, a + (walk.a + i * p->batches.run_a) * p->a_matrix,
                              b + (walk.b + i * p->batches.run_b) * p->b_matrix, output);
        }
    } while (broadcast_next(&p->batches, &walk));
}
