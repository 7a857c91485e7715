/* RESIZE_BILINEAR of floats. */
#include "kernels_f32.h"

void resize_bilinear_f32(MCU_ROM resize_bilinear_f32_t *p, const float *input, float *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row_stride = p->input.width * channels;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t y = 0; y < p->output.height; y++) {
            const float v = p->row_share[y];
            const float *top = input + p->rows[2 * y] * row_stride;
            const float *bottom = input + p->rows[2 * y + 1] * row_stride;
            for (int32_t x = 0; x < p->output.width; x++) {
                const float h = p->column_share[x];
                const int32_t left = p->columns[2 * x] * channels;
                const int32_t right = p->columns[2 * x + 1] * channels;
                for (int32_t c = 0; c < channels; c++) {
                    *output++ = top[left + c] * (1.0f - v) * (1.0f - h) +
                                bottom[left + c] * v * (1.0f - h) +
                                top[right + c] * (1.0f - v) * h + bottom[right + c] * v * h;
                }
            }
        }
        input += p->input.height * row_stride;
    }
}
