/* ABS of int16. */
#include "kernels.h"
#include "requantize.h"

void abs_s16(const int16_t *input, int16_t *output, int32_t count, int32_t multiplier,
             int32_t shift)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t size = input[i] < 0 ? -(int32_t)input[i] : input[i];
        output[i] = (int16_t)clamp(requantize(size, multiplier, shift), INT16_MIN, INT16_MAX);
    }
}
