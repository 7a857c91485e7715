#include "requant.h"

/* TFLM's MultiplyByQuantizedMultiplier. */
static int32_t multiply(int32_t acc, int32_t multiplier, int32_t shift)
{
    const uint32_t left = shift > 0 ? (uint32_t)shift : 0U;
    const uint32_t right = shift > 0 ? 0U : (uint32_t)-shift;
    const int64_t product = (int64_t)(int32_t)((uint32_t)acc << left) * multiplier;
    const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
    const int32_t mask = (int32_t)(((uint32_t)1 << (right & 31U)) - 1U);
    const int32_t threshold = (int32_t)((uint32_t)mask >> 1) + (high < 0 ? 1 : 0);
    return right > 31U ? 0 : (high >> right) + ((high & mask) > threshold ? 1 : 0);
}

int8_t scalar_requant_any(int32_t acc, const scalar_scale_t *scale, const scalar_output_t *output)
{
    int32_t y;
    if (output->wide != 0U) {
        y = multiply(acc, scale->multiplier, scale->shift);
        y = (int32_t)((uint32_t)y + (uint32_t)(int32_t)output->zero_point);
    } else {
        const scalar_channel_t c = scalar_channel(scale, output->base);
        y = scalar_high((int32_t)((uint32_t)acc << c.left), c.multiplier);
        y = (y + c.offset - (c.unit & (acc >> 31))) >> SCALAR_FRACTION;
    }
    y = y < output->low ? output->low : y;
    return (int8_t)(y > output->high ? output->high : y);
}
