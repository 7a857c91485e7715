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
 *   gemm_1px_blocks the same for more registers and smaller weights
 *
 * K, the length of a dot product, is padded with zero weights. The input's zero point is folded
 * into the bias. Nothing here reads data at unaligned addresses. */
#ifndef SCALAR_GEMM_H
#define SCALAR_GEMM_H

#include "requant.h"

#define SCALAR_INLINE static inline __attribute__((always_inline))

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
extern const scalar_tile_t scalar_tile_1px_blocks;

/* Kept at hand while a tile stores its channels, one after the other. */
typedef struct {
    const scalar_output_t *output;
    const scalar_scale_t *scale;
    uint32_t step;
    int32_t base;
    uint32_t rectified, special;
    uint32_t next; /* channel of four pixels */
} scalar_writer_t;

static inline scalar_writer_t scalar_writer(const scalar_gemm_t *gemm)
{
    const scalar_writer_t writer = {
        .output = &gemm->output,
        .scale = gemm->scales,
        .step = gemm->output.scale_step,
        .base = gemm->output.base,
        .rectified = gemm->output.rectified,
        .special = gemm->output.special,
    };
    return writer;
}

/* The next channel of one pixel. */
SCALAR_INLINE void scalar_write_1px(scalar_writer_t *w, int32_t acc, int8_t *out)
{
#if SCALAR_MULTIPLY_BY_PIECES
    /* Few registers: a call costs less than what it would push out. */
    if (w->rectified != 0U && acc < 0) {
        *out = -128;
    } else {
        *out = scalar_requant_any(acc, w->scale, w->output);
    }
#else
    const scalar_channel_t channel = scalar_channel(w->scale, w->base);
    if (w->rectified != 0U) {
        *out = (int8_t)scalar_requant_rectified(acc, channel);
    } else if (w->special == 0U) {
        *out = (int8_t)scalar_requant(acc, channel);
    } else {
        *out = scalar_requant_any(acc, w->scale, w->output);
    }
#endif
    w->scale += w->step;
}

/* The next channel of four pixels. */
SCALAR_INLINE void scalar_write_4px(scalar_writer_t *w, const int32_t *acc, int8_t *const *out)
{
    const uint32_t c = w->next;
    const scalar_channel_t channel = scalar_channel(w->scale, w->base);
    if (w->rectified != 0U) {
        out[0][c] = (int8_t)scalar_requant_rectified(acc[0], channel);
        out[1][c] = (int8_t)scalar_requant_rectified(acc[1], channel);
        out[2][c] = (int8_t)scalar_requant_rectified(acc[2], channel);
        out[3][c] = (int8_t)scalar_requant_rectified(acc[3], channel);
    } else if (w->special == 0U) {
        out[0][c] = (int8_t)scalar_requant(acc[0], channel);
        out[1][c] = (int8_t)scalar_requant(acc[1], channel);
        out[2][c] = (int8_t)scalar_requant(acc[2], channel);
        out[3][c] = (int8_t)scalar_requant(acc[3], channel);
    } else {
        out[0][c] = scalar_requant_any(acc[0], w->scale, w->output);
        out[1][c] = scalar_requant_any(acc[1], w->scale, w->output);
        out[2][c] = scalar_requant_any(acc[2], w->scale, w->output);
        out[3][c] = scalar_requant_any(acc[3], w->scale, w->output);
    }
    w->scale += w->step;
    w->next = c + 1U;
}

#endif
