#include "requant.h"

/* TFLM's MultiplyByQuantizedMultiplier. */
static int32_t requant_wide(int32_t acc, int32_t multiplier, int32_t shift)
{
    uint32_t left = shift > 0 ? (uint32_t)shift : 0U;
    uint32_t right = shift > 0 ? 0U : (uint32_t)-shift;
    int64_t product = (int64_t)dsp_shl(acc, left) * multiplier;
    int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
    int32_t mask;
    int32_t threshold;
    if (right > 31U) {
        return 0;
    }
    mask = (int32_t)(((uint32_t)1 << right) - 1U);
    threshold = (mask >> 1) + (high < 0 ? 1 : 0);
    return (high >> right) + ((high & mask) > threshold ? 1 : 0);
}

int32_t dsp_requant_any(int32_t acc, const dsp_scale_t *scale, const dsp_output_t *output)
{
    int32_t y;
    if (output->mode == (uint8_t)DSP_WIDE) {
        y = dsp_wrap_add(requant_wide(acc, scale->multiplier, scale->shift), output->zero_point);
    } else {
        int32_t t = dsp_offset(output->base, scale->shift) - ((scale->shift >> 8) & (acc >> 31));
        y = dsp_smmla(dsp_shl_low_byte(acc, scale->shift), scale->multiplier, t) >> DSP_FRACTION;
    }
    y = y < output->low ? output->low : y;
    return y > output->high ? output->high : y;
}
