/* GCC's scheduler before register allocation spills the transforms: 1.1 times the instructions. */
#pragma GCC optimize("no-schedule-insns")

#include "winograd4.h"
#include "winograd_product.h"

#define FREQUENCIES 36U

typedef struct {
    const dsp_winograd4_t *conv;
    const int8_t *in;
    int8_t *saved; /* in place: the row above the tiles, as it was */
    int8_t *out;
    int32_t *u, *v, *m;
    uint32_t tiles_x, tiles; /* in a row, in all */
} work_t;

/* G' g of one row or column; u: 6 words, `step` words apart. */
DSP_INLINE void weights_1d(int32_t g0, int32_t g1, int32_t g2, int32_t *u, uint32_t step)
{
    const int32_t outer = dsp_sadd16(g0, g2);
    const int32_t twice = dsp_sadd16(g1, g1);
    const int32_t half = dsp_sadd16(g2, g2);
    const int32_t far = dsp_sadd16(g0, dsp_sadd16(half, half));
    u[0] = g0;
    u[step] = dsp_sadd16(outer, g1);
    u[2U * step] = dsp_ssub16(outer, g1);
    u[3U * step] = dsp_sadd16(far, twice);
    u[4U * step] = dsp_ssub16(far, twice);
    u[5U * step] = g2;
}

/* U for a pair of input channels of one output channel. turn: 0 for bytes 0 and 2 of the words at
 * `weights`, 8 for bytes 1 and 3. */
static __attribute__((noinline)) void transform_weights(const int8_t *weights, uint32_t channels,
                                                        uint32_t turn, int32_t *u)
{
    int32_t columns[18];
#pragma GCC unroll 3
    for (uint32_t x = 0; x < 3U; x++) {
        int32_t g[3];
        const int8_t *w = weights;
#pragma GCC unroll 3
        for (uint32_t y = 0; y < 3U; y++) {
            g[y] = dsp_sxtb16((int32_t)((uint32_t)dsp_load4(w) >> turn));
            w += 3U * channels;
        }
        weights_1d(g[0], g[1], g[2], columns + x, 3U);
        weights += channels;
    }
#pragma GCC unroll 6
    for (uint32_t y = 0; y < 6U; y++) {
        const int32_t *row = columns + 3U * y;
        weights_1d(row[0], row[1], row[2], u, channels);
        u += 6U * channels;
    }
}

/* U of the channels from `first` on: per pair of channels and frequency, in_channels / 2 times a
 * word of each. */
static void make_u(const work_t *work, uint32_t first, uint32_t count)
{
    const uint32_t channels = work->conv->in_channels;
    const int8_t *weights = work->conv->weights + first * 9U * channels;
    for (uint32_t c = 0; c < count; c++) {
        int32_t *u = work->u + (c / 2U) * FREQUENCIES * channels + c % 2U;
        for (uint32_t k = 0; k < channels; k += 4U) {
            transform_weights(weights + k, channels, 0U, u);
            transform_weights(weights + k, channels, 8U, u + 2);
            u += 4;
        }
        weights += 9U * channels;
    }
}

/* B^T d of one row or column. */
DSP_INLINE void input_1d(const int32_t d[6], int32_t *v, uint32_t step)
{
    const int32_t d31 = dsp_ssub16(d[3], d[1]);
    const int32_t d42 = dsp_ssub16(d[4], d[2]);
    const int32_t twice31 = dsp_sadd16(d31, d31);
    const int32_t twice1 = dsp_sadd16(d[1], d[1]), twice2 = dsp_sadd16(d[2], d[2]);
    const int32_t p = dsp_ssub16(d[4], dsp_sadd16(twice2, twice2));
    const int32_t q = dsp_ssub16(d[3], dsp_sadd16(twice1, twice1));
    const int32_t d02 = dsp_ssub16(d[0], d[2]);
    const int32_t twice02 = dsp_sadd16(d02, d02);
    v[0] = dsp_sadd16(dsp_sadd16(twice02, twice02), d42);
    v[step] = dsp_sadd16(p, q);
    v[2U * step] = dsp_ssub16(p, q);
    v[3U * step] = dsp_sadd16(d42, twice31);
    v[4U * step] = dsp_ssub16(d42, twice31);
    v[5U * step] = dsp_ssub16(dsp_ssub16(d[5], d[3]), dsp_sadd16(twice31, twice31));
}

/* The six rows of four channels of a tile: the first one may lie elsewhere. */
typedef struct {
    const int8_t *top, *rest;
    uint32_t row, column; /* bytes from row to row of `rest`, from pixel to pixel */
} patch_t;

/* V of a tile for a pair of channels; odd: the second pair of four. v: frequency 0. */
DSP_INLINE void transform_input(patch_t p, uint32_t odd, int32_t *v, uint32_t next)
{
    int32_t columns[36];
    for (uint32_t x = 0; x < 6U; x++) {
        const int8_t *from = p.rest;
        int32_t d[6];
        d[0] = dsp_load4(p.top);
#pragma GCC unroll 5
        for (uint32_t y = 1; y < 6U; y++) {
            d[y] = dsp_load4(from);
            from += p.row;
        }
#pragma GCC unroll 6
        for (uint32_t y = 0; y < 6U; y++) {
            d[y] = odd != 0U ? dsp_sxtb16_odd(d[y]) : dsp_sxtb16(d[y]);
        }
        input_1d(d, columns + x, 6U);
        p.top += p.column;
        p.rest += p.column;
    }
    for (uint32_t y = 0; y < 6U; y++) {
        input_1d(columns + 6U * y, v, next);
        v += 6U * next;
    }
}

static __attribute__((noinline)) void transform_even(patch_t p, int32_t *v, uint32_t next)
{
    transform_input(p, 0U, v, next);
}

static __attribute__((noinline)) void transform_odd(patch_t p, int32_t *v, uint32_t next)
{
    transform_input(p, 1U, v, next);
}

/* Four channels of a tile that reaches over the image's border, with the padding. The first row is
 * read at `top`, its column 0. */
static void gather(const work_t *work, const int8_t *top, int32_t y0, int32_t x0, uint32_t k,
                   int32_t words[36])
{
    const dsp_winograd4_t *conv = work->conv;
    const uint32_t channels = conv->in_channels;
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)conv->in_zero);
    const int32_t left = x0 < 0 ? -x0 : 0;
    const int32_t right = conv->in_width - x0 < 6 ? conv->in_width - x0 : 6;
    const int8_t *row = top + k;
    for (int32_t y = y0; y < y0 + 6; y++) {
        if ((uint32_t)y >= conv->in_height) {
#pragma GCC unroll 6
            for (int32_t x = 0; x < 6; x++) {
                words[x] = zero;
            }
        } else {
            const int8_t *from = row + (uint32_t)(x0 + left) * channels;
            int32_t x = 0;
            for (; x < left; x++) {
                words[x] = zero;
            }
            for (; x < right; x++) {
                words[x] = dsp_load4(from);
                from += channels;
            }
            for (; x < 6; x++) {
                words[x] = zero;
            }
        }
        words += 6;
        row = work->in + (y + 1) * conv->in_width * (int32_t)channels + k;
    }
}

/* V of the tiles from `first` on: per block of 4 tiles and frequency, in_channels / 2 times a word
 * of each tile. */
static void make_v(const work_t *work, uint32_t first, uint32_t count)
{
    const dsp_winograd4_t *conv = work->conv;
    const uint32_t channels = conv->in_channels;
    for (uint32_t slot = 0; slot < count; slot++) {
        const int32_t y0 = (int32_t)((first + slot) / work->tiles_x * 4U) - conv->pad_top;
        const int32_t x0 = (int32_t)((first + slot) % work->tiles_x * 4U) - conv->pad_left;
        const uint32_t inside =
            y0 >= 0 && x0 >= 0 && y0 + 6 <= conv->in_height && x0 + 6 <= conv->in_width ? 1U : 0U;
        /* The row above this row of tiles was overwritten by the group before. */
        const uint32_t saved =
            conv->in_place != 0U && slot < work->tiles_x && first != 0U ? 1U : 0U;
        const int8_t *top =
            saved != 0U ? work->saved : work->in + y0 * conv->in_width * (int32_t)channels;
        int32_t *v = work->v + (slot / 4U) * FREQUENCIES * 2U * channels + slot % 4U;
        for (uint32_t k = 0; k < channels; k += 4U) {
            int32_t words[36];
            patch_t p = {(const int8_t *)words, (const int8_t *)(words + 6), 24U, 4U};
            if (inside != 0U) {
                p.row = conv->in_width * channels;
                p.column = channels;
                p.top = top + (uint32_t)x0 * channels + k;
                p.rest = work->in + (uint32_t)(y0 + 1) * p.row + (uint32_t)x0 * channels + k;
            } else {
                gather(work, top, y0, x0, k, words);
            }
            transform_even(p, v, 2U * channels);
            transform_odd(p, v + 4, 2U * channels);
            v += 8;
        }
    }
}

/* A^T with the products' scale, modulo 2^32. y: 4 words, `step` apart. */
DSP_INLINE void output_1d(const uint32_t m[6], uint32_t y[4])
{
    const uint32_t a = m[1] + m[2], b = m[1] - m[2];
    const uint32_t c = m[3] + m[4], d = m[3] - m[4];
    y[0] = c - (a << 2) + (m[0] << 1) + (m[0] << 2);
    y[1] = (d - (b << 1)) << 1;
    y[2] = (c - a) << 2;
    y[3] = ((d << 1) - b + (m[5] << 1) + (m[5] << 2)) << 2;
}

/* Where the outputs of a tile go, channel 0. */
typedef struct {
    int8_t *out;
    uint32_t rows, columns; /* inside the image: 1 to 4 */
} place_t;

/* One channel of a tile, from products to bytes. m: 36 words, 8 apart. sign: its term is needed. */
DSP_INLINE void store(const work_t *work, const int32_t *m, uint32_t c, const place_t *place,
                      uint32_t sign)
{
    const dsp_winograd4_scale_t *scale = work->conv->scales + c;
    const uint32_t step = work->conv->out_channels;
    const uint32_t row = work->conv->out_width * step;
    const uint32_t shift = (uint32_t)scale->shift;
    const int32_t multiplier = scale->multiplier, offset = scale->offset, unit = scale->unit;
    int8_t *out = place->out + c;
    uint32_t across[4][6];
    for (uint32_t x = 0; x < 6U; x++) {
        uint32_t column[6], y[4];
#pragma GCC unroll 6
        for (uint32_t i = 0; i < 6U; i++) {
            column[i] = (uint32_t)m[48U * i];
        }
        output_1d(column, y);
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4U; i++) {
            across[i][x] = y[i];
        }
        m += 8;
    }
    /* 36 * 4 into the second column, which counts 4 times in every output. */
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4U; i++) {
        across[i][1] -= (uint32_t)scale->start;
    }
    for (uint32_t i = 0; i < place->rows; i++) {
        uint32_t y[4];
        output_1d(across[i], y);
#pragma GCC unroll 4
        for (uint32_t j = 0; j < 4U; j++) {
            const int32_t acc = (int32_t)(y[j] * shift);
            const int32_t t = sign != 0U ? offset - (unit & (acc >> 31)) : offset;
            y[j] = (uint32_t)dsp_ssat8_asr(dsp_smmla(acc, multiplier, t), DSP_WINOGRAD4_FRACTION);
        }
        out[0] = (int8_t)y[0];
        if (place->columns >= 4U) {
            out[step] = (int8_t)y[1];
            out[2U * step] = (int8_t)y[2];
            out[3U * step] = (int8_t)y[3];
        } else {
            for (uint32_t j = 1; j < place->columns; j++) {
                out[j * step] = (int8_t)y[j];
            }
        }
        out += row;
    }
}

static __attribute__((noinline)) void store_floor(const work_t *work, const int32_t *m, uint32_t c,
                                                  const place_t *place)
{
    store(work, m, c, place, 0U);
}

static __attribute__((noinline)) void store_sign(const work_t *work, const int32_t *m, uint32_t c,
                                                 const place_t *place)
{
    store(work, m, c, place, 1U);
}

static place_t place_of(const work_t *work, uint32_t tile)
{
    const dsp_winograd4_t *conv = work->conv;
    const uint32_t y = tile / work->tiles_x * 4U;
    const uint32_t x = tile % work->tiles_x * 4U;
    const place_t place = {
        work->out + (y * conv->out_width + x) * conv->out_channels,
        conv->out_height - y < 4U ? conv->out_height - y : 4U,
        conv->out_width - x < 4U ? conv->out_width - x : 4U,
    };
    return place;
}

/* All channels from `first` on of a block of up to four tiles. */
static void block(const work_t *work, uint32_t first, uint32_t count, const int32_t *v,
                  const place_t places[4], uint32_t tiles)
{
    const uint32_t channels = work->conv->in_channels;
    const int32_t *u = work->u;
    for (uint32_t c = first; c < first + count; c += 2U) {
        dsp_winograd_products(u, v, channels / 2U, work->m, FREQUENCIES);
        for (uint32_t t = 0; t < tiles; t++) {
            if (work->conv->sign == 0U) {
                store_floor(work, work->m + t, c, &places[t]);
                store_floor(work, work->m + 4U + t, c + 1U, &places[t]);
            } else {
                store_sign(work, work->m + t, c, &places[t]);
                store_sign(work, work->m + 4U + t, c + 1U, &places[t]);
            }
        }
        u += FREQUENCIES * channels;
    }
}

static void image(const work_t *work)
{
    const dsp_winograd4_t *conv = work->conv;
    const uint32_t channels = conv->in_channels;
    const uint32_t row = (uint32_t)conv->in_width * channels;
    for (uint32_t tile = 0; tile < work->tiles; tile += conv->group) {
        const uint32_t rest = work->tiles - tile;
        const uint32_t tiles = rest < conv->group ? rest : conv->group;
        make_v(work, tile, tiles);
        if (conv->in_place != 0U && rest > tiles) {
            /* The next tiles begin with the last row that these overwrite. */
            memcpy(work->saved, work->in + ((tile + tiles) / work->tiles_x * 4U - 1U) * row, row);
        }
        for (uint32_t first = 0; first < conv->out_channels; first += conv->slice) {
            const uint32_t left = conv->out_channels - first;
            const uint32_t count = left < conv->slice ? left : conv->slice;
            if (tile == 0U || conv->slice < conv->out_channels) {
                make_u(work, first, count);
            }
            for (uint32_t t = 0; t < tiles; t += 4U) {
                const uint32_t used = tiles - t < 4U ? tiles - t : 4U;
                const int32_t *v = work->v + t / 4U * FREQUENCIES * 2U * channels;
                place_t places[4];
                for (uint32_t i = 0; i < used; i++) {
                    places[i] = place_of(work, tile + t + i);
                }
                block(work, first, count, v, places, used);
            }
        }
    }
}

void dsp_winograd4_3x3_s8(const dsp_winograd4_t *conv, const int8_t *in, int8_t *out, void *scratch)
{
    const uint32_t channels = conv->in_channels;
    int32_t *const u = scratch;
    int32_t *const v = u + FREQUENCIES / 2U * channels * conv->slice;
    int32_t *const m = v + FREQUENCIES * 2U * channels * ((conv->group + 3U) / 4U);
    work_t work = {
        .conv = conv,
        .in = in,
        .saved = (int8_t *)(m + 8U * FREQUENCIES),
        .out = out,
        .u = u,
        .v = v,
        .m = m,
        .tiles_x = (conv->out_width + 3U) / 4U,
    };
    work.tiles = work.tiles_x * ((conv->out_height + 3U) / 4U);
    for (uint32_t batch = 0; batch < conv->batches; batch++) {
        image(&work);
        work.in += (size_t)conv->in_height * conv->in_width * channels;
        work.out += (size_t)conv->out_height * conv->out_width * conv->out_channels;
    }
}
