/* NEG of float. */
#include "kernels.h"

void negate_f32(const float *input, float *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = -input[i];
    }
}
