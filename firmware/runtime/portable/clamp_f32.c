/* RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 of floats. */
#include "functions_f32.h"
#include "kernels_f32.h"

void clamp_f32(const float *input, float *output, int32_t count, float low, float high)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = limit_f32(input[i], low, high);
    }
}
