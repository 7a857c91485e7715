/* ADD_N of floats: the sum of many tensors of one shape. */
#include "kernels_f32.h"

void add_n_f32(const float *const *inputs, int32_t count, float *output, int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        float sum = 0.0f;
        for (int32_t n = 0; n < count; n++) {
            sum += inputs[n][i];
        }
        output[i] = sum;
    }
}
