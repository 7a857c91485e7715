/* The dense core of convolutions and fully connected layers: int16 pixels by packed weights.
 *
 * K, the length of a dot product, is padded to a multiple of 4 with zero weights. Four elements
 * x0..x3 become the pairs (x0,x2) and (x1,x3): what SXTB16 makes of a word, so neither side
 * reorders. Channels go by two; an odd last one is packed with a twin of zero weights.
 *
 * The stream holds, per pair of channels (c, c+1):
 *   fused: the start values b[c] + 256 b[c+1] and b[c], then k_pairs words with the lanes
 *     w[c] + 256 w[c+1]. One SXTB16 gives w[c] for both lanes. The accumulator of the raw words
 *     less that of channel c is 256 times channel c+1's. Needs lanes inside int16 and
 *     |acc[c+1]| < 2^23, which the packer checks.
 *   plain: the start values b[c+1] and b[c], then per 4 elements a word of 4 weights of c and one
 *     of c+1, bytes in order.
 * The input's zero point is folded into b. */
#ifndef DSP_GEMM_H
#define DSP_GEMM_H

#include "requant.h"

typedef struct dsp_gemm dsp_gemm_t;

/* x and out as below. */
typedef void dsp_gemm_tile_t(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out);

struct dsp_gemm {
    dsp_gemm_tile_t *tile_4px, *tile_1px; /* those of the stream's layout */
    const int32_t *stream;
    const dsp_scale_t *scales; /* one per channel, or one for all */
    dsp_output_t output;
    uint16_t k_pairs;  /* padded K / 2, even and at least 2 */
    uint16_t channels; /* of the output */
    uint16_t stride;   /* bytes from pixel to pixel of the output */
    uint8_t fused;     /* 1: fused stream, 0: plain stream */
};

/* Four pixels. x: k_pairs groups of 4 words, the pixels' pairs side by side.
 * out: int8, pixel p at out + p * stride. */
dsp_gemm_tile_t dsp_gemm_4px, dsp_gemm_4px_plain;

/* One pixel. x: k_pairs words. */
dsp_gemm_tile_t dsp_gemm_1px, dsp_gemm_1px_plain;

/* `channels` channels from the one where stream and scales stand, for any stream and mode:
 * complete, and about half as fast. pixels: 1 or 4. */
void dsp_gemm_any(const dsp_gemm_t *gemm, uint32_t first, const int32_t *x, int8_t *out,
                  uint32_t pixels);

#endif
