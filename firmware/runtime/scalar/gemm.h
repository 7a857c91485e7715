/* The dense core of convolutions and fully connected layers, for cores without SIMD.
 *
 * These cores multiply 32 bits by 32, and int8 data needs 8 by 8. So two products share one
 * multiplication: two values in one register, far enough apart, times a third one. A tile says
 * what it pairs and how it takes the sums apart again; each has a file of its own.
 *
 *   gemm_4px_wide   pairs of pixels, 64-bit accumulators (a 32 x 32 + 64 instruction: Armv7-M)
 *   gemm_1px_wide   pairs of channels, 64-bit accumulators
 *   gemm_4px_lanes  pairs of pixels, 32-bit accumulators
 *   gemm_1px_lanes  pairs of channels, 32-bit accumulators
 *
 * K, the length of a dot product, is padded with zero weights. The input's zero point is folded
 * into the bias. Nothing here reads data at unaligned addresses. */
#ifndef SCALAR_GEMM_H
#define SCALAR_GEMM_H

#include "requant.h"

typedef struct {
    const void *weights;          /* packed for the tile, aligned to 4 */
    const int32_t *bias;          /* per channel, to an even or the tile's number of channels */
    const scalar_scale_t *scales; /* one per channel, or one for all */
    scalar_output_t output;
    uint16_t k;        /* before padding */
    uint16_t channels; /* of the output */
} scalar_gemm_t;

/* One way to multiply.
 *
 * pack: k bytes of each pixel to the words that `multiply` reads.
 * multiply: all channels of all pixels of a tile; pixel p is written to out[p]. */
typedef struct {
    uint32_t pixels;
    void (*pack)(int32_t *x, const int8_t *const *pixels, uint32_t k);
    void (*multiply)(const scalar_gemm_t *gemm, const int32_t *x, int8_t *const *out);
} scalar_tile_t;

#define SCALAR_TILE_PIXELS 4U /* at most */

extern const scalar_tile_t scalar_tile_4px_wide;
extern const scalar_tile_t scalar_tile_1px_wide;
extern const scalar_tile_t scalar_tile_4px_lanes;
extern const scalar_tile_t scalar_tile_1px_lanes;

/* Channel c of one pixel. */
static inline void scalar_store(const scalar_gemm_t *gemm, uint32_t c, int32_t acc, int8_t *out)
{
    const scalar_scale_t *scale = gemm->scales + c * gemm->output.scale_step;
    if (gemm->output.special != 0U) {
        out[c] = scalar_requant_any(acc, scale, &gemm->output);
#if SCALAR_MULTIPLY_BY_PIECES
    } else if (gemm->output.rectified != 0U && acc <= 0) {
        out[c] = -128;
#endif
    } else {
        out[c] = scalar_requant(acc, scalar_channel(scale, gemm->output.base));
    }
}

/* Channel c of four pixels. */
static inline void scalar_store_4px(const scalar_gemm_t *gemm, uint32_t c, const int32_t *acc,
                                    int8_t *const *out)
{
    const scalar_scale_t *scale = gemm->scales + c * gemm->output.scale_step;
    if (gemm->output.special != 0U) {
        for (uint32_t p = 0; p < 4U; p++) {
            out[p][c] = scalar_requant_any(acc[p], scale, &gemm->output);
        }
    } else {
        const scalar_channel_t channel = scalar_channel(scale, gemm->output.base);
        out[0][c] = scalar_requant(acc[0], channel);
        out[1][c] = scalar_requant(acc[1], channel);
        out[2][c] = scalar_requant(acc[2], channel);
        out[3][c] = scalar_requant(acc[3], channel);
    }
}

#endif
