/* MAX_POOL_2D. */
#include "kernels.h"
#include "requantize.h"
#include "window.h"

/* The part of a window that lies inside the image, from its first value on. */
typedef struct {
    const int8_t *from;
    int32_t rows;
    int32_t columns;
} field_t;

static int32_t higher(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t most_of(const field_t *field, int32_t row, int32_t channels, int32_t c)
{
    int32_t most = INT8_MIN;
    for (int32_t y = 0; y < field->rows; y++) {
        const int8_t *x = field->from + y * row + c;
        for (int32_t n = field->columns; n > 0; n--) {
            most = higher(most, *x);
            x += channels;
        }
    }
    return most;
}

/* Four channels from `c` on. All is read before anything is written: the output may lie in the
 * input's memory. */
static void most_of_four(const field_t *field, int32_t row, int32_t channels, int32_t c,
                         int32_t most[4])
{
    int32_t a = INT8_MIN;
    int32_t b = INT8_MIN;
    int32_t d = INT8_MIN;
    int32_t e = INT8_MIN;
    for (int32_t y = 0; y < field->rows; y++) {
        const int8_t *x = field->from + y * row + c;
        for (int32_t n = field->columns; n > 0; n--) {
            a = higher(a, x[0]);
            b = higher(b, x[1]);
            d = higher(d, x[2]);
            e = higher(e, x[3]);
            x += channels;
        }
    }
    most[0] = a;
    most[1] = b;
    most[2] = d;
    most[3] = e;
}

static int8_t *pixel(MCU_ROM pool_s8_t *p, const field_t *field, int8_t *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row = p->input.width * channels;
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
        int32_t most[4];
        most_of_four(field, row, channels, c, most);
        for (int32_t i = 0; i < 4; i++) {
            *output++ = (int8_t)clamp(most[i], p->min, p->max);
        }
    }
    for (; c < channels; c++) {
        *output++ = (int8_t)clamp(most_of(field, row, channels, c), p->min, p->max);
    }
    return output;
}

void max_pool_s8(MCU_ROM pool_s8_t *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row = p->input.width * channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const window_t w = window_at(p->input, p->kernel, p->stride, p->padding, oy, ox);
                const field_t field = {
                    .from = input + w.top * row + w.left * channels,
                    .rows = w.bottom - w.top,
                    .columns = w.right - w.left,
                };
                output = pixel(p, &field, output);
            }
        }
        input += p->input.height * row;
    }
}
