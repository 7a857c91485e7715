/* DEPTHWISE_CONV_2D: strides, dilation, any padding, depth multiplier. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

/* Sum over the window's taps that lie inside the image, for one output channel. */
static int32_t window(MCU_ROM conv_s8_t *p, const int8_t *input, MCU_ROM int8_t *weights,
                      int32_t y0, int32_t x0)
{
    const int32_t channels = p->input.channels;
    const int32_t row_stride = p->input.width * channels;
    int32_t acc = 0;
    for (int32_t ky = 0; ky < p->kernel.height; ky++) {
        const int32_t y = y0 + ky * p->dilation.height;
        if (y < 0 || y >= p->input.height) {
            continue;
        }
        for (int32_t kx = 0; kx < p->kernel.width; kx++) {
            const int32_t x = x0 + kx * p->dilation.width;
            if (x < 0 || x >= p->input.width) {
                continue;
            }
            /* 16 bits hold difference and product */
            const int value = input[y * row_stride + x * channels] - (int)p->input_zero;
            acc += value * weights[(ky * p->kernel.width + kx) * p->output.channels];
        }
    }
    return acc;
}

void depthwise_conv_s8(MCU_ROM conv_s8_t *p, const int8_t *input, int8_t *output)
{
    const int32_t depth_multiplier = p->group_channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            const int32_t y0 = oy * p->stride.height - p->padding.height;
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const int32_t x0 = ox * p->stride.width - p->padding.width;
                int32_t oc = 0;
                for (int32_t ic = 0; ic < p->input.channels; ic++) {
                    for (int32_t m = 0; m < depth_multiplier; m++, oc++) {
                        int32_t acc = window(p, input + ic, p->weights + oc, y0, x0);
                        if (p->bias != NULL) {
                            acc += p->bias[oc];
                        }
                        acc = requantize(acc, p->multiplier[oc], p->shift[oc]) + p->output_zero;
                        *output++ = (int8_t)clamp(acc, p->min, p->max);
                    }
                }
            }
        }
        input += p->input.height * p->input.width * p->input.channels;
    }
}
