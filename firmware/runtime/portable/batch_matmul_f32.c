/* BATCH_MATMUL of floats. */
#include "broadcast.h"
#include "kernels_f32.h"

static float *multiply(MCU_ROM batch_matmul_f32_t *p, const float *a, const float *b, float *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t column = 0; column < p->columns; column++) {
            const float *x = a + row * p->a_row;
            const float *y = b + column * p->b_column;
            float sum = 0.0f;
            for (int32_t k = 0; k < p->depth; k++) {
                sum += *x * *y;
                x += p->a_depth;
                y += p->b_depth;
            }
            *output++ = sum;
        }
    }
    return output;
}

void batch_matmul_f32(MCU_ROM batch_matmul_f32_t *p, const float *a, const float *b, float *output)
{
    broadcast_walk_t walk = {0};
    do {
        for (int32_t i = 0; i < p->batches.run; i++) {
            output = multiply(p, a + (walk.a + i * p->batches.run_a) * p->a_matrix,
                              b + (walk.b + i * p->batches.run_b) * p->b_matrix, output);
        }
    } while (broadcast_next(&p->batches, &walk));
}
