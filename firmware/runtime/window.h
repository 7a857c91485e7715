/* The part of a pooling window that lies inside the image. */
#ifndef WINDOW_H
#define WINDOW_H

#include "kernels.h"

/* Rows top to bottom and columns left to right, the ends excluded. */
typedef struct {
    int32_t top;
    int32_t bottom;
    int32_t left;
    int32_t right;
} window_t;

static inline int32_t window_first(int32_t start)
{
    return start < 0 ? 0 : start;
}

static inline int32_t window_end(int32_t start, int32_t size, int32_t limit)
{
    return start + size < limit ? start + size : limit;
}

/* That of the output at (y, x). */
static inline window_t window_at(image_shape_t input, pair_t kernel, pair_t stride, pair_t padding,
                                 int32_t y, int32_t x)
{
    const int32_t y0 = y * stride.height - padding.height;
    const int32_t x0 = x * stride.width - padding.width;
    return (window_t){
        .top = window_first(y0),
        .bottom = window_end(y0, kernel.height, input.height),
        .left = window_first(x0),
        .right = window_end(x0, kernel.width, input.width),
    };
}

static inline int32_t window_count(const window_t *w)
{
    return (w->bottom - w->top) * (w->right - w->left);
}

/* sum / count, rounded half away from zero */
static inline int32_t rounded_mean(int32_t sum, int32_t count)
{
    return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

#endif
