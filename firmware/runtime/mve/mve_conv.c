#include "mve_conv.h"

#include <string.h>

/* Copies to ascending addresses, up to 15 bytes too many: the next copy writes over them. */
MVE_INLINE void copy(int8_t *to, const int8_t *from, uint32_t bytes)
{
    if (bytes <= 4U) {
        uint32_t word;
        memcpy(&word, from, 4);
        memcpy(to, &word, 4);
        return;
    }
    const int8_t *end = to + bytes;
    do {
        vst1q_s8(to, vld1q_s8(from));
        to += 16, from += 16;
    } while (to < end);
}

static void fill_band(const mve_conv_t *c, const int8_t *in, int32_t y, int8_t *band)
{
    const uint32_t channels = c->in_channels;
    const uint32_t column = channels * c->kernel_height;
    const uint32_t row = channels * c->in_width;
    const uint32_t height = c->in_height;
    const uint32_t room = (uint32_t)c->columns - c->pad_left;
    const uint32_t inside = c->in_width < room ? c->in_width : room;
    const uint32_t step = row * c->dilation_height;
    const uint32_t last = (uint32_t)y + (c->kernel_height - 1U) * c->dilation_height;
    const int8_t *from = in + y * (int32_t)row;

    memset(band, c->in_zero, column * c->pad_left);
    band += column * c->pad_left;
    if ((uint32_t)y < height && last < height) {
        for (uint32_t x = inside; x > 0U; x--) {
            const int8_t *f = from;
            for (uint32_t ky = c->kernel_height; ky > 0U; ky--) {
                copy(band, f, channels);
                band += channels;
                f += step;
            }
            from += channels;
        }
    } else {
        for (uint32_t x = inside; x > 0U; x--) {
            const int8_t *f = from;
            uint32_t at = (uint32_t)y;
            for (uint32_t ky = c->kernel_height; ky > 0U; ky--) {
                if (at < height) {
                    copy(band, f, channels);
                } else {
                    memset(band, c->in_zero, channels);
                }
                band += channels;
                f += step;
                at += c->dilation_height;
            }
            from += channels;
        }
    }
    memset(band, c->in_zero, column * (room - inside));
}

void mve_conv_s8(const mve_conv_t *c, const int8_t *in, int8_t *out, void *scratch)
{
    const uint32_t row = (uint32_t)c->in_width * c->in_channels;
    const uint32_t stride = (uint32_t)c->stride_width * c->kernel_height * c->in_channels;
    for (uint32_t batch = 0; batch < c->batches; batch++) {
        for (uint32_t oy = 0; oy < c->out_height; oy++) {
            const int32_t y = (int32_t)(oy * c->stride_height) - c->pad_top;
            const int8_t *from = scratch;
            if (c->columns != 0U) {
                fill_band(c, in, y, scratch);
            } else {
                from = in + (uint32_t)y * row;
            }
            c->row(&c->gemm, from, c->out_width, stride, out);
            out += c->out_width * c->gemm.channels;
        }
        in += c->in_height * row;
    }
}
