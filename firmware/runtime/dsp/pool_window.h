/* The part of a pooling window that lies inside the image. */
#ifndef DSP_POOL_WINDOW_H
#define DSP_POOL_WINDOW_H

#include "pool.h"

typedef struct {
    const int8_t *from;
    uint32_t rows, columns;
} pool_window_t;

static inline pool_window_t pool_window(const pool_s8_t *p, const int8_t *in, int32_t y, int32_t x)
{
    const int32_t y0 = y * p->stride.height - p->padding.height;
    const int32_t x0 = x * p->stride.width - p->padding.width;
    const int32_t top = y0 < 0 ? 0 : y0;
    const int32_t left = x0 < 0 ? 0 : x0;
    const int32_t bottom =
        y0 + p->kernel.height < p->input.height ? y0 + p->kernel.height : p->input.height;
    const int32_t right =
        x0 + p->kernel.width < p->input.width ? x0 + p->kernel.width : p->input.width;
    const pool_window_t window = {
        in + (top * p->input.width + left) * p->input.channels,
        (uint32_t)(bottom - top),
        (uint32_t)(right - left),
    };
    return window;
}

static inline int32_t pool_clamp(const pool_s8_t *p, int32_t y)
{
    y = y < p->min ? p->min : y;
    return y > p->max ? p->max : y;
}

#endif
