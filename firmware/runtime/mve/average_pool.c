#include "pool.h"

#include <arm_mve.h>

typedef struct {
    int32_t first;
    int32_t count;
} span_t;

/* The window's part inside the image. */
static span_t clip(int32_t at, int32_t kernel, int32_t size)
{
    const int32_t first = at < 0 ? 0 : at;
    const int32_t end = at + kernel < size ? at + kernel : size;
    const span_t span = {first, end - first};
    return span;
}

/* Eight channels: sums of a window, which fit into int16. */
static int16x8_t sums(const int8_t *in, int32_t rows, int32_t columns, int32_t row, int32_t pixel)
{
    int16x8_t sum = vdupq_n_s16(0);
    for (; rows > 0; rows--) {
        const int8_t *p = in;
        for (int32_t x = columns; x > 0; x--) {
            sum = vaddq_s16(sum, vldrbq_s16(p));
            p += pixel;
        }
        in += row;
    }
    return sum;
}

/* sum / count, rounded half away from zero, then clamped */
static int8_t average(int32_t sum, int32_t count, const pool_s8_t *p)
{
    const int32_t half = count / 2;
    const int32_t y = (sum > 0 ? sum + half : sum - half) / count;
    return (int8_t)(y < p->min ? p->min : y > p->max ? p->max : y);
}

void mve_average_pool_s8(const pool_s8_t *p, const int8_t *in, int8_t *out)
{
    const int32_t channels = p->input.channels;
    const int32_t row = p->input.width * channels;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            const span_t y =
                clip(oy * p->stride.height - p->padding.height, p->kernel.height, p->input.height);
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const span_t x =
                    clip(ox * p->stride.width - p->padding.width, p->kernel.width, p->input.width);
                const int8_t *from = in + y.first * row + x.first * channels;
                for (int32_t c = 0; c < channels; c += 8) {
                    int16_t sum[8];
                    const int32_t lanes = channels - c < 8 ? channels - c : 8;
                    vst1q_s16(sum, sums(from + c, y.count, x.count, row, channels));
                    for (int32_t i = 0; i < lanes; i++) {
                        *out++ = average(sum[i], y.count * x.count, p);
                    }
                }
            }
        }
        in += p->input.height * row;
    }
}
