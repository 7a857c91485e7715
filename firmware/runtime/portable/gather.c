/* GATHER. */
#include <string.h>

#include "kernels.h"
#include "requantize.h"

void gather(MCU_ROM gather_t *p, const void *input, const int32_t *indices, void *output)
{
    const uint8_t *from = input;
    uint8_t *to = output;
    for (int32_t b = 0; b < p->batches; b++) {
        for (int32_t o = 0; o < p->outer; o++) {
            for (int32_t i = 0; i < p->count; i++) {
                const int32_t index = clamp(indices[b * p->count + i], 0, p->size - 1);
                memcpy(to, from + index * p->block, (size_t)p->block);
                to += p->block;
            }
            from += p->size * p->block;
        }
    }
}
