#include "depthwise.h"

/* Four channels of one output pixel. */
static void pixel(const dsp_depthwise_t *c, const int8_t *in, int32_t y0, int32_t x0,
                  const int8_t *weights, int32_t acc[4])
{
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)c->in_zero);
    const int32_t width = c->in_width;
    int32_t y = y0;
    for (uint32_t ky = 0; ky < c->kernel_height; ky++) {
        const uint32_t row_inside = (uint32_t)y < c->in_height ? 1U : 0U;
        int32_t x = x0;
        for (uint32_t kx = 0; kx < c->kernel_width; kx++) {
            int32_t word = zero;
            const int32_t w = dsp_load4(weights);
            if (row_inside != 0U && (uint32_t)x < (uint32_t)width) {
                word = dsp_load4(in + (y * width + x) * (int32_t)c->channels);
            }
            const int32_t even = dsp_sxtb16(word), odd = dsp_sxtb16_odd(word);
            const int32_t w_even = dsp_sxtb16(w), w_odd = dsp_sxtb16_odd(w);
            acc[0] = dsp_smlabb(even, w_even, acc[0]);
            acc[1] = dsp_smlabb(odd, w_odd, acc[1]);
            acc[2] = dsp_smlatt(even, w_even, acc[2]);
            acc[3] = dsp_smlatt(odd, w_odd, acc[3]);
            weights += 4;
            x += c->dilation_width;
        }
        y += c->dilation_height;
    }
}

void dsp_depthwise_s8(const dsp_depthwise_t *c, const int8_t *in, int8_t *out)
{
    const uint32_t taps = (uint32_t)c->kernel_height * c->kernel_width;
    for (uint32_t batch = 0; batch < c->batches; batch++) {
        for (uint32_t y = 0; y < c->out_height; y++) {
            for (uint32_t x = 0; x < c->out_width; x++) {
                const int8_t *weights = c->weights;
                for (uint32_t first = 0; first < c->channels; first += 4U) {
                    const uint32_t rest = c->channels - first;
                    const int32_t *start = c->start + first;
                    int32_t acc[4] = {start[0], start[1], start[2], start[3]};
                    pixel(c, in + first, (int32_t)(y * c->stride_height) - c->pad_top,
                          (int32_t)(x * c->stride_width) - c->pad_left, weights, acc);
                    for (uint32_t i = 0; i < 4U && i < rest; i++) {
                        const dsp_scale_t *scale = c->scales + (first + i) * c->output.scale_step;
                        *out++ = (int8_t)dsp_requant(acc[i], scale, &c->output);
                    }
                    weights += 4U * taps;
                }
            }
        }
        in += (uint32_t)c->in_height * c->in_width * c->channels;
    }
}
