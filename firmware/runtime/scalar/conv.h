/* CONV_2D and FULLY_CONNECTED for cores without SIMD.
 *
 * Tensors are int8, (batch, height, width, channels), dense. Scratch doesn't overlap input or
 * output. The output may reach into the input from before it (codegen/memory/overlap.py): pixels
 * are read before they are written. Nothing is read outside the input. */
#ifndef SCALAR_CONV_H
#define SCALAR_CONV_H

#include "gemm.h"
#include "patch.h"

typedef struct {
    scalar_gemm_t gemm; /* K runs over kernel height, kernel width, channels */
    const scalar_tile_t *tile;
    scalar_field_t field;
    uint16_t batches;
    uint16_t out_height, out_width;
    uint16_t stride_height, stride_width;
    uint16_t pad_top, pad_left;
    uint16_t patch_bytes; /* K, up to a multiple of 4 */
} scalar_conv_t;

/* scratch: `patch_bytes` for each pixel of the tile, then the tile's words; aligned to 4. */
void scalar_conv_s8(const scalar_conv_t *conv, const int8_t *in, int8_t *out, void *scratch);

#endif
