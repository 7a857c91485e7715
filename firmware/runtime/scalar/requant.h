/* From a 32-bit accumulator to int8, bit-identical to TFLite Micro's two roundings.
 *
 * TFLM computes h = round_half_up(acc * m / 2^31), then y = round_half_away(h / 2^r) + zero point,
 * then clamps. For 1 <= r <= 13 and |acc| << s inside int32 this is one floor:
 *
 *     s = 15 - r,  D = 2^(s-1)
 *     y = ((acc << s) * m / 2^32 + base + D/2 - (acc < 0 ? D : 0)) >> 14,
 *     base = (zero point << 14) + 2^13
 *
 * because nested floors of integer divisions are one floor. For r <= 0 (left shifts too) the same
 * holds with D = 0. The packer proves the bounds per channel; a layer with a channel beyond them
 * is `wide` and takes TFLM's own arithmetic. */
#ifndef SCALAR_REQUANT_H
#define SCALAR_REQUANT_H

#include <stdint.h>

/* Armv6-M and Armv8-M Baseline have no 32 x 32 -> 64 multiplication. */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define SCALAR_MULTIPLY_BY_PIECES 1
#else
#define SCALAR_MULTIPLY_BY_PIECES 0
#endif

/* Without it GCC narrows a value that is to be stored as a byte to a byte: two instructions. */
#define SCALAR_WHOLE_WORD(y) __asm__("" : "+r"(y))

/* Scheduled early, loads come long before their use and push other values out of registers. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-schedule-insns")
#endif

/* Bits below the point of a requantised value. */
#define SCALAR_FRACTION 14

/* multiplier: Q31. shift: bits 0..7 = s, bits 8.. = D; in a wide layer TFLM's signed shift. */
typedef struct {
    int32_t multiplier;
    int32_t shift;
} scalar_scale_t;

/* What the outputs of a layer have in common. */
typedef struct {
    int32_t base;       /* (zero point << 14) + 2^13 */
    int8_t zero_point;  /* of the output */
    int8_t low, high;   /* clamp */
    uint8_t rectified;  /* 1: not special, and zero point = -128: sums below zero give -128 */
    uint8_t wide;       /* 1: TFLM's own arithmetic */
    uint8_t special;    /* 1: wide, or another clamp than the whole of int8 */
    uint8_t scale_step; /* 1: a scale per channel, 0: one for all */
} scalar_output_t;

/* Modulo 2^32: accumulators of a wide layer may wrap, as TFLM's do. */
static inline int32_t scalar_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* The high word of a product by four 16-bit ones. */
static inline int32_t scalar_high_by_pieces(int32_t a, int32_t b)
{
    const uint32_t a_low = (uint32_t)a & 0xFFFFU, b_low = (uint32_t)b & 0xFFFFU;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const int32_t carry = (int32_t)(((a_low * b_low) >> 16));
    /* Neither sum leaves int32: |high * low| < 2^31 - 2^16. */
    const int32_t middle = a_high * (int32_t)b_low + carry;
    const int32_t rest = (int32_t)a_low * b_high + (int32_t)((uint32_t)middle & 0xFFFFU);
    return a_high * b_high + (middle >> 16) + (rest >> 16);
}

static inline int32_t scalar_high(int32_t a, int32_t b)
{
#if SCALAR_MULTIPLY_BY_PIECES
    return scalar_high_by_pieces(a, b);
#else
    return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

/* Any layer: other clamps, wide ones. */
int8_t scalar_requant_any(int32_t acc, const scalar_scale_t *scale, const scalar_output_t *output);

/* x >> SCALAR_FRACTION, saturated to int8. */
static inline int32_t scalar_saturate(int32_t x)
{
#if defined(__ARM_FEATURE_SAT)
    int32_t y;
    __asm__("ssat %0, #8, %1, asr #14" : "=r"(y) : "r"(x));
    return y;
#else
    int32_t y = x >> SCALAR_FRACTION;
    if ((uint32_t)y + 128U > 255U) {
        y = (y >> 31) ^ 127;
    }
    SCALAR_WHOLE_WORD(y);
    return y;
#endif
}

/* What a channel's outputs have in common. */
typedef struct {
    int32_t multiplier;
    uint32_t left;
    int32_t unit;   /* D */
    int32_t offset; /* base + D/2 */
} scalar_channel_t;

static inline scalar_channel_t scalar_channel(const scalar_scale_t *scale, int32_t base)
{
    const scalar_channel_t channel = {
        .multiplier = scale->multiplier,
        .left = (uint32_t)scale->shift & 31U,
        .unit = scale->shift >> 8,
        .offset = base + (scale->shift >> 9),
    };
    return channel;
}

/* The short form, for layers that are not `special`. */
static inline int32_t scalar_requant(int32_t acc, scalar_channel_t c)
{
    const int32_t high = scalar_high((int32_t)((uint32_t)acc << c.left), c.multiplier);
    return scalar_saturate(high + c.offset - (c.unit & (acc >> 31)));
}

/* The same for layers that are `rectified`. */
static inline int32_t scalar_requant_rectified(int32_t acc, scalar_channel_t c)
{
#if defined(__ARM_FEATURE_SAT)
    return scalar_saturate(scalar_high((int32_t)((uint32_t)acc << c.left), c.multiplier) +
                           c.offset);
#else
    int32_t y = -128;
    if (acc >= 0) {
        y = scalar_high((int32_t)((uint32_t)acc << c.left), c.multiplier);
        y = (y + c.offset) >> SCALAR_FRACTION;
        y = y > 127 ? 127 : y;
    }
    SCALAR_WHOLE_WORD(y);
    return y;
#endif
}

#endif
