/* Walks over some dimensions of a tensor. */
#ifndef DIMENSIONS_H
#define DIMENSIONS_H

#include "kernels.h"

typedef struct {
    int32_t offset; /* of the current element */
    int32_t index[REDUCE_RANK];
} dimensions_walk_t;

/* Goes on to the next element; returns 0 after the last one, at the first again. */
static inline int dimensions_next(MCU_ROM dimensions_t *p, dimensions_walk_t *walk)
{
    for (int32_t d = p->rank - 1; d >= 0; d--) {
        walk->offset += p->stride[d];
        if (++walk->index[d] < p->extent[d]) {
            return 1;
        }
        walk->offset -= p->stride[d] * p->extent[d];
        walk->index[d] = 0;
    }
    return 0;
}

/* The same over the innermost dimension's runs: goes on to the next one. */
static inline int dimensions_next_run(MCU_ROM dimensions_t *p, dimensions_walk_t *walk)
{
    for (int32_t d = p->rank - 2; d >= 0; d--) {
        walk->offset += p->stride[d];
        if (++walk->index[d] < p->extent[d]) {
            return 1;
        }
        walk->offset -= p->stride[d] * p->extent[d];
        walk->index[d] = 0;
    }
    return 0;
}

#endif
