/* Logistic function and tanh of int16 values by one table of 256 entries.
 *
 * table[i] is sigmoid(i / 24) in 1/65536, for i of 0 to 255, so that interpolation errs
 * least; values between entries are interpolated, those beyond saturate. Arguments are
 * in units of 1/12288: three to one of Q3.12, 512 to a table's entry. */
#ifndef SIGMOID_S16_H
#define SIGMOID_S16_H

#include <stdint.h>

#include "rom.h"

/* x * multiplier / 2^shift, rounded half up */
static inline int32_t sigmoid_input(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t round = shift > 0 ? (int32_t)1 << (shift - 1) : 0;
    return (x * multiplier + round) >> shift;
}

/* sigmoid(x / 12288) in Q0.15 */
static inline int32_t sigmoid_wide(MCU_ROM uint16_t table[256], int32_t x)
{
    const uint32_t size = (uint32_t)(x < 0 ? -x : x);
    const uint32_t entry = size >> 9;
    uint32_t result = (uint32_t)0x7FFF << 10;
    if (entry < 255u) {
        const uint32_t low = table[entry];
        const uint32_t high = table[entry + 1u];
        result = (low << 9) + (size & 0x1FFu) * (high - low);
    }
    if (x < 0) {
        result = ((uint32_t)1 << 25) - result + ((uint32_t)1 << 9) - 1u;
    } else {
        result += (uint32_t)1 << 9;
    }
    return (int32_t)(result >> 10);
}

/* tanh(x / 12288) in Q0.15 */
static inline int32_t tanh_wide(MCU_ROM uint16_t table[256], int32_t x)
{
    const uint32_t size = (uint32_t)(x < 0 ? -x : x);
    const uint32_t entry = size >> 8;
    const int32_t half = (int32_t)1 << 23; /* sigmoid(0) */
    int32_t result = (int32_t)0xFFFF << 8;
    if (entry < 255u) {
        const uint32_t low = table[entry];
        const uint32_t high = table[entry + 1u];
        result = (int32_t)((low << 8) + (size & 0xFFu) * (high - low));
    }
    if (x < 0) {
        result = half - result + ((int32_t)1 << 7) - 1;
    } else {
        result += ((int32_t)1 << 7) - half;
    }
    return result >> 8;
}

/* sigmoid(x): x in Q3.12, result in Q0.15 */
static inline int32_t sigmoid_s16(MCU_ROM uint16_t table[256], int32_t x)
{
    return sigmoid_wide(table, 3 * x);
}

/* tanh(x): x has the scale 2^power, result in Q0.15 */
static inline int32_t tanh_s16(MCU_ROM uint16_t table[256], int32_t x, int32_t power)
{
    const int32_t shift = 12 + power;
    if (shift >= 0) {
        return tanh_wide(table, 3 * x * ((int32_t)1 << shift));
    }
    return tanh_wide(table, sigmoid_input(x, 3, -shift));
}

#endif
