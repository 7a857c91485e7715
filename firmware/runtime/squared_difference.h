/* SQUARED_DIFFERENCE with broadcasting: the arithmetic of all types. */
#ifndef SQUARED_DIFFERENCE_H
#define SQUARED_DIFFERENCE_H

#include "broadcast.h"
#include "kernels.h"
#include "requantize.h"

/* In a scale that both operands share, with more bits below the point. */
static inline int32_t squared_difference_operand(int32_t value, scale_t scale, int32_t bits)
{
    return requantize(value * ((int32_t)1 << bits), scale.multiplier, scale.shift);
}

/* Not yet clamped. */
static inline int32_t squared_difference(MCU_ROM squared_difference_t *p, int32_t x, int32_t y,
                                         int32_t bits)
{
    const int32_t difference = squared_difference_operand(x - p->a_zero, p->a_scale, bits) -
                               squared_difference_operand(y - p->b_zero, p->b_scale, bits);
    const int32_t square = (int32_t)((uint32_t)difference * (uint32_t)difference);
    return requantize(square, p->scale.multiplier, p->scale.shift) + p->output_zero;
}

#endif
