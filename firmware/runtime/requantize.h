/* The rounding arithmetic of TensorFlow Lite Micro, which every kernel shares.
 *
 * TFLM rounds twice: the high half of a product, then the right shift. Both are
 * repeated exactly; results are equal bit for bit. */
#ifndef REQUANTIZE_H
#define REQUANTIZE_H

#include <stdint.h>

/* (2 * a * b) >> 32, rounded half up, saturated where both are INT32_MIN. */
static inline int32_t high_mul(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^exponent, rounded half away from zero; exponent in [0, 31]. */
static inline int32_t rounding_shift(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t threshold = (int32_t)((uint32_t)mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31); multiplier in [0, 2^31), shift in [-31, 30].
 * A left shift wraps, as on the reference's machines. */
static inline int32_t requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return high_mul((int32_t)((uint32_t)x << shift), multiplier);
    }
    return rounding_shift(high_mul(x, multiplier), -shift);
}

/* x * multiplier * 2^(shift - 31) of a 64-bit sum, by the multiplier's upper 16 bits and
 * one rounding; shift in [-31, 7]. */
static inline int32_t requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int32_t half = (int32_t)1 << 15;
    const int32_t upper = multiplier < 0x7FFF0000 ? (multiplier + half) >> 16 : 0x7FFF;
    const int32_t right = 15 - shift;
    return (int32_t)((x * upper + ((int64_t)1 << (right - 1))) >> right);
}

static inline int32_t clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
