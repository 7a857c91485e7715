/* SELECT_V2: elements of one of two tensors, with broadcasting. */
#include <string.h>

#include "kernels.h"

void select_nd(MCU_ROM select_t *p, const uint8_t *condition, const void *yes, const void *no,
               void *output)
{
    const uint8_t *const from[2] = {no, yes};
    uint8_t *to = output;
    const size_t size = (size_t)p->size;
    int32_t index[SELECT_RANK] = {0};
    for (int32_t i = 0; i < p->count; i++) {
        int32_t at[3] = {0, 0, 0}; /* in the condition, `yes` and `no` */
        for (int32_t d = 0; d < p->rank; d++) {
            at[0] += index[d] * p->condition[d];
            at[1] += index[d] * p->yes[d];
            at[2] += index[d] * p->no[d];
        }
        const int32_t chosen = condition[at[0]] != 0 ? 1 : 0;
        memcpy(to, from[chosen] + (size_t)at[chosen != 0 ? 1 : 2] * size, size);
        to += size;
        for (int32_t d = p->rank - 1; d >= 0 && ++index[d] == p->extent[d]; d--) {
            index[d] = 0;
        }
    }
}
