#include "conv.h"

#include <string.h>

/* One kernel row of the band: `places` pixels, `step` bytes apart here and `column` there. */
static void copy_row(int8_t *to, uint32_t column, const int8_t *from, uint32_t step,
                     uint32_t places, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c += 16U) {
        const mve_pred16_t lanes = vctp8q(channels - c);
        int8_t *t = to + c;
        const int8_t *f = from + c;
        for (uint32_t i = places; i > 0U; i--) {
            vstrbq_p_s8(t, vldrbq_s8(f), lanes);
            t += column;
            f += step;
        }
    }
}

/* Padded columns keep what they have. */
static void fill_band(const mve_conv_t *c, const int8_t *in, int32_t y, int8_t *band)
{
    const uint32_t channels = c->in_channels;
    const uint32_t column = channels * c->kernel_height;
    const uint32_t room = (uint32_t)c->columns - c->pad_left;
    const uint32_t inside = c->in_width < room ? c->in_width : room;
    const int32_t row = (int32_t)(channels * c->in_width);
    int8_t padding[16];

    vst1q_s8(padding, vdupq_n_s8(c->in_zero));
    band += column * c->pad_left;
    for (uint32_t ky = c->kernel_height; ky > 0U; ky--) {
        if ((uint32_t)y < c->in_height) {
            copy_row(band, column, in + y * row, channels, inside, channels);
        } else {
            for (uint32_t part = 0; part < channels; part += 16U) {
                const uint32_t left = channels - part;
                copy_row(band + part, column, padding, 0, inside, left < 16U ? left : 16U);
            }
        }
        band += channels;
        y += c->dilation_height;
    }
}

void mve_conv_s8(const mve_conv_t *c, const int8_t *in, int8_t *out, void *scratch)
{
    const uint32_t row = (uint32_t)c->in_width * c->in_channels;
    const uint32_t stride = (uint32_t)c->stride_width * c->kernel_height * c->in_channels;
    if (c->columns != 0U) {
        memset(scratch, c->in_zero, c->columns * (uint32_t)c->kernel_height * c->in_channels);
    }
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
