/* Logistic function and tanh of int16 values by one table of 256 entries.
 *
 * table[i] is sigmoid(i / 24) in 1/65536, for i of 0 to 255, so that interpolation errs
 * least; values between entries are interpolated, those beyond saturate. */
#ifndef SIGMOID_S16_H
#define SIGMOID_S16_H

#include <stdint.h>

/* sigmoid(x): x in Q3.12, result in Q0.15 */
static inline int32_t sigmoid_s16(const uint16_t table[256], int32_t x)
{
    const int32_t wide = 3 * x;
    const uint32_t size = (uint32_t)(wide < 0 ? -wide : wide);
    const uint32_t entry = size >> 9;
    uint32_t result = (uint32_t)0x7FFF << 10;
    if (entry < 255u) {
        const uint32_t low = table[entry];
        const uint32_t high = table[entry + 1u];
        result = (low << 9) + (size & 0x1FFu) * (high - low);
    }
    if (wide < 0) {
        result = ((uint32_t)1 << 25) - result + ((uint32_t)1 << 9) - 1u;
    } else {
        result += (uint32_t)1 << 9;
    }
    return (int32_t)(result >> 10);
}

/* tanh(x): x has the scale 2^power, result in Q0.15 */
static inline int32_t tanh_s16(const uint16_t table[256], int32_t x, int32_t power)
{
    const int32_t shift = 12 + power;
    int32_t wide = 3 * x;
    if (shift >= 0) {
        wide *= (int32_t)1 << shift;
    } else {
        wide = (wide + ((int32_t)1 << (-shift - 1))) >> -shift;
    }
    const uint32_t size = (uint32_t)(wide < 0 ? -wide : wide);
    const uint32_t entry = size >> 8;
    int32_t result = (int32_t)0xFFFF << 8;
    if (entry < 255u) {
        const uint32_t low = table[entry];
        const uint32_t high = table[entry + 1u];
        result = (int32_t)((low << 8) + (size & 0xFFu) * (high - low));
    }
    const int32_t half = (int32_t)1 << 23; /* sigmoid(0) */
    if (wide < 0) {
        result = half - result + ((int32_t)1 << 7) - 1;
    } else {
        result += ((int32_t)1 << 7) - half;
    }
    return result >> 8;
}

#endif
