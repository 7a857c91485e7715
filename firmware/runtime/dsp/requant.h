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
 * holds with D = 0. A layer whose zero point is -128 and whose clamp is the whole of int8 needs no
 * sign term: everything below zero saturates to -128 in either case. The packer proves the bounds
 * per channel and picks the cheapest mode that is exact for the whole layer. */
#ifndef DSP_REQUANT_H
#define DSP_REQUANT_H

#include "simd.h"

/* Bits below the point of a requantised value; SSAT takes them off. Written out in assembly. */
#define DSP_FRACTION 14

typedef enum {
    DSP_FLOOR = 0, /* no sign term, whole int8 range */
    DSP_SIGN = 1,  /* sign term, whole int8 range */
    DSP_CLAMP = 2, /* sign term, own clamp */
    DSP_WIDE = 3   /* TFLM's own arithmetic: extreme shifts or accumulators */
} dsp_mode_t;

/* multiplier: Q31. shift: bits 0..7 = s, bits 8.. = D; in mode DSP_WIDE TFLM's signed shift. */
typedef struct {
    int32_t multiplier;
    int32_t shift;
} dsp_scale_t;

/* What the outputs of a layer have in common. */
typedef struct {
    int32_t base;       /* (zero point << 14) + 2^13 */
    int8_t zero_point;  /* of the output */
    int8_t low, high;   /* clamp, for DSP_CLAMP and DSP_WIDE */
    uint8_t mode;       /* dsp_mode_t */
    uint8_t scale_step; /* 1: a scale per channel, 0: one for all */
} dsp_output_t;

/* x << (amount & 255): LSL by register looks at the low byte only. */
DSP_INLINE int32_t dsp_shl_low_byte(int32_t x, int32_t amount)
{
#if DSP_NATIVE
    int32_t r;
    __asm__("lsl %0, %1, %2" : "=r"(r) : "r"(x), "r"(amount));
    return r;
#else
    return dsp_shl(x, (uint32_t)amount & 0xFFU);
#endif
}

DSP_INLINE int32_t dsp_offset(int32_t base, int32_t shift)
{
    return base + (shift >> 9);
}

/* offset = dsp_offset(base, shift), kept by the caller as it is the same for a whole channel. */
DSP_INLINE int32_t dsp_requant_floor(int32_t acc, int32_t multiplier, int32_t shift, int32_t offset)
{
    return dsp_ssat8_asr(dsp_smmla(dsp_shl_low_byte(acc, shift), multiplier, offset), DSP_FRACTION);
}

DSP_INLINE int32_t dsp_requant_sign(int32_t acc, int32_t multiplier, int32_t shift, int32_t offset)
{
    int32_t t = offset - ((shift >> 8) & (acc >> 31));
    return dsp_ssat8_asr(dsp_smmla(dsp_shl_low_byte(acc, shift), multiplier, t), DSP_FRACTION);
}

/* Any mode: the slow way, for modes DSP_CLAMP and DSP_WIDE. */
int32_t dsp_requant_any(int32_t acc, const dsp_scale_t *scale, const dsp_output_t *output);

/* Any mode, the common ones inline. The sign term is exact in mode DSP_FLOOR too. */
DSP_INLINE int32_t dsp_requant(int32_t acc, const dsp_scale_t *scale, const dsp_output_t *output)
{
    if (output->mode <= (uint8_t)DSP_SIGN) {
        return dsp_requant_sign(acc, scale->multiplier, scale->shift,
                                dsp_offset(output->base, scale->shift));
    }
    return dsp_requant_any(acc, scale, output);
}

#endif
