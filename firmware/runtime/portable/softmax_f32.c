/* SOFTMAX of floats. */
#include "kernels_f32.h"

void softmax_f32(const float *input, float *output, int32_t rows, int32_t depth, float beta)
{
    for (int32_t r = 0; r < rows; r++) {
        float most = input[0];
        for (int32_t i = 1; i < depth; i++) {
            most = input[i] > most ? input[i] : most;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < depth; i++) {
            output[i] = expf((input[i] - most) * beta);
            sum += output[i];
        }
        for (int32_t i = 0; i < depth; i++) {
            output[i] /= sum;
        }
        input += depth;
        output += depth;
    }
}
