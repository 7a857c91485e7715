#include "depthwise.h"

#include <string.h>

/* Brings the lines that a line of outputs reads into the band; its padded places stay. */
static void fill_band(const mve_depthwise_t *d, const int8_t *in, int32_t line, uint16x8_t offsets,
                      int8_t *band)
{
    const uint32_t lines = d->kernel_lines;
    const uint32_t room = (uint32_t)d->places - d->pad_along;
    const uint32_t inside = d->in_places < room ? d->in_places : room;
    const int32_t along = d->in_along;
    band += d->pad_along * lines;
    for (uint32_t k = 0; k < lines; k++) {
        int8_t *to = band + k;
        if ((uint32_t)line < d->in_lines) {
            const int8_t *from = in + line * d->in_across;
            for (uint32_t i = inside; i > 0U; i--) {
                vstrbq_scatter_offset_s16(to, offsets, vldrbq_s16(from));
                to += lines;
                from += along;
            }
        } else {
            const int16x8_t zero = vdupq_n_s16(d->in_zero);
            for (uint32_t i = inside; i > 0U; i--) {
                vstrbq_scatter_offset_s16(to, offsets, zero);
                to += lines;
            }
        }
        line += d->dilation_across;
    }
}

void mve_depthwise_s8(const mve_depthwise_t *d, const int8_t *in, int8_t *out, void *scratch)
{
    int8_t *const band = scratch;
    const uint32_t pitch = (uint32_t)d->places * d->kernel_lines;
    const uint32_t multiplier = d->multiplier;
    const int32_t words = 12 + 16 * d->chunks; /* of the stream, for four channels */
    const uint16x8_t offsets = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)pitch);
    for (uint32_t batch = 0; batch < d->batches; batch++) {
        const int32_t *stream = d->stream;
        for (uint32_t c = 0; c < d->channels; c += 8U) {
            const uint32_t lanes = d->channels - c;
            memset(band, d->in_zero, 8U * pitch);
            for (uint32_t l = 0; l < d->out_lines; l++) {
                const int32_t line = (int32_t)(l * d->stride_across) - d->pad_across;
                int8_t *to = out + c * multiplier + (int32_t)l * d->out_across;
                const int32_t *s = stream;
                fill_band(d, in + c, line, offsets, band);
                for (uint32_t m = multiplier; m > 0U; m--) {
                    d->line(d, s, band, lanes, to);
                    if (lanes > 4U) {
                        d->line(d, s + words, band + 4U * pitch, lanes - 4U, to + 4U * multiplier);
                    }
                    s += 2 * words;
                    to++;
                }
            }
            stream += 2 * words * (int32_t)multiplier;
        }
        in += d->in_batch;
        out += d->out_batch;
    }
}
