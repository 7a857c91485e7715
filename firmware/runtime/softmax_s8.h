/* SOFTMAX of int8 data, for either type of output. */
#ifndef SOFTMAX_S8_H
#define SOFTMAX_S8_H

#include "fixed_point.h"
#include "kernels.h"
#include "requantize.h"

#define SOFTMAX_SUM_INTEGER_BITS 12

/* What the values of a row have in common. */
typedef struct {
    int32_t most;  /* highest value of the row */
    int32_t scale; /* 1 / sum, Q0 after `shift` */
    int32_t shift;
} softmax_row_t;

static inline int32_t softmax_leading_zeros(uint32_t x)
{
    int32_t n = 0;
    while (n < 32 && (x & ((uint32_t)1 << 31)) == 0u) {
        x <<= 1;
        n++;
    }
    return n;
}

/* exp of a difference to the row's highest value; Q0 */
static inline int32_t softmax_power(MCU_ROM softmax_s8_t *p, int32_t difference)
{
    const int32_t wide = (int32_t)((uint32_t)difference << p->shift);
    return exp_negative_q5(high_mul(wide, p->multiplier));
}

/* bits: of the output's type */
static inline softmax_row_t softmax_row(MCU_ROM softmax_s8_t *p, const int8_t *input, int32_t bits)
{
    int32_t most = INT8_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
        most = input[i] > most ? input[i] : most;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        if (input[i] - most >= p->lowest) {
            sum += rounding_shift(softmax_power(p, input[i] - most), SOFTMAX_SUM_INTEGER_BITS);
        }
    }
    const int32_t zeros = softmax_leading_zeros((uint32_t)sum);
    const uint32_t above_one = ((uint32_t)sum << zeros) - ((uint32_t)1 << 31);
    return (softmax_row_t){
        .most = most,
        .scale = one_over_one_plus((int32_t)above_one),
        .shift = SOFTMAX_SUM_INTEGER_BITS - zeros + 31 - bits,
    };
}

/* The output, from 0 on; 2^bits is one. */
static inline int32_t softmax_value(MCU_ROM softmax_s8_t *p, const softmax_row_t *row,
                                    int32_t input)
{
    const int32_t difference = input - row->most;
    if (difference < p->lowest) {
        return 0;
    }
    return rounding_shift(high_mul(row->scale, softmax_power(p, difference)), row->shift);
}

#endif
