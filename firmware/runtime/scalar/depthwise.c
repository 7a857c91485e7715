/* One channel of a strip of lines at a time is copied to a plane, padding around it, so that the
 * field of every output lies in it and neighbours are side by side. */
#include "depthwise.h"

#include <string.h>

/* What is the same for all outputs of a channel. */
struct scalar_task {
    const scalar_depthwise_t *d;
    const int8_t *weights;
    int32_t bias;
    const scalar_scale_t *scale;
    int8_t *out; /* the strip's first output */
    uint32_t lines;
};

typedef enum { RECTIFIED, PLAIN, SPECIAL } kind_t;

static kind_t kind_of(const scalar_output_t *output)
{
    return output->rectified != 0U ? RECTIFIED : output->special == 0U ? PLAIN : SPECIAL;
}

#define INLINE static inline __attribute__((always_inline))

INLINE void store(const scalar_task_t *t, kind_t kind, int32_t acc, scalar_channel_t channel,
                  int8_t *out)
{
    if (kind == RECTIFIED) {
        *out = (int8_t)scalar_requant_rectified(acc, channel);
    } else if (kind == PLAIN) {
        *out = (int8_t)scalar_requant(acc, channel);
    } else {
        *out = scalar_requant_any(acc, t->scale, &t->d->output);
    }
}

/* The lines from `line` on. */
INLINE void field_3x3(const scalar_task_t *t, const int8_t *plane, kind_t kind, uint32_t line)
{
    const scalar_depthwise_t *d = t->d;
    const int8_t *const w = t->weights;
    const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6],
                  w7 = w[7], w8 = w[8];
    const int32_t bias = t->bias;
    const scalar_channel_t channel = scalar_channel(t->scale, d->output.base);
    const uint32_t step = d->along.out_step, stride = d->along.stride, pitch = d->plane_pitch;
    for (; line < t->lines; line++) {
        const int8_t *a = plane + line * d->across.stride * pitch;
        const int8_t *b = a + pitch, *c = b + pitch;
        const int8_t *const end = a + d->along.out * stride;
        int8_t *out = t->out + line * d->across.out_step;
        while (a != end) {
            int32_t acc = bias + a[0] * w0 + a[1] * w1 + a[2] * w2;
            acc += b[0] * w3 + b[1] * w4 + b[2] * w5;
            acc += c[0] * w6 + c[1] * w7 + c[2] * w8;
            store(t, kind, acc, channel, out);
            out += step;
            a += stride, b += stride, c += stride;
        }
    }
}

/* With stride 1: two lines at a time, as they share two thirds of what they read. */
INLINE void field_3x3_twice(const scalar_task_t *t, const int8_t *plane, kind_t kind)
{
    const scalar_depthwise_t *d = t->d;
    const int8_t *const w = t->weights;
    const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6],
                  w7 = w[7], w8 = w[8];
    const int32_t bias = t->bias;
    const scalar_channel_t channel = scalar_channel(t->scale, d->output.base);
    const uint32_t step = d->along.out_step, pitch = d->plane_pitch;
    const uint32_t pairs = t->lines & ~1U;
    for (uint32_t line = 0; line < pairs; line += 2U) {
        const int8_t *p = plane + line * pitch;
        const int8_t *const end = p + d->along.out;
        int8_t *out = t->out + line * d->across.out_step;
        int8_t *second = out + d->across.out_step;
        while (p != end) {
            const int8_t *q = p + pitch, *r = q + pitch, *s = r + pitch;
            const int32_t q0 = q[0], q1 = q[1], q2 = q[2], r0 = r[0], r1 = r[1], r2 = r[2];
            int32_t acc = bias + p[0] * w0 + p[1] * w1 + p[2] * w2;
            acc += q0 * w3 + q1 * w4 + q2 * w5;
            acc += r0 * w6 + r1 * w7 + r2 * w8;
            int32_t next = bias + q0 * w0 + q1 * w1 + q2 * w2;
            next += r0 * w3 + r1 * w4 + r2 * w5;
            next += s[0] * w6 + s[1] * w7 + s[2] * w8;
            store(t, kind, acc, channel, out);
            store(t, kind, next, channel, second);
            out += step, second += step;
            p++;
        }
    }
}

typedef int32_t row_sum_t(const int8_t *from, const int8_t *w, uint32_t gap, uint32_t kernel);

INLINE int32_t row_of_any(const int8_t *from, const int8_t *w, uint32_t gap, uint32_t kernel)
{
    int32_t acc = 0;
    const int8_t *const end = w + kernel;
    while (w != end) {
        acc += *from * *w++;
        from += gap;
    }
    return acc;
}

INLINE int32_t row_of_3(const int8_t *from, const int8_t *w, uint32_t gap, uint32_t kernel)
{
    (void)kernel;
    return from[0] * w[0] + from[gap] * w[1] + from[2U * gap] * w[2];
}

INLINE int32_t row_of_5(const int8_t *from, const int8_t *w, uint32_t gap, uint32_t kernel)
{
    const int32_t acc = row_of_3(from, w, gap, kernel);
    return acc + from[3U * gap] * w[3] + from[4U * gap] * w[4];
}

INLINE void field_rows(const scalar_task_t *t, const int8_t *plane, row_sum_t *row)
{
    const scalar_depthwise_t *d = t->d;
    const kind_t kind = kind_of(&d->output);
    const scalar_channel_t channel = scalar_channel(t->scale, d->output.base);
    const uint32_t line_step = (uint32_t)d->across.dilation * d->plane_pitch;
    const uint32_t gap = d->along.dilation, kernel = d->along.kernel;
    const int8_t *const w_end = t->weights + (uint32_t)d->across.kernel * kernel;
    for (uint32_t line = 0; line < t->lines; line++) {
        const int8_t *at = plane + line * d->across.stride * d->plane_pitch;
        int8_t *out = t->out + line * d->across.out_step;
        for (uint32_t x = 0; x < d->along.out; x++) {
            const int8_t *from = at;
            int32_t acc = t->bias;
            for (const int8_t *w = t->weights; w != w_end; w += kernel) {
                acc += row(from, w, gap, kernel);
                from += line_step;
            }
            store(t, kind, acc, channel, out);
            out += d->along.out_step;
            at += d->along.stride;
        }
    }
}

void scalar_depthwise_any(const scalar_task_t *t, const int8_t *plane)
{
    field_rows(t, plane, row_of_any);
}

void scalar_depthwise_3_wide(const scalar_task_t *t, const int8_t *plane)
{
    field_rows(t, plane, row_of_3);
}

void scalar_depthwise_5_wide(const scalar_task_t *t, const int8_t *plane)
{
    field_rows(t, plane, row_of_5);
}

/* Functions of their own, so that each has all registers. */
static __attribute__((noinline)) void rectified(const scalar_task_t *t, const int8_t *plane,
                                                uint32_t line)
{
    field_3x3(t, plane, RECTIFIED, line);
}

static __attribute__((noinline)) void plain(const scalar_task_t *t, const int8_t *plane,
                                            uint32_t line)
{
    field_3x3(t, plane, PLAIN, line);
}

static __attribute__((noinline)) void rectified_twice(const scalar_task_t *t, const int8_t *plane)
{
    field_3x3_twice(t, plane, RECTIFIED);
}

static __attribute__((noinline)) void plain_twice(const scalar_task_t *t, const int8_t *plane)
{
    field_3x3_twice(t, plane, PLAIN);
}

/* Lines that are computed two at a time. */
static uint32_t pairs_of(const scalar_task_t *t)
{
    return t->d->along.stride == 1U && t->d->across.stride == 1U ? t->lines & ~1U : 0U;
}

void scalar_depthwise_3x3_rectified(const scalar_task_t *t, const int8_t *plane)
{
    const uint32_t paired = pairs_of(t);
    if (paired != 0U) {
        rectified_twice(t, plane);
    }
    rectified(t, plane, paired);
}

void scalar_depthwise_3x3_plain(const scalar_task_t *t, const int8_t *plane)
{
    const uint32_t paired = pairs_of(t);
    if (paired != 0U) {
        plain_twice(t, plane);
    }
    plain(t, plane, paired);
}

/* Copies a channel: the lines of the image that are within the plane, whose first one is y. */
static void copy_channel(const scalar_depthwise_t *d, const int8_t *in, int32_t y, int8_t *plane)
{
    const uint32_t step = d->along.in_step;
    const uint32_t right = (uint32_t)d->along.pad + d->along.in;
    const uint32_t columns = (right < d->plane_pitch ? right : d->plane_pitch) - d->along.pad;
    int8_t *to = plane + d->along.pad;
    for (uint32_t line = 0; line < d->plane_lines; line++) {
        if ((uint32_t)y < d->across.in) {
            const int8_t *from = in + (uint32_t)y * d->across.in_step;
            int8_t *p = to;
            for (uint32_t n = columns / 4U; n > 0U; n--) {
                const int8_t a = *from, b = *(from += step), c = *(from += step);
                const int8_t e = *(from += step);
                p[0] = a, p[1] = b, p[2] = c, p[3] = e;
                from += step;
                p += 4;
            }
            for (uint32_t n = columns % 4U; n > 0U; n--) {
                *p++ = *from;
                from += step;
            }
        }
        to += d->plane_pitch;
        y++;
    }
}

void scalar_depthwise_s8(const scalar_depthwise_t *d, const int8_t *in, int8_t *out, void *scratch)
{
    int8_t *const plane = scratch;
    const uint32_t taps = (uint32_t)d->across.kernel * d->along.kernel;
    for (uint32_t batch = 0; batch < d->batches; batch++) {
        for (uint32_t y = 0; y < d->across.out; y += d->strip) {
            const uint32_t left = d->across.out - y;
            const int32_t top = (int32_t)(y * d->across.stride) - d->across.pad;
            scalar_task_t task = {.d = d, .lines = left < d->strip ? left : d->strip};
            (void)memset(plane, d->in_zero, (size_t)d->plane_lines * d->plane_pitch);
            for (uint32_t c = 0, source = 0; c < d->channels; source++) {
                copy_channel(d, in + source, top, plane);
                for (uint32_t m = 0; m < d->multiplier; m++, c++) {
                    task.weights = d->weights + c * taps;
                    task.bias = d->bias[c];
                    task.scale = d->scales + c * d->output.scale_step;
                    task.out = out + y * d->across.out_step + c;
                    d->field(&task, plane);
                }
            }
        }
        in += d->in_bytes;
        out += d->out_bytes;
    }
}
