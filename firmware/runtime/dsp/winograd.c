#include "winograd.h"
#include "winograd_product.h"

/* A row of the image, or one pixel of padding that is read again and again. */
typedef struct {
    const int8_t *pixel; /* four channels of the pixel in column 0 */
    uint32_t step;       /* bytes to the next pixel */
} line_t;

typedef struct {
    const dsp_winograd_t *conv;
    const int8_t *in;
    const int8_t *saved; /* in place: the row above the tiles, as it was */
    int8_t *out;
    int32_t *u, *v, *m;
    int8_t *nowhere;         /* out_channels bytes for outputs beyond the image */
    uint32_t tiles_x, tiles; /* in a row, in all */
    int32_t zero;            /* four times the input's zero point */
} work_t;

/* 2 G g G^T 2 for one pair of input channels; g: 9 pairs, u: 16 words, `step` words apart. */
DSP_INLINE void transform_weights(const int32_t g[9], int32_t *u, uint32_t step)
{
    int32_t rows[4][3];
#pragma GCC unroll 3
    for (uint32_t x = 0; x < 3U; x++) {
        const int32_t outer = dsp_sadd16(g[x], g[6U + x]);
        rows[0][x] = dsp_sadd16(g[x], g[x]);
        rows[1][x] = dsp_sadd16(outer, g[3U + x]);
        rows[2][x] = dsp_ssub16(outer, g[3U + x]);
        rows[3][x] = dsp_sadd16(g[6U + x], g[6U + x]);
    }
#pragma GCC unroll 4
    for (uint32_t y = 0; y < 4U; y++) {
        const int32_t *r = rows[y];
        const int32_t outer = dsp_sadd16(r[0], r[2]);
        u[0] = dsp_sadd16(r[0], r[0]);
        u[step] = dsp_sadd16(outer, r[1]);
        u[2U * step] = dsp_ssub16(outer, r[1]);
        u[3U * step] = dsp_sadd16(r[2], r[2]);
        u += 4U * step;
    }
}

/* Four input channels of one output channel. odd: which pair of them. */
static __attribute__((noinline)) void make_pair(const int8_t *weights, uint32_t channels,
                                                uint32_t odd, int32_t *u)
{
    int32_t g[9];
#pragma GCC unroll 9
    for (uint32_t tap = 0; tap < 9U; tap++) {
        g[tap] = dsp_load4(weights);
        weights += channels;
    }
    if (odd != 0U) {
#pragma GCC unroll 9
        for (uint32_t tap = 0; tap < 9U; tap++) {
            g[tap] = dsp_sxtb16_odd(g[tap]);
        }
    } else {
#pragma GCC unroll 9
        for (uint32_t tap = 0; tap < 9U; tap++) {
            g[tap] = dsp_sxtb16(g[tap]);
        }
    }
    transform_weights(g, u, channels);
}

/* U of the channels from `first` on: per pair of channels and frequency, in_channels / 2 times a
 * word of each. */
static void make_u(const work_t *work, uint32_t first, uint32_t count)
{
    const uint32_t channels = work->conv->in_channels;
    const int8_t *weights = work->conv->weights + first * 9U * channels;
    for (uint32_t c = 0; c < count; c++) {
        int32_t *u = work->u + (c / 2U) * 16U * channels + c % 2U;
        for (uint32_t k = 0; k < channels; k += 4U) {
            make_pair(weights + k, channels, 0U, u);
            make_pair(weights + k, channels, 1U, u + 2);
            u += 4;
        }
        weights += 9U * channels;
    }
}

static line_t line_of(const work_t *work, int32_t y, uint32_t row_of_tile)
{
    const dsp_winograd_t *conv = work->conv;
    line_t line = {(const int8_t *)&work->zero, 0U};
    if ((uint32_t)y < conv->in_height) {
        line.step = conv->in_channels;
        line.pixel = work->in + (size_t)y * conv->in_width * conv->in_channels;
        if (conv->in_place != 0U && row_of_tile == 0U) {
            line.pixel = work->saved;
        }
    }
    return line;
}

/* A row of V for a run of tiles, four channels: d_a - d_b (or + d_b) of two rows of the image, then
 * along x. v: frequency 4 * row of the run's first tile. */
DSP_INLINE void transform_row(const work_t *work, line_t a, line_t b, uint32_t plus, uint32_t k,
                              uint32_t first, uint32_t count, int32_t *v)
{
    const uint32_t width = work->conv->in_width;
    const uint32_t next = 2U * work->conv->in_channels; /* words from frequency to frequency */
    const uint32_t block = 15U * next + next - 3U;      /* from a block's last tile on */
    const int32_t zero = work->zero;
    uint32_t x = 2U * (first % work->tiles_x) - work->conv->pad_left; /* may be -1 */
    uint32_t left = 4U - first % 4U;
    int32_t even0, odd0, even1, odd1, even2, odd2, even3, odd3;
    const int8_t *pa =
        a.pixel + (a.step != 0U ? k : 0U) + (ptrdiff_t)(int32_t)x * (ptrdiff_t)a.step;
    const int8_t *pb =
        b.pixel + (b.step != 0U ? k : 0U) + (ptrdiff_t)(int32_t)x * (ptrdiff_t)b.step;
#define COLUMN(even, odd)                                                                          \
    do {                                                                                           \
        int32_t wa = zero, wb = zero;                                                              \
        if (x < width) {                                                                           \
            wa = dsp_load4(pa);                                                                    \
            wb = dsp_load4(pb);                                                                    \
        }                                                                                          \
        pa += a.step, pb += b.step, x++;                                                           \
        if (plus != 0U) {                                                                          \
            even = dsp_sxtab16(dsp_sxtb16(wa), wb);                                                \
            odd = dsp_sxtab16_odd(dsp_sxtb16_odd(wa), wb);                                         \
        } else {                                                                                   \
            even = dsp_ssub16(dsp_sxtb16(wa), dsp_sxtb16(wb));                                     \
            odd = dsp_ssub16(dsp_sxtb16_odd(wa), dsp_sxtb16_odd(wb));                              \
        }                                                                                          \
    } while (0)
    COLUMN(even0, odd0);
    COLUMN(even1, odd1);
    for (; count > 0U; count--) {
        COLUMN(even2, odd2);
        COLUMN(even3, odd3);
        v[0] = dsp_ssub16(even0, even2);
        v[4] = dsp_ssub16(odd0, odd2);
        v[next] = dsp_sadd16(even1, even2);
        v[next + 4U] = dsp_sadd16(odd1, odd2);
        v[2U * next] = dsp_ssub16(even2, even1);
        v[2U * next + 4U] = dsp_ssub16(odd2, odd1);
        v[3U * next] = dsp_ssub16(even1, even3);
        v[3U * next + 4U] = dsp_ssub16(odd1, odd3);
        even0 = even2, odd0 = odd2, even1 = even3, odd1 = odd3;
        v++;
        if (--left == 0U) {
            left = 4U;
            v += block - 1U;
        }
    }
#undef COLUMN
}

static __attribute__((noinline)) void transform_difference(const work_t *work, line_t a, line_t b,
                                                           uint32_t k, uint32_t first,
                                                           uint32_t count, int32_t *v)
{
    transform_row(work, a, b, 0U, k, first, count, v);
}

static __attribute__((noinline)) void transform_sum(const work_t *work, line_t a, line_t b,
                                                    uint32_t k, uint32_t first, uint32_t count,
                                                    int32_t *v)
{
    transform_row(work, a, b, 1U, k, first, count, v);
}

/* V of the tiles from `first` on: per block of 4 tiles and frequency, in_channels / 2 times a word
 * of each tile. */
static void make_v(const work_t *work, uint32_t first, uint32_t count)
{
    const uint32_t channels = work->conv->in_channels;
    const uint32_t row_of_v = 8U * channels; /* words: four frequencies */
    uint32_t slot = 0;
    while (slot < count) {
        const uint32_t tile = first + slot;
        const uint32_t rest = work->tiles_x - tile % work->tiles_x;
        const uint32_t run = rest < count - slot ? rest : count - slot;
        const int32_t y = (int32_t)(2U * (tile / work->tiles_x)) - work->conv->pad_top;
        const line_t d0 = line_of(work, y, 0U), d1 = line_of(work, y + 1, 1U);
        const line_t d2 = line_of(work, y + 2, 2U), d3 = line_of(work, y + 3, 3U);
        for (uint32_t k = 0; k < channels; k += 4U) {
            int32_t *v = work->v + (slot / 4U) * 32U * channels + slot % 4U + 2U * k;
            transform_difference(work, d0, d2, k, tile, run, v);
            transform_sum(work, d1, d2, k, tile, run, v + row_of_v);
            transform_difference(work, d2, d1, k, tile, run, v + 2U * row_of_v);
            transform_difference(work, d1, d3, k, tile, run, v + 3U * row_of_v);
        }
        slot += run;
    }
}

/* A^T m A: four outputs of a tile; m: 16 words, 8 apart. */
DSP_INLINE void transform_products(const int32_t *m, int32_t start, int32_t y[4])
{
    int32_t left[4], right[4];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4U; i++) {
        const int32_t m1 = m[32U * i + 8U], m2 = m[32U * i + 16U];
        left[i] = m[32U * i] + m1 + m2;
        right[i] = m1 - m2 - m[32U * i + 24U];
    }
    left[1] += start, right[1] += start; /* the second row counts once in every output */
    y[0] = left[0] + left[1] + left[2];
    y[1] = right[0] + right[1] + right[2];
    y[2] = left[1] - left[2] - left[3];
    y[3] = right[1] - right[2] - right[3];
}

/* One channel of a block, from products to bytes. out: per tile where its four outputs of channel 0
 * go; those outside the image go to a place of their own. */
static void store(const work_t *work, const int32_t *m, uint32_t c, int8_t *const out[16],
                  uint32_t count)
{
    const dsp_winograd_t *conv = work->conv;
    const dsp_scale_t *scale = conv->scales + c * conv->output.scale_step;
    const int32_t start = conv->start[c];
    const int32_t offset = dsp_offset(conv->output.base, scale->shift);
    const int32_t multiplier = scale->multiplier, shift = scale->shift;
    for (uint32_t t = 0; t < count; t++) {
        int32_t y[4];
        transform_products(m + t, start, y);
        if (conv->output.mode == (uint8_t)DSP_FLOOR) {
#pragma GCC unroll 4
            for (uint32_t i = 0; i < 4U; i++) {
                y[i] = dsp_requant_floor(y[i], multiplier, shift, offset);
            }
        } else if (conv->output.mode == (uint8_t)DSP_SIGN) {
#pragma GCC unroll 4
            for (uint32_t i = 0; i < 4U; i++) {
                y[i] = dsp_requant_sign(y[i], multiplier, shift, offset);
            }
        } else {
            for (uint32_t i = 0; i < 4U; i++) {
                y[i] = dsp_requant_any(y[i], scale, &conv->output);
            }
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4U; i++) {
            out[i][c] = (int8_t)y[i];
        }
        out += 4;
    }
}

/* Where the outputs of a block go, for channel 0. */
static void place(const work_t *work, uint32_t first, uint32_t count, int8_t *out[16])
{
    const dsp_winograd_t *conv = work->conv;
    for (uint32_t t = 0; t < count; t++) {
        const uint32_t ty = (first + t) / work->tiles_x * 2U;
        const uint32_t tx = (first + t) % work->tiles_x * 2U;
        int8_t *at = work->out + (ty * conv->out_width + tx) * conv->out_channels;
        int8_t *const nowhere = work->nowhere;
        const uint32_t right = tx + 1U < conv->out_width ? 1U : 0U;
        const uint32_t below = ty + 1U < conv->out_height ? 1U : 0U;
        out[0] = at;
        out[1] = right != 0U ? at + conv->out_channels : nowhere;
        at += (uint32_t)conv->out_width * conv->out_channels;
        out[2] = below != 0U ? at : nowhere;
        out[3] = right != 0U && below != 0U ? at + conv->out_channels : nowhere;
        out += 4;
    }
}

/* In place: keeps the last row that the next row of tiles reads and this one overwrites. */
static void save_row(const work_t *work, int8_t *saved, uint32_t tile)
{
    const uint32_t bytes = (uint32_t)work->conv->in_width * work->conv->in_channels;
    const uint32_t y = tile / work->tiles_x * 2U + 1U;
    if (y < work->conv->in_height) {
        memcpy(saved, work->in + y * bytes, bytes);
    }
}

static void image(work_t *work, int8_t *saved)
{
    const dsp_winograd_t *conv = work->conv;
    const uint32_t channels = conv->in_channels;
    const uint32_t most = conv->group * 4U;
    for (uint32_t first = 0; first < conv->out_channels; first += conv->slice) {
        const uint32_t rest = conv->out_channels - first;
        const uint32_t count = rest < conv->slice ? rest : conv->slice;
        make_u(work, first, count);
        for (uint32_t tile = 0; tile < work->tiles; tile += most) {
            const uint32_t left = work->tiles - tile;
            const uint32_t tiles = left < most ? left : most;
            if (first == 0U || most < work->tiles) {
                make_v(work, tile, tiles);
                if (conv->in_place != 0U) {
                    save_row(work, saved, tile);
                }
            }
            for (uint32_t t = 0; t < tiles; t += 4U) {
                const uint32_t used = tiles - t < 4U ? tiles - t : 4U;
                const int32_t *u = work->u;
                int8_t *places[16];
                place(work, tile + t, used, places);
                for (uint32_t c = first; c < first + count; c += 2U) {
                    dsp_winograd_products(u, work->v + t * 8U * channels, channels / 2U, work->m,
                                          16U);
                    store(work, work->m, c, places, used);
                    store(work, work->m + 4, c + 1U, places, used);
                    u += 16U * channels;
                }
            }
        }
    }
}

void dsp_winograd_3x3_s8(const dsp_winograd_t *conv, const int8_t *in, int8_t *out, void *scratch)
{
    const uint32_t channels = conv->in_channels;
    int32_t *const u = scratch;
    int32_t *const v = u + 8U * channels * conv->slice;
    int32_t *const m = v + 32U * channels * conv->group;
    int8_t *const saved = (int8_t *)(m + 128);
    work_t work = {
        .conv = conv,
        .in = in,
        .saved = saved,
        .out = out,
        .u = u,
        .v = v,
        .m = m,
        .nowhere = saved + (conv->in_place != 0U ? (uint32_t)conv->in_width * channels : 0U),
        .tiles_x = (conv->out_width + 1U) / 2U,
        .zero = (int32_t)(0x01010101U * (uint8_t)conv->in_zero),
    };
    work.tiles = work.tiles_x * ((conv->out_height + 1U) / 2U);
    for (uint32_t batch = 0; batch < conv->batches; batch++) {
        image(&work, saved);
        work.in += (size_t)conv->in_height * conv->in_width * channels;
        work.out += (size_t)conv->out_height * conv->out_width * conv->out_channels;
    }
}
