/* DEQUANTIZE of int16 to float. */
#include "kernels.h"

void dequantize_s16_f32(const int16_t *input, float *output, int32_t count, float scale,
                        int32_t zero)
{
    /* Both factors are exact in float, so the product is rounded once, as with double. */
    for (int32_t i = 0; i < count; i++) {
        output[i] = (float)(input[i] - zero) * scale;
    }
}
