/* Walks over two operands, one of which is repeated along some dimensions. */
#ifndef BROADCAST_H
#define BROADCAST_H

#include "kernels.h"

typedef struct {
    int32_t a; /* offsets of the current run, in elements */
    int32_t b;
    int32_t index[BROADCAST_RANK];
} broadcast_walk_t;

/* Goes on to the next run; returns 0 after the last one. */
static inline int broadcast_next(MCU_ROM broadcast_t *p, broadcast_walk_t *walk)
{
    for (int32_t d = p->rank - 1; d >= 0; d--) {
        walk->a += p->a[d];
        walk->b += p->b[d];
        if (++walk->index[d] < p->extent[d]) {
            return 1;
        }
        walk->a -= p->a[d] * p->extent[d];
        walk->b -= p->b[d] * p->extent[d];
        walk->index[d] = 0;
    }
    return 0;
}

#endif
