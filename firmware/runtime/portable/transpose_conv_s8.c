/* TRANSPOSE_CONV: each output gathers the inputs that reach it. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

static int32_t gather_taps(MCU_ROM conv_s8_t *p, const int8_t *input, MCU_ROM int8_t *weights,
                           int32_t oy, int32_t ox)
{
    const int32_t channels = p->input.channels;
    int32_t acc = 0;
    for (int32_t ky = 0; ky < p->kernel.height; ky++) {
        const int32_t y = oy + p->padding.height - ky;
        if (y < 0 || y % p->stride.height != 0 || y / p->stride.height >= p->input.height) {
            continue;
        }
        const int8_t *row = input + y / p->stride.height * p->input.width * channels;
        for (int32_t kx = 0; kx < p->kernel.width; kx++) {
            const int32_t x = ox + p->padding.width - kx;
            if (x < 0 || x % p->stride.width != 0 || x / p->stride.width >= p->input.width) {
                continue;
            }
            const int8_t *pixel = row + x / p->stride.width * channels;
            MCU_ROM int8_t *w = weights + (ky * p->kernel.width + kx) * channels;
            for (int32_t c = 0; c < channels; c++) {
                acc += (int32_t)w[c] * ((int32_t)pixel[c] - p->input_zero);
            }
        }
    }
    return acc;
}

void transpose_conv_s8(MCU_ROM conv_s8_t *p, const int8_t *input, int8_t *output)
{
    const int32_t channel_weights = p->kernel.height * p->kernel.width * p->input.channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                for (int32_t oc = 0; oc < p->output.channels; oc++) {
                    int32_t acc = gather_taps(p, input, p->weights + oc * channel_weights, oy, ox);
                    if (p->bias != NULL) {
                        acc += p->bias[oc];
                    }
                    acc = requantize(acc, p->multiplier[oc], p->shift[oc]) + p->output_zero;
                    *output++ = (int8_t)clamp(acc, p->min, p->max);
                }
            }
        }
        input += p->input.height * p->input.width * p->input.channels;
    }
}
