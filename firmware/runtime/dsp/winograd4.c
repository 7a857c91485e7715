/* GCC's scheduler before register allocation spills the transforms: 1.1 times the instructions. */
#pragma GCC optimize("no-schedule-insns")

#include "winograd4.h"
#include "winograd4_input.h"
#include "winograd4_output.h"
#include "winograd_product.h"

#define FREQUENCIES  36U
#define MOST_COLUMNS 18U /* of four tiles */

typedef struct {
    const dsp_winograd4_t *conv;
    const int8_t *in;
    int8_t *saved; /* in place: the row above the tiles, as it was */
    int8_t *out;
    int32_t *u, *v, *m;
    uint32_t tiles_x, tiles; /* in a row, in all */
    int32_t padding;         /* -6 times the input's zero point, twice: B^T of padding */
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

/* The rows of the image that a row of tiles reads; NULL for padding. */
typedef struct {
    const int8_t *rows[6];
    uint32_t inside; /* none is padding */
} band_t;

static band_t band_of(const work_t *work, uint32_t first, uint32_t tile)
{
    const dsp_winograd4_t *conv = work->conv;
    const uint32_t bytes = (uint32_t)conv->in_width * conv->in_channels;
    const int32_t top = (int32_t)(tile / work->tiles_x * 4U) - conv->pad_top;
    band_t band = {.inside = 1U};
    for (int32_t i = 0; i < 6; i++) {
        const int32_t y = top + i;
        if ((uint32_t)y >= conv->in_height) {
            band.inside = 0U;
        } else {
            band.rows[i] = work->in + (uint32_t)y * bytes;
        }
    }
    /* The row above this row of tiles was overwritten by the group before. */
    if (conv->in_place != 0U && first != 0U && tile - first < work->tiles_x) {
        band.rows[0] = work->saved;
    }
    return band;
}

/* Four channels of the pixels of `count` columns, from column x on; what is outside the image is
 * padding. */
static void gather(const work_t *work, const band_t *band, uint32_t x, uint32_t k, uint32_t count,
                   int32_t *words)
{
    const uint32_t width = work->conv->in_width, channels = work->conv->in_channels;
    const int32_t first = (int32_t)x * (int32_t)channels + (int32_t)k; /* x may be -1 */
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)work->conv->in_zero);
    for (uint32_t i = 0; i < 6U; i++) {
        const uint32_t inside = band->rows[i] != NULL ? width : 0U;
        const int8_t *from = (inside != 0U ? band->rows[i] : work->in) + first;
        int32_t *to = words + i;
        for (uint32_t column = x; column != x + count; column++) {
            *to = zero;
            if (column < inside) {
                *to = dsp_load4(from);
            }
            from += channels;
            to += 6;
        }
    }
}

/* Where the transformed columns of a run of tiles come from. */
typedef struct {
    const work_t *work;
    const band_t *band;
    uint32_t k; /* four channels */
    int32_t even[6U * MOST_COLUMNS], odd[6U * MOST_COLUMNS];
} run_t;

/* Column transforms of `count` columns from x on, to column `at`. */
static void make_columns(run_t *run, uint32_t x, uint32_t at, uint32_t count)
{
    const dsp_winograd4_t *conv = run->work->conv;
    int32_t *even = run->even + 6U * at, *odd = run->odd + 6U * at;
    const int8_t *rows[6];
    if (run->band->inside == 0U) {
        int32_t words[6U * MOST_COLUMNS];
        gather(run->work, run->band, x, run->k, count, words);
        for (uint32_t i = 0; i < 6U; i++) {
            rows[i] = (const int8_t *)(words + i);
        }
        dsp_winograd4_columns_even(rows, 6U * sizeof(int32_t), count, even);
        dsp_winograd4_columns_odd(rows, 6U * sizeof(int32_t), count, odd);
        return;
    }
    while (count > 0U) {
        uint32_t n = 1U;
        if (x < conv->in_width) {
            n = conv->in_width - x < count ? conv->in_width - x : count;
            for (uint32_t i = 0; i < 6U; i++) {
                rows[i] = run->band->rows[i] + x * conv->in_channels + run->k;
            }
            dsp_winograd4_columns_even(rows, conv->in_channels, n, even);
            dsp_winograd4_columns_odd(rows, conv->in_channels, n, odd);
        } else {
            even[0] = 0, odd[0] = 0;
            even[1] = run->work->padding, odd[1] = run->work->padding;
            for (uint32_t i = 2; i < 6U; i++) {
                even[i] = 0, odd[i] = 0;
            }
        }
        x += n, count -= n, even += 6U * n, odd += 6U * n;
    }
}

/* V of `tiles` neighbouring tiles for four channels; the first goes to `slot`. */
static void make_run(run_t *run, uint32_t x, uint32_t slot, uint32_t tiles)
{
    const uint32_t channels = run->work->conv->in_channels;
    uint32_t known = 0;
    while (tiles > 0U) {
        const uint32_t room = 4U - slot % 4U; /* left in the block */
        const uint32_t n = tiles < room ? tiles : room;
        int32_t *const v =
            run->work->v + (slot / 4U) * FREQUENCIES * 2U * channels + slot % 4U + 2U * run->k;
        make_columns(run, x + known, known, 4U * n + 2U - known);
        dsp_winograd4_rows(run->even, 2U * channels, n, v);
        dsp_winograd4_rows(run->odd, 2U * channels, n, v + 4);
        known = 2U;
        x += 4U * n, slot += n, tiles -= n;
#pragma GCC unroll 12
        for (uint32_t i = 0; i < 12U; i++) {
            run->even[i] = run->even[24U * n + i];
            run->odd[i] = run->odd[24U * n + i];
        }
    }
}

/* V of the tiles from `first` on: per block of 4 tiles and frequency, in_channels / 2 times a word
 * of each tile. */
static void make_v(const work_t *work, uint32_t first, uint32_t count)
{
    const dsp_winograd4_t *conv = work->conv;
    for (uint32_t slot = 0, run; slot < count; slot += run) {
        const uint32_t column = (first + slot) % work->tiles_x;
        const uint32_t x = column * 4U - conv->pad_left; /* may be -1 */
        const band_t band = band_of(work, first, first + slot);
        run_t columns;
        columns.work = work, columns.band = &band;
        run = work->tiles_x - column < count - slot ? work->tiles_x - column : count - slot;
        for (columns.k = 0; columns.k < conv->in_channels; columns.k += 4U) {
            make_run(&columns, x, slot, run);
        }
    }
}

typedef void store_t(const int32_t *m, const dsp_winograd4_scale_t *scale, int8_t *out,
                     const uint32_t step_row[2]);

/* Where the outputs of a tile go, channel 0. */
typedef struct {
    int8_t *out;
    uint32_t rows, columns; /* inside the image: 1 to 4 */
    uint32_t step_row[2];
} place_t;

static place_t place_of(const work_t *work, uint32_t tile)
{
    const dsp_winograd4_t *conv = work->conv;
    const uint32_t y = tile / work->tiles_x * 4U;
    const uint32_t x = tile % work->tiles_x * 4U;
    const uint32_t row = (uint32_t)conv->out_width * conv->out_channels;
    const place_t place = {
        work->out + y * row + x * conv->out_channels,
        conv->out_height - y < 4U ? conv->out_height - y : 4U,
        conv->out_width - x < 4U ? conv->out_width - x : 4U,
        {conv->out_channels, row},
    };
    return place;
}

/* One channel of a tile that reaches over the image's border. */
static __attribute__((noinline)) void store_part(store_t *store, const int32_t *m,
                                                 const dsp_winograd4_scale_t *scale, int8_t *out,
                                                 const place_t *place)
{
    static const uint32_t alone[2] = {1U, 4U};
    int8_t tile[16];
    store(m, scale, tile, alone);
    for (uint32_t y = 0; y < place->rows; y++) {
        for (uint32_t x = 0; x < place->columns; x++) {
            out[x * place->step_row[0]] = tile[4U * y + x];
        }
        out += place->step_row[1];
    }
}

/* All channels from `first` on of a block of up to four tiles. */
static void block(const work_t *work, uint32_t first, uint32_t count, const int32_t *v,
                  const place_t places[4], uint32_t tiles)
{
    const uint32_t channels = work->conv->in_channels;
    store_t *const store =
        work->conv->sign == 0U ? dsp_winograd4_store_floor : dsp_winograd4_store_sign;
    const dsp_winograd4_scale_t *scale = work->conv->scales + first;
    const int32_t *u = work->u;
    for (uint32_t c = first; c < first + count; c += 2U) {
        dsp_winograd_products(u, v, channels / 2U, work->m, FREQUENCIES);
        for (uint32_t t = 0; t < tiles; t++) {
            const place_t *place = &places[t];
            const int32_t *m = work->m + t;
            if (place->rows == 4U && place->columns == 4U) {
                store(m, scale, place->out + c, place->step_row);
                store(m + 4, scale + 1, place->out + c + 1, place->step_row);
            } else {
                store_part(store, m, scale, place->out + c, place);
                store_part(store, m + 4, scale + 1, place->out + c + 1, place);
            }
        }
        u += FREQUENCIES * channels;
        scale += 2;
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
        .padding = dsp_pack_lo(-6 * conv->in_zero, -6 * conv->in_zero),
    };
    work.tiles = work.tiles_x * ((conv->out_height + 3U) / 4U);
    for (uint32_t batch = 0; batch < conv->batches; batch++) {
        image(&work);
        work.in += (size_t)conv->in_height * conv->in_width * channels;
        work.out += (size_t)conv->out_height * conv->out_width * conv->out_channels;
    }
}
