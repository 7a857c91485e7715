/* CONV_2D: strides, dilation, groups, any padding. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"

/* The taps of a window that lie inside the image: [first, last). */
typedef struct {
    int32_t first;
    int32_t last;
} taps_t;

static taps_t inside(int32_t origin, int32_t size, int32_t kernel, int32_t dilation)
{
    taps_t taps = {0, kernel};
    if (origin < 0) {
        taps.first = (-origin + dilation - 1) / dilation;
    }
    const int32_t room = (size - origin + dilation - 1) / dilation;
    if (room < kernel) {
        taps.last = room;
    }
    return taps;
}

static int32_t dot(const int8_t *x, MCU_ROM int8_t *w, int32_t n, int32_t zero)
{
    const int offset = (int)zero; /* 16 bits hold difference and product */
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += w[i] * (x[i] - offset);
    }
    return sum;
}

void conv_s8(MCU_ROM conv_s8_t *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->input.channels;
    const int32_t depth = p->group_channels;
    const int32_t per_group = p->output.channels / (channels / depth);
    const int32_t row_stride = p->input.width * channels;
    const int32_t weights_row = p->kernel.width * depth;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            const int32_t y0 = oy * p->stride.height - p->padding.height;
            const taps_t ty = inside(y0, p->input.height, p->kernel.height, p->dilation.height);
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const int32_t x0 = ox * p->stride.width - p->padding.width;
                const taps_t tx = inside(x0, p->input.width, p->kernel.width, p->dilation.width);
                MCU_ROM int8_t *w = p->weights;
                for (int32_t oc = 0; oc < p->output.channels; oc++) {
                    const int32_t group = oc / per_group;
                    int32_t acc = 0;
                    for (int32_t ky = ty.first; ky < ty.last; ky++) {
                        const int8_t *row =
                            input + (y0 + ky * p->dilation.height) * row_stride + group * depth;
                        MCU_ROM int8_t *w_row = w + ky * weights_row;
                        for (int32_t kx = tx.first; kx < tx.last; kx++) {
                            const int32_t x = x0 + kx * p->dilation.width;
                            acc +=
                                dot(row + x * channels, w_row + kx * depth, depth, p->input_zero);
                        }
                    }
                    if (p->bias != NULL) {
                        acc += p->bias[oc];
                    }
                    acc = requantize(acc, p->multiplier[oc], p->shift[oc]) + p->output_zero;
                    *output++ = (int8_t)clamp(acc, p->min, p->max);
                    w += p->kernel.height * weights_row;
                }
            }
        }
        input += p->input.height * row_stride;
    }
}
