/* RESIZE_BILINEAR. */
#include "kernels.h"

#define ONE 1024 /* a whole share */

/* x / 2^20, rounded half away from zero */
static int32_t round_shares(int32_t x)
{
    const int32_t half = (int32_t)1 << 19;
    return (x + (x > 0 ? half : -half)) / ((int32_t)1 << 20);
}

void resize_bilinear_s8(MCU_ROM resize_bilinear_t *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row_stride = p->input.width * channels;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t y = 0; y < p->output.height; y++) {
            const between_t v = p->rows[y];
            const int8_t *top = input + v.low * row_stride;
            const int8_t *bottom = input + v.high * row_stride;
            for (int32_t x = 0; x < p->output.width; x++) {
                const between_t h = p->columns[x];
                const int32_t left = h.low * channels;
                const int32_t right = h.high * channels;
                for (int32_t c = 0; c < channels; c++) {
                    const int32_t upper = top[left + c] * (int32_t)(ONE - h.share) +
                                          top[right + c] * (int32_t)h.share;
                    const int32_t lower = bottom[left + c] * (int32_t)(ONE - h.share) +
                                          bottom[right + c] * (int32_t)h.share;
                    *output++ = (int8_t)round_shares(upper * (ONE - v.share) + lower * v.share);
                }
            }
        }
        input += p->input.height * row_stride;
    }
}
