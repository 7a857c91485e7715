/* AVERAGE_POOL_2D of floats. */
#include "functions_f32.h"
#include "kernels_f32.h"
#include "window.h"

void average_pool_f32(MCU_ROM pool_f32_t *p, const float *input, float *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row = p->input.width * channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const window_t w = window_at(p->input, p->kernel, p->stride, p->padding, oy, ox);
                for (int32_t c = 0; c < channels; c++) {
                    float sum = 0.0f;
                    for (int32_t y = w.top; y < w.bottom; y++) {
                        for (int32_t x = w.left; x < w.right; x++) {
                            sum += input[y * row + x * channels + c];
                        }
                    }
                    *output++ = limit_f32(sum / (float)window_count(&w), p->min, p->max);
                }
            }
        }
        input += p->input.height * row;
    }
}
