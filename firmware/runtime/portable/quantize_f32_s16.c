/* QUANTIZE from float to int16. */
#include "kernels.h"
#include "requantize.h"

/* Far beyond int16 with any zero point, and small enough to convert exactly. */
#define LIMIT 100000.0f

/* Rounds half away from zero; not a number becomes 0. */
static int32_t round_saturating(float x)
{
    if (!(x > -LIMIT)) {
        return x <= -LIMIT ? -(int32_t)LIMIT : 0;
    }
    if (x >= LIMIT) {
        return (int32_t)LIMIT;
    }
    const int32_t whole = (int32_t)x;
    const float rest = x - (float)whole;
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

void quantize_f32_s16(const float *input, int16_t *output, int32_t count, float scale, int32_t zero)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t value = round_saturating(input[i] / scale) + zero;
        output[i] = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
    }
}
