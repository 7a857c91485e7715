/* A function of one float. */
#include "kernels_f32.h"

void unary_f32(float (*function)(float x), const float *input, float *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = function(input[i]);
    }
}
