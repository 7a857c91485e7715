#include "patch.h"

#include <string.h>

/* Words where both sides are aligned: these cores fault on others. */
static inline int8_t *copy_run(int8_t *to, const int8_t *from, uint32_t bytes)
{
    int8_t *const end = to + bytes;
    if ((((uintptr_t)to | (uintptr_t)from | bytes) & 3U) == 0U) {
        const int8_t *aligned = __builtin_assume_aligned(from, 4);
        int8_t *place = __builtin_assume_aligned(to, 4);
        /* A run of the usual length, 16 bytes or more, copied by fours. */
        while (end - place >= 16) {
            uint32_t words[4];
            memcpy(words, aligned, sizeof words);
            memcpy(place, words, sizeof words);
            aligned = (const int8_t *)__builtin_assume_aligned(aligned + 16, 4);
            place = (int8_t *)__builtin_assume_aligned(place + 16, 4);
        }
        while (place != end) {
            uint32_t word;
            memcpy(&word, aligned, sizeof word);
            memcpy(__builtin_assume_aligned(place, 4), &word, sizeof word);
            aligned = (const int8_t *)__builtin_assume_aligned(aligned + 4, 4);
            place = (int8_t *)__builtin_assume_aligned(place + 4, 4);
        }
    } else {
        for (; bytes >= 4U; bytes -= 4U) {
            const int8_t a = from[0], b = from[1], c = from[2], d = from[3];
            to[0] = a, to[1] = b, to[2] = c, to[3] = d;
            from += 4, to += 4;
        }
        while (to != end) {
            *to++ = *from++;
        }
    }
    return end;
}

static inline int8_t *fill_run(int8_t *to, int8_t value, uint32_t bytes)
{
    int8_t *const end = to + bytes;
    while (to != end) {
        *to++ = value;
    }
    return to;
}

/* One row of a field that crosses the image's left or right border, or is dilated. */
static int8_t *copy_row(const scalar_field_t *f, const int8_t *row, int32_t x, int8_t *to)
{
    for (uint32_t kx = 0; kx < f->kernel_width; kx++) {
        if ((uint32_t)x >= f->in_width) {
            to = fill_run(to, f->in_zero, f->in_channels);
        } else {
            to = copy_run(to, row + (uint32_t)x * f->in_channels, f->in_channels);
        }
        x += f->dilation_width;
    }
    return to;
}

const int8_t *scalar_patch(const scalar_field_t *f, const int8_t *in, int32_t y, int32_t x,
                           int8_t *copy)
{
    const uint32_t width = f->kernel_width, row_bytes = (uint32_t)f->in_width * f->in_channels;
    const uint32_t run = width * f->in_channels;
    /* All columns inside, side by side. */
    const uint32_t whole =
        x >= 0 && (uint32_t)x + width <= f->in_width && (f->dilation_width == 1U || width == 1U)
            ? 1U
            : 0U;
    int8_t *to = copy;
    if (whole != 0U && f->kernel_height == 1U && (uint32_t)y < f->in_height) {
        return in + (uint32_t)y * row_bytes + (uint32_t)x * f->in_channels;
    }
    for (uint32_t ky = 0; ky < f->kernel_height; ky++) {
        if ((uint32_t)y >= f->in_height) {
            to = fill_run(to, f->in_zero, run);
        } else {
            const int8_t *row = in + (uint32_t)y * row_bytes;
            if (whole != 0U) {
                to = copy_run(to, row + (uint32_t)x * f->in_channels, run);
            } else {
                to = copy_row(f, row, x, to);
            }
        }
        y += f->dilation_height;
    }
    return copy;
}
