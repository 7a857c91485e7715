/* Strided copies. */
#include <string.h>

#include "kernels.h"

/* The innermost dimension; one memcpy where it is dense on both sides. */
static void copy_run(MCU_ROM copy_t *p, const uint8_t *from, uint8_t *to)
{
    const int32_t last = p->rank - 1;
    const size_t size = (size_t)p->size;
    if (p->from[last] == 1 && p->to[last] == 1) {
        memcpy(to, from, size * (size_t)p->extent[last]);
        return;
    }
    for (int32_t i = 0; i < p->extent[last]; i++) {
        memcpy(to, from, size);
        from += p->from[last] * p->size;
        to += p->to[last] * p->size;
    }
}

void copy_nd(MCU_ROM copy_t *p, const void *input, void *output)
{
    const uint8_t *from = (const uint8_t *)input + p->from_offset * p->size;
    uint8_t *to = (uint8_t *)output + p->to_offset * p->size;
    int32_t index[COPY_RANK] = {0};
    int32_t d;
    do {
        copy_run(p, from, to);
        for (d = p->rank - 2; d >= 0; d--) {
            from += p->from[d] * p->size;
            to += p->to[d] * p->size;
            if (++index[d] < p->extent[d]) {
                break;
            }
            from -= p->from[d] * p->extent[d] * p->size;
            to -= p->to[d] * p->extent[d] * p->size;
            index[d] = 0;
        }
    } while (d >= 0);
}
