/* AVERAGE_POOL_2D. */
#include "kernels.h"
#include "requantize.h"
#include "window.h"

void average_pool_s8(MCU_ROM pool_s8_t *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row = p->input.width * channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const window_t w = window_at(p->input, p->kernel, p->stride, p->padding, oy, ox);
                for (int32_t c = 0; c < channels; c++) {
                    int32_t sum = 0;
                    for (int32_t y = w.top; y < w.bottom; y++) {
                        for (int32_t x = w.left; x < w.right; x++) {
                            sum += input[y * row + x * channels + c];
                        }
                    }
                    *output++ = (int8_t)clamp(rounded_mean(sum, window_count(&w)), p->min, p->max);
                }
            }
        }
        input += p->input.height * row;
    }
}
