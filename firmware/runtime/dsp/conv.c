#include "conv.h"
#include "widen.h"

/* Where the fields of a row of outputs are read. */
typedef struct {
    const int8_t *from; /* the first pixel of the first field */
    uint32_t row;       /* bytes from kernel row to kernel row */
} source_t;

/* What is the same for all pixels. */
typedef struct {
    uint32_t runs;   /* stretches of consecutive bytes in a row of a field */
    uint32_t bytes;  /* of a run */
    uint32_t gap;    /* from run to run */
    uint32_t stride; /* bytes from field to field */
    uint32_t width;  /* bytes of a row of the band: all fields of a row of outputs */
    uint32_t k;
    uint32_t patch; /* bytes of a gathered field */
} layout_t;

/* Copies whole words, up to 3 bytes too many. */
DSP_INLINE void copy_words(int8_t *to, const int8_t *from, uint32_t bytes)
{
    const int8_t *end = to + bytes;
    do {
        dsp_store4(to, dsp_load4(from));
        to += 4, from += 4;
    } while (to < end);
}

/* The rows of the image that a row of outputs reads, with the padding. */
static void fill_band(const dsp_conv_t *c, const layout_t *l, const int8_t *in, int32_t y,
                      int8_t *band)
{
    const uint32_t row = (uint32_t)c->in_width * c->in_channels;
    const uint32_t left = (uint32_t)c->pad_left * c->in_channels;
    const uint32_t room = l->width - left;
    const uint32_t bytes = row < room ? row : room;
    for (uint32_t ky = 0; ky < c->kernel_height; ky++) {
        if ((uint32_t)y >= c->in_height) {
            memset(band, c->in_zero, l->width);
        } else {
            memset(band, c->in_zero, left);
            memcpy(band + left, in + (uint32_t)y * row, bytes);
            memset(band + left + bytes, c->in_zero, room - bytes);
        }
        band += l->width;
        y += c->dilation_height;
    }
}

/* Four neighbours, in runs of whole words. */
static void widen_block(const dsp_conv_t *c, const layout_t *l, source_t s, int32_t *x)
{
    for (uint32_t ky = c->kernel_height; ky > 0U; ky--) {
        const int8_t *from = s.from;
        for (uint32_t run = l->runs; run > 0U; run--) {
            x = dsp_widen_4(x, from, l->stride, l->bytes);
            from += l->gap;
        }
        s.from += s.row;
    }
}

/* The field of one pixel as K bytes. */
static void gather(const dsp_conv_t *c, const layout_t *l, source_t s, int8_t *patch)
{
    for (uint32_t ky = c->kernel_height; ky > 0U; ky--) {
        const int8_t *from = s.from;
        for (uint32_t run = l->runs; run > 0U; run--) {
            copy_words(patch, from, l->bytes);
            patch += l->bytes;
            from += l->gap;
        }
        s.from += s.row;
    }
}

/* Four neighbours, runs of any length. */
static void gather_block(const dsp_conv_t *c, const layout_t *l, source_t s, int32_t *x,
                         int8_t *patch)
{
    int8_t *to = patch;
    for (uint32_t p = 0; p < 4U; p++) {
        gather(c, l, s, to);
        s.from += l->stride;
        to += l->patch;
    }
    (void)dsp_widen_4(x, patch, l->patch, (l->k + 3U) & ~3U);
}

/* An image by one group, which begins with channel `first` of the input. */
static void image(const dsp_conv_t *c, const dsp_gemm_t *gemm, const layout_t *l, const int8_t *in,
                  uint32_t first, int8_t *out, int32_t *x)
{
    int8_t *const patch = (int8_t *)(x + 4U * gemm->k_pairs);
    /* Runs of whole words are gathered one pixel at a time only. */
    int8_t *const band = patch + (l->bytes % 4U == 0U ? 1U : 4U) * l->patch;
    const uint32_t row = (uint32_t)c->in_width * c->in_channels;
    uint32_t left = (uint32_t)c->out_height * c->out_width;
    uint32_t lane = 0;
    for (uint32_t oy = 0; oy < c->out_height; oy++) {
        const int32_t y = (int32_t)(oy * c->stride_height) - c->pad_top;
        source_t s = {band + first, l->width};
        uint32_t ox = 0;
        if (c->padded != 0U) {
            fill_band(c, l, in, y, band);
        } else {
            s.from = in + (uint32_t)y * row + first;
            s.row = row * c->dilation_height;
        }
        while (ox < c->out_width) {
            uint32_t pixels = 1U;
            if (left < 4U && lane == 0U) { /* the last few, one by one */
                gather(c, l, s, patch);
                (void)dsp_widen_1(x, 1U, patch, (l->k + 3U) & ~3U);
                gemm->tile_1px(gemm, x, out);
                out += gemm->stride;
                left--;
            } else {
                if (lane == 0U && ox + 4U <= c->out_width) {
                    if (l->bytes % 4U == 0U) {
                        widen_block(c, l, s, x);
                    } else {
                        gather_block(c, l, s, x, patch);
                    }
                    pixels = 4U;
                } else {
                    gather(c, l, s, patch);
                    (void)dsp_widen_1(x + lane, 4U, patch, (l->k + 3U) & ~3U);
                }
                lane += pixels;
                if (lane == 4U) {
                    gemm->tile_4px(gemm, x, out);
                    out += 4U * gemm->stride;
                    left -= 4U;
                    lane = 0;
                }
            }
            s.from += pixels * l->stride;
            ox += pixels;
        }
    }
}

void dsp_conv_s8(const dsp_conv_t *c, const int8_t *in, int8_t *out, void *scratch)
{
    const uint32_t channels = c->in_channels;
    const uint32_t joined = c->dilation_width == 1U && c->groups == 1U ? c->kernel_width : 1U;
    const uint32_t pairs = (c->gemm.channels + 1U) / 2U;
    const uint32_t field = (c->kernel_width - 1U) * c->dilation_width + 1U;
    const layout_t layout = {
        .runs = c->kernel_width / joined,
        .bytes = c->run,
        .gap = c->dilation_width * channels,
        .stride = c->stride_width * channels,
        .width = ((c->out_width - 1U) * c->stride_width + field) * channels,
        .k = c->kernel_height * (c->kernel_width / joined) * c->run,
        .patch = (c->kernel_height * (c->kernel_width / joined) * c->run + 6U) & ~3U,
    };
    for (uint32_t batch = 0; batch < c->batches; batch++) {
        dsp_gemm_t gemm = c->gemm;
        for (uint32_t group = 0; group < c->groups; group++) {
            image(c, &gemm, &layout, in, group * (channels / c->groups),
                  out + group * gemm.channels, scratch);
            gemm.stream += pairs * (gemm.k_pairs + 2U);
            gemm.scales += gemm.channels * gemm.output.scale_step;
        }
        in += (size_t)c->in_height * c->in_width * channels;
        out += (size_t)c->out_height * c->out_width * gemm.stride;
    }
}
