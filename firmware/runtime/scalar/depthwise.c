/* One channel of a strip of rows at a time is copied to a plane, padding around it, so that the
 * field of every output lies in it and neighbours are side by side. */
#include "depthwise.h"

#include <string.h>

/* What is the same for all outputs of a channel. */
typedef struct {
    const scalar_depthwise_t *d;
    const int8_t *weights;
    int32_t bias;
    const scalar_scale_t *scale;
    int8_t *out; /* the strip's first output */
    uint32_t rows;
} task_t;

static inline int8_t *store(const task_t *t, int32_t acc, scalar_channel_t channel, int8_t *out,
                            uint32_t step)
{
    if (t->d->output.rectified != 0U) {
        *out = (int8_t)scalar_requant_rectified(acc, channel);
    } else if (t->d->output.special == 0U) {
        *out = (int8_t)scalar_requant(acc, channel);
    } else {
        *out = scalar_requant_any(acc, t->scale, &t->d->output);
    }
    return out + step;
}

static void field_3x3(const task_t *t, const int8_t *plane)
{
    const scalar_depthwise_t *d = t->d;
    const int8_t *const w = t->weights;
    const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6],
                  w7 = w[7], w8 = w[8];
    const int32_t bias = t->bias;
    const scalar_channel_t channel = scalar_channel(t->scale, d->output.base);
    const uint32_t step = (uint32_t)d->in_channels * d->multiplier;
    const uint32_t stride = d->stride_width, pitch = d->plane_columns;
    int8_t *out = t->out;
    for (uint32_t y = 0; y < t->rows; y++) {
        const int8_t *a = plane, *b = plane + pitch, *c = plane + 2U * pitch;
        const int8_t *const end = a + d->out_width * stride;
        while (a != end) {
            int32_t acc = bias + a[0] * w0 + a[1] * w1 + a[2] * w2;
            acc += b[0] * w3 + b[1] * w4 + b[2] * w5;
            acc += c[0] * w6 + c[1] * w7 + c[2] * w8;
            out = store(t, acc, channel, out, step);
            a += stride, b += stride, c += stride;
        }
        plane += d->stride_height * pitch;
    }
}

static void field_any(const task_t *t, const int8_t *plane)
{
    const scalar_depthwise_t *d = t->d;
    const scalar_channel_t channel = scalar_channel(t->scale, d->output.base);
    const uint32_t step = (uint32_t)d->in_channels * d->multiplier;
    const uint32_t line = (uint32_t)d->dilation_height * d->plane_columns;
    const uint32_t gap = d->dilation_width, width = d->kernel_width * gap;
    int8_t *out = t->out;
    for (uint32_t y = 0; y < t->rows; y++) {
        const int8_t *at = plane;
        for (uint32_t x = 0; x < d->out_width; x++) {
            const int8_t *w = t->weights, *row = at;
            int32_t acc = t->bias;
            for (uint32_t ky = 0; ky < d->kernel_height; ky++) {
                for (uint32_t kx = 0; kx < width; kx += gap) {
                    acc += row[kx] * *w++;
                }
                row += line;
            }
            out = store(t, acc, channel, out, step);
            at += d->stride_width;
        }
        plane += (uint32_t)d->stride_height * d->plane_columns;
    }
}

/* Copies a channel: the rows of the image that are within the plane, whose first one is y. */
static void copy_channel(const scalar_depthwise_t *d, const int8_t *in, int32_t y, int8_t *plane)
{
    const uint32_t step = d->in_channels, row = (uint32_t)d->in_width * step;
    const uint32_t right = (uint32_t)d->pad_left + d->in_width;
    const uint32_t columns = (right < d->plane_columns ? right : d->plane_columns) - d->pad_left;
    int8_t *to = plane + d->pad_left;
    for (uint32_t r = 0; r < d->plane_rows; r++) {
        if ((uint32_t)y < d->in_height) {
            const int8_t *from = in + (uint32_t)y * row;
            int8_t *const end = to + columns;
            for (int8_t *p = to; p != end; p++) {
                *p = *from;
                from += step;
            }
        }
        to += d->plane_columns;
        y++;
    }
}

void scalar_depthwise_s8(const scalar_depthwise_t *d, const int8_t *in, int8_t *out, void *scratch)
{
    int8_t *const plane = scratch;
    const uint32_t taps = (uint32_t)d->kernel_height * d->kernel_width;
    const uint32_t channels = (uint32_t)d->in_channels * d->multiplier;
    const uint32_t plain =
        taps == 9U && d->kernel_width == 3U && d->dilation_width == 1U && d->dilation_height == 1U
            ? 1U
            : 0U;
    for (uint32_t batch = 0; batch < d->batches; batch++) {
        for (uint32_t y = 0; y < d->out_height; y += d->strip) {
            const uint32_t left = d->out_height - y;
            const int32_t top = (int32_t)(y * d->stride_height) - d->pad_top;
            task_t task = {.d = d, .rows = left < d->strip ? left : d->strip};
            (void)memset(plane, d->in_zero, (size_t)d->plane_rows * d->plane_columns);
            for (uint32_t c = 0; c < channels; c++) {
                if (c % d->multiplier == 0U) {
                    copy_channel(d, in + c / d->multiplier, top, plane);
                }
                task.weights = d->weights + c * taps;
                task.bias = d->bias[c];
                task.scale = d->scales + c;
                task.out = out + c;
                if (plain != 0U) {
                    field_3x3(&task, plane);
                } else {
                    field_any(&task, plane);
                }
            }
            out += task.rows * d->out_width * channels;
        }
        in += (uint32_t)d->in_height * d->in_width * d->in_channels;
    }
}
