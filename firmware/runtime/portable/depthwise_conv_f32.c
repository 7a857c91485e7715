/* DEPTHWISE_CONV_2D of floats: strides, dilation, any padding, depth multiplier. */
#include <stddef.h>

#include "functions_f32.h"
#include "kernels_f32.h"

/* Sum over the window's taps that lie inside the image, for one output channel. */
static float window(MCU_ROM conv_f32_t *p, const float *input, MCU_ROM float *weights, int32_t y0,
                    int32_t x0)
{
    float sum = 0.0f;
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
            sum += input[(y * p->input.width + x) * p->input.channels] *
                   weights[(ky * p->kernel.width + kx) * p->output.channels];
        }
    }
    return sum;
}

void depthwise_conv_f32(MCU_ROM conv_f32_t *p, const float *input, float *output)
{
    const int32_t depth_multiplier = p->group_channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            const int32_t y0 = oy * p->stride.height - p->padding.height;
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const int32_t x0 = ox * p->stride.width - p->padding.width;
                for (int32_t oc = 0; oc < p->output.channels; oc++) {
                    float sum = window(p, input + oc / depth_multiplier, p->weights + oc, y0, x0);
                    sum += p->bias != NULL ? p->bias[oc] : 0.0f;
                    *output++ = limit_f32(sum, p->min, p->max);
                }
            }
        }
        input += p->input.height * p->input.width * p->input.channels;
    }
}
