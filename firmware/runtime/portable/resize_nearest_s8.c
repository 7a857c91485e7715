/* RESIZE_NEAREST_NEIGHBOR. */
#include <string.h>

#include "kernels.h"

void resize_nearest_s8(MCU_ROM resize_nearest_t *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->input.channels;
    const int32_t row_stride = p->input.width * channels;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t y = 0; y < p->output.height; y++) {
            const int8_t *row = input + p->rows[y] * row_stride;
            for (int32_t x = 0; x < p->output.width; x++) {
                memcpy(output, row + p->columns[x] * channels, (size_t)channels);
                output += channels;
            }
        }
        input += p->input.height * row_stride;
    }
}
