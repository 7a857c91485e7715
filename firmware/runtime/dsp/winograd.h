/* CONV_2D 3x3, stride 1, by Winograd's F(2x2, 3x3) in exact integers.
 *
 * A tile of 2x2 outputs takes 16 products per channel pair instead of 36. With the unscaled
 * matrices
 *     B^T = | 1  0 -1  0 |     2 G = | 2  0  0 |     A^T = | 1  1  1  0 |
 *           | 0  1  1  0 |           | 1  1  1 |           | 0  1 -1 -1 |
 *           | 0 -1  1  0 |           | 1 -1  1 |
 *           | 0  1  0 -1 |           | 0  0  2 |
 * all is integer: V = B^T d B fits 11 bits, U = 4 G g G^T 12 bits, and A^T (U V) A is 4 times the
 * convolution, a factor the requantisation takes out of its shift. */
#ifndef DSP_WINOGRAD_H
#define DSP_WINOGRAD_H

#include "requant.h"

typedef struct {
    const int8_t *weights;     /* (out_channels, 3, 3, in_channels) */
    const int32_t *start;      /* 4 * (bias with the input's zero point folded in), per channel */
    const dsp_scale_t *scales; /* left shifts are less by 2 */
    dsp_output_t output;
    uint16_t batches;
    uint16_t in_height, in_width, in_channels;    /* in_channels: a multiple of 4 */
    uint16_t out_height, out_width, out_channels; /* out_channels: even */
    uint8_t pad_top, pad_left;
    int8_t in_zero;
    uint8_t in_place; /* out is in: one slice, a group is a row of tiles, pad_top is 1 */
    uint16_t slice;   /* channels whose U is held at a time, even */
    uint16_t group;   /* blocks of 4 tiles whose V is held at a time */
} dsp_winograd_t;

/* scratch, aligned to 4: 32 * in_channels * slice bytes for U, 128 * in_channels * group for V,
 * 512 for products, out_channels; with in_place a row of the image more. */
void dsp_winograd_3x3_s8(const dsp_winograd_t *conv, const int8_t *in, int8_t *out, void *scratch);

#endif
