#include "wide.h"

/* Words (first, second << 23) of two pixels' channels, SPARSE_WORDS apart. */
static void pack(int32_t *to, const int8_t *first, const int8_t *second, uint32_t channels)
{
    const int8_t *const end = first + channels;
#pragma GCC unroll 4
    while (first != end) {
        *to = dsp_wrap_add(*first++, dsp_shl(*second++, 23U));
        to += SPARSE_WORDS;
    }
}

/* What one kernel line reads for a tile. line: the input's, or NULL beyond its edge. */
static int32_t *gather(const sparse_wide_conv_t *c, const int8_t *line, int32_t first,
                       const int8_t *zeros, int32_t *to)
{
    const sparse_axis_t *lane = &c->lane;
    int32_t x = first * lane->stride - lane->pad;
    for (uint32_t k = 0; k < lane->kernel; ++k) {
        int32_t at = x;
        for (uint32_t word = 0; word < SPARSE_WORDS; ++word) {
            const int8_t *pixel[2];
            for (uint32_t half = 0; half < 2U; ++half) {
                const uint32_t inside = line != NULL && (uint32_t)at < lane->in;
                pixel[half] = inside ? line + (uint32_t)at * lane->in_step : zeros;
                at += lane->stride;
            }
            pack(to + word, pixel[0], pixel[1], c->in_channels);
        }
        to += SPARSE_WORDS * c->in_channels;
        x += lane->dilation;
    }
    return to;
}

/* Stores the first `count` of eight pixels of a channel, `step` bytes apart. The sign term is
 * exact in mode DSP_FLOOR too. */
static void finish(const dsp_output_t *output, const dsp_scale_t *scale, const int32_t *sums,
                   uint32_t count, int8_t *out, uint32_t step)
{
    const int32_t multiplier = scale->multiplier;
    const int32_t shift = scale->shift;
    const int32_t offset = dsp_offset(output->base, shift);
    if (output->mode > (uint8_t)DSP_SIGN) {
        for (uint32_t p = 0; p < count; ++p, out += step) {
            *out = (int8_t)dsp_requant_any(sums[p], scale, output);
        }
    } else if (count != SPARSE_LANES) {
        for (uint32_t p = 0; p < count; ++p, out += step) {
            *out = (int8_t)dsp_requant_sign(sums[p], multiplier, shift, offset);
        }
    } else if (output->mode == (uint8_t)DSP_FLOOR) {
#pragma GCC unroll 8
        for (uint32_t p = 0; p < SPARSE_LANES; ++p, out += step) {
            *out = (int8_t)dsp_requant_floor(sums[p], multiplier, shift, offset);
        }
    } else {
#pragma GCC unroll 8
        for (uint32_t p = 0; p < SPARSE_LANES; ++p, out += step) {
            *out = (int8_t)dsp_requant_sign(sums[p], multiplier, shift, offset);
        }
    }
}

/* All channels of a tile. */
static void tile(const sparse_wide_conv_t *c, const int32_t *fields, uint32_t count, int8_t *out)
{
    const int32_t places = c->line.kernel * c->lane.kernel * c->in_channels;
    const uint8_t *stream = c->stream;
    const dsp_scale_t *scale = c->scales;
    for (uint32_t channel = 0; channel < c->out_channels; ++channel) {
        int32_t sums[SPARSE_LANES];
        sums[0] = c->bias[channel];
        stream = c->dot8(stream, fields, places, sums);
        finish(&c->output, scale, sums, count, out++, c->lane.out_step);
        scale += c->output.scale_step;
    }
}

/* Moves whole places down. */
static void move(int32_t *to, const int32_t *from, uint32_t words)
{
    for (; words > 0U; words -= SPARSE_WORDS) {
        const int32_t a = from[0], b = from[1], d = from[2], e = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = d;
        to[3] = e;
        to += SPARSE_WORDS;
        from += SPARSE_WORDS;
    }
}

/* A tile from the first line to the last. */
static void walk(const sparse_wide_conv_t *c, const int8_t *input, int8_t *out, uint32_t first,
                 int32_t *fields, const int8_t *zeros)
{
    const sparse_axis_t *const line = &c->line;
    const uint32_t left = c->lane.out - first;
    const uint32_t count = left < SPARSE_LANES ? left : SPARSE_LANES;
    const uint32_t words = SPARSE_WORDS * (uint32_t)c->lane.kernel * c->in_channels;
    const uint32_t kept = c->slots > line->kernel ? (uint32_t)line->kernel - line->stride : 0U;
    uint32_t slot = 0; /* of the first kernel line */
    uint32_t have = 0; /* kernel lines that are gathered already */
    for (uint32_t y = 0; y < line->out; ++y) {
        if (slot + line->kernel > c->slots) {
            move(fields, fields + slot * words, have * words);
            slot = 0;
        }
        int32_t *to = fields + (slot + have) * words;
        int32_t at = (int32_t)(y * line->stride) - line->pad + (int32_t)(have * line->dilation);
        for (; have < line->kernel; ++have) {
            const uint32_t inside = (uint32_t)at < line->in;
            to = gather(c, inside ? input + (uint32_t)at * line->in_step : NULL, (int32_t)first,
                        zeros, to);
            at += line->dilation;
        }
        tile(c, fields + slot * words, count, out);
        out += line->out_step;
        have = kept;
        slot += kept > 0U ? line->stride : 0U;
    }
}

void sparse_wide_conv_s8(const sparse_wide_conv_t *conv, const int8_t *input, int8_t *output,
                         void *scratch)
{
    int32_t *const fields = scratch;
    int8_t *const zeros = (int8_t *)(fields + SPARSE_WORDS * (uint32_t)conv->slots *
                                                  conv->lane.kernel * conv->in_channels);
    memset(zeros, conv->input_zero, conv->in_channels);
    for (uint32_t batch = 0; batch < conv->batches; ++batch) {
        int8_t *out = output;
        for (uint32_t first = 0; first < conv->lane.out; first += SPARSE_LANES) {
            walk(conv, input, out, first, fields, zeros);
            out += SPARSE_LANES * conv->lane.out_step;
        }
        input += conv->in_batch;
        output += conv->out_batch;
    }
}
