/* SOFTMAX. */
#include "fixed_point.h"
#include "kernels.h"

#define SUM_INTEGER_BITS 12

static int32_t leading_zeros(uint32_t x)
{
    int32_t n = 0;
    while (n < 32 && (x & ((uint32_t)1 << 31)) == 0u) {
        x <<= 1;
        n++;
    }
    return n;
}

/* exp of a difference to the row's highest value; Q0 */
static int32_t power(MCU_ROM softmax_s8_t *p, int32_t difference)
{
    const int32_t wide = (int32_t)((uint32_t)difference << p->shift);
    return exp_negative_q5(high_mul(wide, p->multiplier));
}

static void softmax_row(MCU_ROM softmax_s8_t *p, const int8_t *input, int8_t *output)
{
    int32_t most = INT8_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
        most = input[i] > most ? input[i] : most;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        if (input[i] - most >= p->lowest) {
            sum += rounding_shift(power(p, input[i] - most), SUM_INTEGER_BITS);
        }
    }
    const int32_t zeros = leading_zeros((uint32_t)sum);
    const uint32_t above_one = ((uint32_t)sum << zeros) - ((uint32_t)1 << 31);
    const int32_t scale = one_over_one_plus((int32_t)above_one);
    const int32_t shift = SUM_INTEGER_BITS - zeros + 31 - 8;
    for (int32_t i = 0; i < p->depth; i++) {
        int32_t value = INT8_MIN;
        if (input[i] - most >= p->lowest) {
            value += rounding_shift(high_mul(scale, power(p, input[i] - most)), shift);
        }
        output[i] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
    }
}

void softmax_s8(MCU_ROM softmax_s8_t *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        softmax_row(p, input + row * p->depth, output + row * p->depth);
    }
}
