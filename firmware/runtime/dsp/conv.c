#include "conv.h"
#include "widen.h"

/* Where an output pixel's receptive field starts; above or left of the image with padding. */
typedef struct {
    int32_t y, x;
} corner_t;

/* Copies with words; the tail goes byte by byte, so that nothing beyond is touched. */
static inline int8_t *copy_bytes(int8_t *to, const int8_t *from, uint32_t bytes)
{
    while (bytes >= 4U) {
        dsp_store4(to, dsp_load4(from));
        to += 4, from += 4, bytes -= 4U;
    }
    while (bytes > 0U) {
        *to++ = *from++;
        bytes--;
    }
    return to;
}

static inline int8_t *fill_bytes(int8_t *to, int8_t value, uint32_t bytes)
{
    while (bytes > 0U) {
        *to++ = value;
        bytes--;
    }
    return to;
}

/* The receptive field of one pixel as K bytes, padding filled in. */
static void gather(const dsp_conv_t *c, const int8_t *in, corner_t at, int8_t *patch)
{
    const uint32_t channels = c->in_channels;
    const uint32_t kernel_width = c->kernel_width;
    int32_t y = at.y;
    for (uint32_t ky = 0; ky < c->kernel_height; ky++) {
        if ((uint32_t)y >= c->in_height) {
            patch = fill_bytes(patch, c->in_zero, kernel_width * channels);
        } else {
            const int8_t *row = in + (uint32_t)y * c->in_width * channels;
            if (c->dilation_width == 1U) {
                const uint32_t left = at.x < 0 ? (uint32_t)-at.x : 0U;
                const uint32_t room = (uint32_t)(c->in_width - at.x);
                const uint32_t skip = left < kernel_width ? left : kernel_width;
                const uint32_t stop = room < kernel_width ? room : kernel_width;
                patch = fill_bytes(patch, c->in_zero, skip * channels);
                if (stop > skip) {
                    patch = copy_bytes(patch, row + (uint32_t)(at.x + (int32_t)skip) * channels,
                                       (stop - skip) * channels);
                }
                patch = fill_bytes(patch, c->in_zero,
                                   (kernel_width - (stop > skip ? stop : skip)) * channels);
            } else {
                int32_t x = at.x;
                for (uint32_t kx = 0; kx < kernel_width; kx++) {
                    if ((uint32_t)x >= c->in_width) {
                        patch = fill_bytes(patch, c->in_zero, channels);
                    } else {
                        patch = copy_bytes(patch, row + (uint32_t)x * channels, channels);
                    }
                    x += c->dilation_width;
                }
            }
        }
        y += c->dilation_height;
    }
}

/* Four pixels whose fields lie inside the image, in runs of whole words. */
static void widen_inside(const dsp_conv_t *c, const int8_t *in, const corner_t at[4], int32_t *x)
{
    const uint32_t joined = c->dilation_width == 1U ? c->kernel_width : 1U;
    const uint32_t run = joined * c->in_channels;
    const uint32_t row = (uint32_t)c->dilation_height * c->in_width * c->in_channels;
    const uint32_t gap = (uint32_t)c->dilation_width * c->in_channels;
    uint32_t offset[4];
    for (uint32_t p = 0; p < 4U; p++) {
        offset[p] = (uint32_t)(at[p].y * c->in_width + at[p].x) * c->in_channels;
    }
    for (uint32_t ky = 0; ky < c->kernel_height; ky++) {
        const int8_t *from = in + ky * row;
        for (uint32_t kx = 0; kx < c->kernel_width; kx += joined) {
            x = dsp_widen_4(x, from + offset[0], from + offset[1], from + offset[2],
                            from + offset[3], run);
            from += gap;
        }
    }
}

void dsp_conv_s8(const dsp_conv_t *c, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t *const x = scratch;
    int8_t *const patch = (int8_t *)(x + 4U * c->gemm.k_pairs);
    const uint32_t joined = c->dilation_width == 1U ? c->kernel_width : 1U;
    const uint32_t k = (uint32_t)c->kernel_height * c->kernel_width * c->in_channels;
    const uint32_t words = (joined * c->in_channels) % 4U == 0U ? 1U : 0U;
    /* A corner up to here, and not negative, has its field inside the image. */
    const int32_t last_y = c->in_height - (c->kernel_height - 1) * c->dilation_height - 1;
    const int32_t last_x = c->in_width - (c->kernel_width - 1) * c->dilation_width - 1;
    const int32_t right = c->out_width * c->stride_width - c->pad_left;
    for (uint32_t batch = 0; batch < c->batches; batch++) {
        uint32_t left = (uint32_t)c->out_height * c->out_width;
        corner_t next = {-(int32_t)c->pad_top, -(int32_t)c->pad_left};
        while (left > 0U) {
            const uint32_t pixels = left >= 4U ? 4U : 1U;
            corner_t at[4];
            uint32_t inside = words;
            for (uint32_t p = 0; p < pixels; p++) {
                at[p] = next;
                if (next.y < 0 || next.y > last_y || next.x < 0 || next.x > last_x) {
                    inside = 0U;
                }
                next.x += c->stride_width;
                if (next.x == right) {
                    next.x = -(int32_t)c->pad_left;
                    next.y += c->stride_height;
                }
            }
            if (pixels == 4U && inside != 0U) {
                widen_inside(c, in, at, x);
            } else {
                for (uint32_t p = 0; p < pixels; p++) {
                    gather(c, in, at[p], patch);
                    dsp_widen_tail(x + p, pixels, patch, k);
                }
            }
            if (pixels == 4U) {
                dsp_gemm_4px(&c->gemm, x, out);
            } else {
                dsp_gemm_1px(&c->gemm, x, out);
            }
            out += pixels * c->gemm.channels;
            left -= pixels;
        }
        in += (uint32_t)c->in_height * c->in_width * c->in_channels;
    }
}
