/* CONV_2D of int16 data. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

/* Sum over a window's taps that lie inside the image, for one output channel. */
static int64_t window(MCU_ROM conv_s16_t *p, const int16_t *input, MCU_ROM int8_t *weights,
                      int32_t y0, int32_t x0)
{
    const int32_t channels = p->input.channels;
    const int32_t depth = p->group_channels;
    int64_t acc = 0;
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
            const int16_t *pixel = input + (y * p->input.width + x) * channels;
            MCU_ROM int8_t *w = weights + (ky * p->kernel.width + kx) * depth;
            for (int32_t c = 0; c < depth; c++) {
                acc += (int32_t)w[c] * pixel[c];
            }
        }
    }
    return acc;
}

void conv_s16(MCU_ROM conv_s16_t *p, const int16_t *input, int16_t *output)
{
    const int32_t depth = p->group_channels;
    const int32_t per_group = p->output.channels / (p->input.channels / depth);
    const int32_t channel_weights = p->kernel.height * p->kernel.width * depth;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            const int32_t y0 = oy * p->stride.height - p->padding.height;
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const int32_t x0 = ox * p->stride.width - p->padding.width;
                for (int32_t oc = 0; oc < p->output.channels; oc++) {
                    int64_t acc = window(p, input + oc / per_group * depth,
                                         p->weights + oc * channel_weights, y0, x0);
                    if (p->bias != NULL) {
                        acc += p->bias[oc];
                    }
                    const int32_t value =
                        p->wide != 0 ? requantize_wide(acc, p->multiplier[oc], p->shift[oc])
                                     : requantize((int32_t)acc, p->multiplier[oc], p->shift[oc]);
                    *output++ = (int16_t)clamp(value, p->min, p->max);
                }
            }
        }
        input += p->input.height * p->input.width * p->input.channels;
    }
}
