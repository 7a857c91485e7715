/* ADD and SUB where the output's scale lies far below the operands': the arithmetic. */
#ifndef ADD_STEEP_H
#define ADD_STEEP_H

#include "kernels.h"

/* Rounded half away from zero, clamped; x, y less their zero points. */
static inline int32_t add_steep(MCU_ROM add_steep_t *p, int32_t x, int32_t y)
{
    const int64_t sum = x * p->a_factor + y * p->b_factor;
    const int64_t half = (int64_t)1 << (p->shift - 1);
    const int64_t size = ((sum < 0 ? -sum : sum) + half) >> p->shift;
    const int64_t value = (sum < 0 ? -size : size) + p->output_zero;
    return (int32_t)(value < p->min ? p->min : value > p->max ? p->max : value);
}

#endif
