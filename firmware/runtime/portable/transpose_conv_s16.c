/* TRANSPOSE_CONV of int16 data: each output gathers the inputs that reach it. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

static int64_t gather_taps(MCU_ROM conv_s16_t *p, const int16_t *input, MCU_ROM int8_t *weights,
                           int32_t oy, int32_t ox)
{
    const int32_t channels = p->input.channels;
    int64_t acc = 0;
    for (int32_t ky = 0; ky < p->kernel.height; ky++) {
        const int32_t y = oy + p->padding.height - ky;
        if (y < 0 || y % p->stride.height != 0 || y / p->stride.height >= p->input.height) {
            continue;
        }
        const int16_t *row = input + y / p->stride.height * p->input.width * channels;
        for (int32_t kx = 0; kx < p->kernel.width; kx++) {
            const int32_t x = ox + p->padding.width - kx;
            if (x < 0 || x % p->stride.width != 0 || x / p->stride.width >= p->input.width) {
                continue;
            }
            const int16_t *pixel = row + x / p->stride.width * channels;
            MCU_ROM int8_t *w = weights + (ky * p->kernel.width + kx) * channels;
            for (int32_t c = 0; c < channels; c++) {
                acc += (int32_t)w[c] * pixel[c];
            }
        }
    }
    return acc;
}

void transpose_conv_s16(MCU_ROM conv_s16_t *p, const int16_t *input, int16_t *output)
{
    const int32_t channel_weights = p->kernel.height * p->kernel.width * p->input.channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                for (int32_t oc = 0; oc < p->output.channels; oc++) {
                    int64_t acc = gather_taps(p, input, p->weights + oc * channel_weights, oy, ox);
                    acc += p->bias != NULL ? p->bias[oc] : 0;
                    const int32_t value = requantize_wide(acc, p->multiplier[oc], p->shift[oc]);
                    *output++ = (int16_t)clamp(value, p->min, p->max);
                }
            }
        }
        input += p->input.height * p->input.width * p->input.channels;
    }
}
