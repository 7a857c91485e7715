/* L2_NORMALIZATION of floats. */
#include "functions_f32.h"
#include "kernels_f32.h"

void l2_normalize_f32(const float *input, float *output, int32_t rows, int32_t depth)
{
    const float least = 1e-6f; /* of the norm: no division by zero */
    for (int32_t r = 0; r < rows; r++) {
        float sum = 0.0f;
        for (int32_t i = 0; i < depth; i++) {
            sum += input[i] * input[i];
        }
        const float norm = maximum_f32(sqrtf(sum), least);
        for (int32_t i = 0; i < depth; i++) {
            output[i] = input[i] / norm;
        }
        input += depth;
        output += depth;
    }
}
