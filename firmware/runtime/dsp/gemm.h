/* The dense core of convolutions and fully connected layers: int16 pixels by packed weights.
 *
 * K, the length of a dot product, is padded to a multiple of 4 with zero weights. Four elements
 * x0..x3 become the pairs (x0,x2) and (x1,x3): what SXTB16 makes of a word, so neither side
 * reorders. Channels go by two.
 *
 * stream, per pair of channels (c, c+1):
 *   fused (fused = 1): start values b[c] + 256 b[c+1] and b[c], then k_pairs words with lanes
 *     w[c] + 256 w[c+1]. One SXTB16 gives w[c] of both lanes; the accumulator of the raw word,
 *     minus that of channel c, is 256 times channel c+1's. Needs w[c+1] >= -127 or w[c] >= 0
 *     and |acc[c+1]| < 2^23: the packer checks.
 *   plain (fused = 0): start values b[c], b[c+1], then per 4 elements one word of 4 weights of c and one
 *     of c+1, bytes in order.
 * The input's zero point is folded into b. */
#ifndef DSP_GEMM_H
#define DSP_GEMM_H

#include "requant.h"

typedef struct {
    const int32_t *stream;
    const dsp_scale_t *scales; /* one per channel (an odd last one has a twin), or one */
    dsp_output_t output;
    uint16_t k_pairs;  /* padded K / 2, even */
    uint16_t channels; /* of the output; the stream holds a dummy one if odd */
    uint8_t fused;
} dsp_gemm_t;

/* Four pixels. x: k_pairs groups of 4 words, the pixels' pairs side by side.
 * out: int8, pixel p at out + p * channels. */
void dsp_gemm_4px(const dsp_gemm_t *g, const int32_t *x, int8_t *out);

/* One pixel. x: k_pairs words. */
void dsp_gemm_1px(const dsp_gemm_t *g, const int32_t *x, int8_t *out);

/* Widens bytes (a multiple of 4) from src to pairs, one every `step` words of x.
 * Returns where the next pair goes. */
int32_t *dsp_widen(int32_t *x, uint32_t step, const int8_t *src, uint32_t bytes);

#endif
