#include "conv.h"

void scalar_conv_s8(const scalar_conv_t *conv, const int8_t *in, int8_t *out, void *scratch)
{
    const scalar_tile_t *tile = conv->tile;
    const uint32_t per_tile = tile->pixels;
    const uint32_t channels = conv->gemm.channels;
    int8_t *const copies = scratch;
    int32_t *const words = (int32_t *)scratch + per_tile * conv->patch_bytes / 4U;
    const int32_t right = conv->out_width * conv->stride_width - conv->pad_left;
    for (uint32_t batch = 0; batch < conv->batches; batch++) {
        uint32_t left = (uint32_t)conv->out_height * conv->out_width;
        int32_t y = -(int32_t)conv->pad_top, x = -(int32_t)conv->pad_left;
        while (left > 0U) {
            const uint32_t count = left < per_tile ? left : per_tile;
            const int8_t *patches[SCALAR_TILE_PIXELS];
            int8_t *outputs[SCALAR_TILE_PIXELS];
            for (uint32_t p = 0; p < count; p++) {
                patches[p] = scalar_patch(&conv->field, in, y, x, copies + p * conv->patch_bytes);
                outputs[p] = out;
                out += channels;
                x += conv->stride_width;
                if (x == right) {
                    x = -(int32_t)conv->pad_left;
                    y += conv->stride_height;
                }
            }
            /* A tile that isn't full computes its last pixel again. */
            for (uint32_t p = count; p < per_tile; p++) {
                patches[p] = patches[count - 1U];
                outputs[p] = outputs[count - 1U];
            }
            tile->pack(words, patches, conv->gemm.k);
            tile->multiply(&conv->gemm, words, outputs);
            left -= count;
        }
        in += (uint32_t)conv->field.in_height * conv->field.in_width * conv->field.in_channels;
    }
}
