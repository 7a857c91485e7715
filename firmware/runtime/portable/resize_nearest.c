/* RESIZE_NEAREST_NEIGHBOR of elements of any size. */
#include <string.h>

#include "kernels.h"

void resize_nearest(MCU_ROM resize_nearest_t *p, const void *input, void *output, int32_t size)
{
    const int32_t pixel = p->input.channels * size;
    const int32_t row_stride = p->input.width * pixel;
    const uint8_t *from = input;
    uint8_t *to = output;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t y = 0; y < p->output.height; y++) {
            const uint8_t *row = from + p->rows[y] * row_stride;
            for (int32_t x = 0; x < p->output.width; x++) {
                memcpy(to, row + p->columns[x] * pixel, (size_t)pixel);
                to += pixel;
            }
        }
        from += p->input.height * row_stride;
    }
}
