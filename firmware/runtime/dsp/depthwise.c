#include <stdbool.h>

#include "depthwise.h"

/* How the taps of a pixel lie in memory: `runs` of `length` each. A kernel of one column is one
 * run down the rows. */
typedef struct {
    uint32_t runs, length;
    uint32_t run_step, step; /* bytes */
} taps_t;

static taps_t taps_of(const dsp_depthwise_t *c)
{
    const uint32_t column = c->channels * (uint32_t)c->dilation_width;
    const uint32_t row = (uint32_t)c->in_width * c->channels * c->dilation_height;
    if (c->kernel_width == 1U) {
        return (taps_t){1U, c->kernel_height, 0U, row};
    }
    return (taps_t){c->kernel_height, c->kernel_width, row, column};
}

/* acc[i] += x[i] * w[i] for the four channels of a tap. */
DSP_INLINE void tap(int32_t x, int32_t w, int32_t acc[4])
{
    const int32_t even = dsp_sxtb16(x), odd = dsp_sxtb16_odd(x);
    const int32_t w_even = dsp_sxtb16(w), w_odd = dsp_sxtb16_odd(w);
    acc[0] = dsp_smlabb(even, w_even, acc[0]);
    acc[1] = dsp_smlabb(odd, w_odd, acc[1]);
    acc[2] = dsp_smlatt(even, w_even, acc[2]);
    acc[3] = dsp_smlatt(odd, w_odd, acc[3]);
}

/* Four channels of a pixel whose field lies inside the image. */
DSP_INLINE void inside(const taps_t *taps, const int8_t *from, const int8_t *weights,
                       int32_t acc[4])
{
    const uint32_t step = taps->step;
    for (uint32_t run = taps->runs; run > 0U; run--) {
        const int8_t *at = from;
        const int8_t *end = weights + 4U * taps->length;
        do {
            tap(dsp_load4(at), dsp_load4(weights), acc);
            at += step;
            weights += 4;
        } while (weights != end);
        from += taps->run_step;
    }
}

/* The same for one at (y, x) that reaches over the border. */
static void across(const dsp_depthwise_t *c, const int8_t *from, const int8_t *weights, int32_t y,
                   int32_t x, int32_t acc[4])
{
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)c->in_zero);
    for (uint32_t ky = 0; ky < c->kernel_height; ky++) {
        const int32_t tap_y = y + (int32_t)(ky * c->dilation_height);
        for (uint32_t kx = 0; kx < c->kernel_width; kx++) {
            const int32_t tap_x = x + (int32_t)(kx * c->dilation_width);
            int32_t word = zero;
            if ((uint32_t)tap_y < c->in_height && (uint32_t)tap_x < (uint32_t)c->in_width) {
                word =
                    dsp_load4(from + (tap_y * (int32_t)c->in_width + tap_x) * (int32_t)c->channels);
            }
            tap(word, dsp_load4(weights), acc);
            weights += 4;
        }
    }
}

/* Four sums that are whole pixels' channels: computed first, as a store may change any scale. */
DSP_INLINE void store_four(const dsp_scale_t *scale, int32_t base, const int32_t acc[4],
                           int8_t *out)
{
    int32_t y[4];
    /* Unrolled, the sums stay in registers. */
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4U; i++) {
        const int32_t shift = scale[i].shift;
        y[i] = dsp_requant_sign(acc[i], scale[i].multiplier, shift, dsp_offset(base, shift));
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4U; i++) {
        out[i] = (int8_t)y[i];
    }
}

/* Up to four channels, from the first on. */
static void store_some(const dsp_depthwise_t *c, uint32_t first, const int32_t acc[4], int8_t *out)
{
    const dsp_scale_t *scale = c->scales + first * c->output.scale_step;
    for (uint32_t i = 0; i < 4U && first + i < c->channels; i++) {
        out[i] = (int8_t)dsp_requant(acc[i], scale, &c->output);
        scale += c->output.scale_step;
    }
}

/* The channels of a pixel whose field lies inside the image, in fours, by the common modes;
 * gives how many. */
static __attribute__((noinline)) uint32_t pixel_fast(const dsp_depthwise_t *c, const taps_t *taps,
                                                     const int8_t *from, int8_t *out)
{
    const taps_t of = *taps;
    const uint32_t count = of.runs * of.length * 4U;
    const int32_t base = c->output.base;
    const uint32_t whole = c->channels & ~3U;
    const int8_t *weights = c->weights;
    const int32_t *start = c->start;
    const dsp_scale_t *scale = c->scales;
    for (int8_t *end = out + whole; out != end; out += 4) {
        int32_t acc[4] = {start[0], start[1], start[2], start[3]};
        inside(&of, from, weights, acc);
        store_four(scale, base, acc, out);
        weights += count;
        from += 4;
        start += 4;
        scale += 4;
    }
    return whole;
}

/* The channels of a pixel from the first on, in fours: any mode, any place. */
static __attribute__((noinline)) void pixel_any(const dsp_depthwise_t *c, const int8_t *in,
                                                int32_t y, int32_t x, uint32_t first, int8_t *out)
{
    const uint32_t count = (uint32_t)c->kernel_height * c->kernel_width;
    for (; first < c->channels; first += 4U) {
        const int32_t *start = c->start + first;
        int32_t acc[4] = {start[0], start[1], start[2], start[3]};
        across(c, in + first, c->weights + first * count, y, x, acc);
        store_some(c, first, acc, out + first);
    }
}

/* All channels of one pixel. */
static void pixel(const dsp_depthwise_t *c, const taps_t *taps, const int8_t *in, int32_t y,
                  int32_t x, int8_t *out)
{
    const bool whole = y >= 0 && x >= 0 &&
                       y + (c->kernel_height - 1) * c->dilation_height < c->in_height &&
                       x + (c->kernel_width - 1) * c->dilation_width < c->in_width;
    uint32_t done = 0;
    if (whole && c->output.mode <= (uint8_t)DSP_SIGN && c->output.scale_step != 0U) {
        done = pixel_fast(c, taps, in + (y * c->in_width + x) * (int32_t)c->channels, out);
    }
    pixel_any(c, in, y, x, done, out);
}

void dsp_depthwise_s8(const dsp_depthwise_t *c, const int8_t *in, int8_t *out)
{
    const taps_t taps = taps_of(c);
    for (uint32_t batch = 0; batch < c->batches; batch++) {
        for (uint32_t oy = 0; oy < c->out_height; oy++) {
            const int32_t y = (int32_t)(oy * c->stride_height) - c->pad_top;
            for (uint32_t ox = 0; ox < c->out_width; ox++) {
                const int32_t x = (int32_t)(ox * c->stride_width) - c->pad_left;
                pixel(c, &taps, in, y, x, out);
                out += c->channels;
            }
        }
        in += (uint32_t)c->in_height * c->in_width * c->channels;
    }
}
