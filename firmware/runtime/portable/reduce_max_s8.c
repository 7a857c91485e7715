/* REDUCE_MAX and REDUCE_MIN over any dimensions. */
#include "dimensions.h"
#include "kernels.h"

void reduce_max_s8(MCU_ROM reduce_max_s8_t *p, const int8_t *input, int8_t *output)
{
    dimensions_walk_t kept = {0};
    do {
        dimensions_walk_t reduced = {0};
        int8_t most = input[kept.offset];
        do {
            const int8_t value = input[kept.offset + reduced.offset];
            most = p->sign * value > p->sign * most ? value : most;
        } while (dimensions_next(&p->reduced, &reduced));
        *output++ = most;
    } while (dimensions_next(&p->kept, &kept));
}
