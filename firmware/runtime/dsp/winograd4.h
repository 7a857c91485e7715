/* clang-format off */
/* CONV_2D 3x3, stride 1, by Winograd's F(4x4, 3x3) in exact integers.
 *
 * A tile of 4x4 outputs takes 36 products per channel pair instead of 144. The matrix G of Lavin
 * and Gray (arXiv:1509.09308) has the denominators 4, 6 and 24; here its rows are left unscaled,
 * and the products are scaled instead, by s = (6, -4, -4, 1, 1, 24) in both directions:
 *
 *     B^T = | 4  0 -5  0  1  0 |   G' = | 1  0  0 |   A^T = | 1  1  1  1  1  0 |
 *           | 0 -4 -4  1  1  0 |        | 1  1  1 |         | 0  1 -1  2 -2  0 |
 *           | 0  4 -4 -1  1  0 |        | 1 -1  1 |         | 0  1  1  4  4  0 |
 *           | 0 -2 -1  2  1  0 |        | 1  2  4 |         | 0  1 -1  8 -8  1 |
 *           | 0  2 -1 -2  1  0 |        | 1 -2  4 |
 *           | 0  4  0 -5  0  1 |        | 0  0  1 |
 *
 * V = B^T d B is at most 100 * 128 and U = G' g G'^T at most 49 * 128: both fit int16. The output
 * transform yields 576 times the convolution modulo 2^32, whatever overflows on the way, but for
 * powers of two (winograd4_output.c). As 9 has an inverse modulo 2^32, one multiplication takes the
 * factor out again, and shifts left as well. */
/* clang-format on */
#ifndef DSP_WINOGRAD4_H
#define DSP_WINOGRAD4_H

#include "requant.h"

/* Bits below the point of a requantised value. */
#define DSP_WINOGRAD4_FRACTION 17

/* One output channel. With s = 18 - r as in requant.h: */
typedef struct {
    int32_t start;      /* 36 * (bias with the input's zero point folded in) */
    int32_t shift;      /* 2^(s-6) / 9 modulo 2^32 */
    int32_t multiplier; /* Q31 */
    int32_t offset;     /* (zero point << 17) + 2^16 + unit / 2 */
    int32_t unit;       /* D of requant.h, 2^(s-1) */
} dsp_winograd4_scale_t;

typedef struct {
    const int8_t *weights; /* (out_channels, 3, 3, in_channels) */
    const dsp_winograd4_scale_t *scales;
    uint16_t batches;
    uint16_t in_height, in_width, in_channels;    /* in_channels: a multiple of 4 */
    uint16_t out_height, out_width, out_channels; /* out_channels: even */
    uint8_t pad_top, pad_left;
    int8_t in_zero;
    uint8_t in_place; /* out may be in: a group is whole rows of tiles, pad_top is 1 */
    uint8_t sign;     /* the term with D is needed: mode DSP_SIGN */
    uint16_t slice;   /* channels whose U is held at a time, even */
    uint16_t group;   /* tiles whose V is held at a time */
} dsp_winograd4_t;

/* scratch, aligned to 4: 72 * in_channels * slice bytes for U, 288 * in_channels per 4 tiles of
 * group (rounded up) for V, 1152 for products; with in_place a row of the image more. */
void dsp_winograd4_3x3_s8(const dsp_winograd4_t *conv, const int8_t *in, int8_t *out,
                          void *scratch);

#endif
