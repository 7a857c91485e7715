#include "pool_window.h"
#include "simd.h"

/* sum / count, half away from zero, clamped. */
static int8_t mean(const pool_s8_t *p, int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return (int8_t)pool_clamp(p, (sum + (sum > 0 ? half : -half)) / count);
}

void dsp_average_pool_s8(const pool_s8_t *p, const int8_t *in, int8_t *out)
{
    const int32_t channels = p->input.channels;
    const int32_t width = p->input.width * channels;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t i = 0; i < p->output.height * p->output.width; i++) {
            const pool_window_t w = pool_window(p, in, i / p->output.width, i % p->output.width);
            const int32_t count = (int32_t)(w.rows * w.columns);
            for (int32_t c = 0; c < channels; c += 4) {
                const int8_t *row = w.from + c;
                int32_t even = 0, odd = 0; /* sums of two channels each */
                int32_t sums[4];
                for (uint32_t y = w.rows; y > 0U; y--) {
                    const int8_t *from = row;
                    for (uint32_t x = w.columns; x > 0U; x--) {
                        const int32_t word = dsp_load4(from);
                        even = dsp_sxtab16(even, word);
                        odd = dsp_sxtab16_odd(odd, word);
                        from += channels;
                    }
                    row += width;
                }
                sums[0] = (int16_t)even;
                sums[1] = (int16_t)odd;
                sums[2] = even >> 16;
                sums[3] = odd >> 16;
                for (int32_t k = 0; k < 4 && c + k < channels; k++) {
                    *out++ = mean(p, sums[k], count);
                }
            }
        }
        in += p->input.height * width;
    }
}
