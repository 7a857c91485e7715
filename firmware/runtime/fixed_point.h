/* exp(x) and 1/(1+x) in 32-bit fixed point, bit for bit as the reference computes them:
 * each multiplication is high_mul(), a Taylor polynomial on [-1/4, 0), then one factor
 * per bit of the rest; Newton's iteration for the reciprocal. Qn: n integer bits, 31 - n
 * bits below the point. */
#ifndef FIXED_POINT_H
#define FIXED_POINT_H

#include "requantize.h"
#include "rom.h"

/* x * 2^bits, saturated */
static inline int32_t saturating_shift(int32_t x, int32_t bits)
{
    const int64_t wide = (int64_t)x * ((int64_t)1 << bits);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* exp(x) for x in [-1/4, 0); Q0 to Q0 */
static inline int32_t exp_quarter(int32_t x)
{
    const int32_t exp_minus_eighth = 1895147668; /* Q0 */
    const int32_t third = 715827883;             /* Q0 */
    const int32_t eighth = (int32_t)1 << 28;     /* Q0 */
    const int32_t t = x + eighth;
    const int32_t t2 = high_mul(t, t);
    const int32_t t3 = high_mul(t2, t);
    const int32_t t4 = high_mul(t2, t2);
    const int32_t sum = high_mul(rounding_shift(t4, 2) + t3, third) + t2;
    return exp_minus_eighth + high_mul(exp_minus_eighth, t + rounding_shift(sum, 1));
}

/* exp(x) for x <= 0 in Q5; Q0 */
static inline int32_t exp_negative_q5(int32_t x)
{
    /* exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) in Q0 */
    static MCU_ROM int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308,
                                         39332535,   720401,     242};
    const int32_t quarter = (int32_t)1 << 24; /* Q5 */
    if (x == 0) {
        return INT32_MAX;
    }
    const int32_t part = (x & (quarter - 1)) - quarter;
    const int32_t rest = part - x;
    int32_t result = exp_quarter(saturating_shift(part, 5));
    for (int32_t i = 0; i < 7; i++) {
        if ((rest & (int32_t)((uint32_t)quarter << i)) != 0) {
            result = high_mul(result, factors[i]);
        }
    }
    return result;
}

/* 1 / (1 + x) for x in [0, 1); Q0 to Q0 */
static inline int32_t one_over_one_plus(int32_t x)
{
    const int32_t c48_17 = 1515870810;    /* 48/17 in Q2 */
    const int32_t c32_17 = -1010580540;   /* -32/17 in Q2 */
    const int32_t one = (int32_t)1 << 29; /* Q2 */
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t r = c48_17 + high_mul(half, c32_17);
    for (int i = 0; i < 3; i++) {
        const int32_t error = one - high_mul(half, r);
        r += saturating_shift(high_mul(r, error), 2);
    }
    return saturating_shift(r, 1);
}

#endif
