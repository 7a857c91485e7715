/* AVERAGE_POOL_2D of floats. */
#include "functions_f32.h"
#include "kernels_f32.h"

static int32_t lower(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

void average_pool_f32(MCU_ROM pool_f32_t *p, const float *input, float *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row = p->input.width * channels;

    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t oy = 0; oy < p->output.height; oy++) {
            const int32_t y0 = oy * p->stride.height - p->padding.height;
            const int32_t top = y0 < 0 ? 0 : y0;
            const int32_t bottom = lower(y0 + p->kernel.height, p->input.height);
            for (int32_t ox = 0; ox < p->output.width; ox++) {
                const int32_t x0 = ox * p->stride.width - p->padding.width;
                const int32_t left = x0 < 0 ? 0 : x0;
                const int32_t right = lower(x0 + p->kernel.width, p->input.width);
                for (int32_t c = 0; c < channels; c++) {
                    float sum = 0.0f;
                    for (int32_t y = top; y < bottom; y++) {
                        for (int32_t x = left; x < right; x++) {
                            const float value = input[y * row + x * channels + c];
                            sum += value;
                        }
                    }
                    *output++ =
                        limit_f32(sum / (float)((bottom - top) * (right - left)), p->min, p->max);
                }
            }
        }
        input += p->input.height * row;
    }
}
