/* TRANSPOSE_CONV of floats: each output gathers the inputs that reach it. */
#include <stddef.h>

#include "functions_f32.h"
#include "kernels_f32.h"

static float gather_taps(MCU_ROM conv_f32_t *p, const float *input, MCU_ROM float *weights,
                         int32_t oy, int32_t ox)
{
    const int32_t channels = p->input.channels;
    float sum = 0.0f;
    for (int32_t ky = 0; ky < p->kernel.height; ky++) {
        const int32_t y = oy + p->padding.height - ky;
        if (y < 0 || y % p->stride.height != 0 || y / p->stride.height >= p->input.height) {
            continue;
        }
        const float *row = input + y / p->stride.height * p->input.width * channels;
        for (int32_t kx = 0; kx < p->kernel.width; kx++) {
            const int32_t x = ox + p->padding.width - kx;
            if (x < 0 || x % p->stride.width != 0 || x / p->stride.width >= p->input.width) {
                continue;
            }
            const float *pixel = row + x / p->stride.width * channels;
            MCU_ROM float *w = weights + (ky * p->kernel.width + kx) * channels;
            for (int32_t c = 0; c < channels; c++) {
                sum += w[c] * pixel[c];
            }
        }
    }
    return sum;
}

void transpose_conv_f32(MCU_ROM conv_f32_t *p, const float *input, float *output)
{
    const int32_t channel_weights = p->kernel.height * p->kernel.width * p->input.channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                for (int32_t oc = 0; oc < p->output.channels; oc++) {
                    float sum = gather_taps(p, input, p->weights + oc * channel_weights, oy, ox);
                    sum += p->bias != NULL ? p->bias[oc] : 0.0f;
                    *output++ = limit_f32(sum, p->min, p->max);
                }
            }
        }
        input += p->input.height * p->input.width * p->input.channels;
    }
}
