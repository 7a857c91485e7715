#include "depthwise.h"

/* What the taps of a pixel have in common. */
typedef struct {
    const int8_t *weights; /* of four channels */
    const int32_t *start;
    uint32_t row, column; /* bytes from tap to tap */
} taps_t;

/* Four channels of a pixel at (y, x), with the field inside the image or not. */
DSP_INLINE void pixel(const dsp_depthwise_t *c, const taps_t *taps, const int8_t *from, int32_t y,
                      int32_t x, uint32_t inside, int32_t acc[4])
{
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)c->in_zero);
    const int8_t *weights = taps->weights;
    const uint32_t columns = c->kernel_width, step = taps->column;
    int32_t a0 = taps->start[0], a1 = taps->start[1], a2 = taps->start[2], a3 = taps->start[3];
    for (uint32_t ky = c->kernel_height; ky > 0U; ky--) {
        const int8_t *at = from;
        int32_t tap_x = x;
        for (uint32_t kx = columns; kx > 0U; kx--) {
            int32_t word = zero;
            const int32_t w = dsp_load4(weights);
            if (inside != 0U ||
                ((uint32_t)y < c->in_height && (uint32_t)tap_x < (uint32_t)c->in_width)) {
                word = dsp_load4(at);
            }
            const int32_t even = dsp_sxtb16(word), odd = dsp_sxtb16_odd(word);
            const int32_t w_even = dsp_sxtb16(w), w_odd = dsp_sxtb16_odd(w);
            a0 = dsp_smlabb(even, w_even, a0);
            a1 = dsp_smlabb(odd, w_odd, a1);
            a2 = dsp_smlatt(even, w_even, a2);
            a3 = dsp_smlatt(odd, w_odd, a3);
            weights += 4;
            at += step;
            tap_x += c->dilation_width;
        }
        from += taps->row;
        y += c->dilation_height;
    }
    acc[0] = a0, acc[1] = a1, acc[2] = a2, acc[3] = a3;
}

/* All channels of one pixel. */
static int8_t *pixel_channels(const dsp_depthwise_t *c, const int8_t *in, int32_t y, int32_t x,
                              int8_t *out)
{
    const uint32_t count = (uint32_t)c->kernel_height * c->kernel_width * 4U;
    const uint32_t column = c->channels * (uint32_t)c->dilation_width;
    const uint32_t row = (uint32_t)c->in_width * c->channels * c->dilation_height;
    const int8_t *from = in + (y * c->in_width + x) * (int32_t)c->channels;
    const uint32_t inside =
        y >= 0 && x >= 0 && y + (c->kernel_height - 1) * c->dilation_height < c->in_height &&
                x + (c->kernel_width - 1) * c->dilation_width < c->in_width
            ? 1U
            : 0U;
    taps_t taps = {c->weights, c->start, row, column};
    for (uint32_t first = 0; first < c->channels; first += 4U) {
        const dsp_scale_t *scale = c->scales + first * c->output.scale_step;
        int32_t acc[4];
        if (inside != 0U) {
            pixel(c, &taps, from, y, x, 1U, acc);
        } else {
            pixel(c, &taps, from, y, x, 0U, acc);
        }
        for (uint32_t i = 0; i < 4U && first + i < c->channels; i++) {
            *out++ = (int8_t)dsp_requant(acc[i], scale, &c->output);
            scale += c->output.scale_step;
        }
        from += 4;
        taps.weights += count;
        taps.start += 4;
    }
    return out;
}

void dsp_depthwise_s8(const dsp_depthwise_t *c, const int8_t *in, int8_t *out)
{
    for (uint32_t batch = 0; batch < c->batches; batch++) {
        for (uint32_t oy = 0; oy < c->out_height; oy++) {
            const int32_t y = (int32_t)(oy * c->stride_height) - c->pad_top;
            for (uint32_t ox = 0; ox < c->out_width; ox++) {
                const int32_t x = (int32_t)(ox * c->stride_width) - c->pad_left;
                out = pixel_channels(c, in, y, x, out);
            }
        }
        in += (uint32_t)c->in_height * c->in_width * c->channels;
    }
}
