/* SOFTMAX of int16. */
#include "kernels.h"
#include "requantize.h"

/* A table of 513 entries over all int16 values, with straight lines in between. */
static int32_t interpolate(MCU_ROM int16_t table[513], int32_t x)
{
    const int32_t entry = (x >> 7) + 256;
    const int32_t rest = x & 0x7F;
    const int32_t slope = (int32_t)table[entry + 1] - table[entry];
    return table[entry] + ((slope * rest + (1 << 6)) >> 7);
}

static int32_t leading_zeros(uint32_t x)
{
    int32_t n = 0;
    while (n < 32 && (x & ((uint32_t)1 << 31)) == 0u) {
        x <<= 1;
        n++;
    }
    return n;
}

static void softmax_row(MCU_ROM softmax_s16_t *p, const int16_t *input, int16_t *output)
{
    int32_t most = INT16_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
        most = input[i] > most ? input[i] : most;
    }
    int32_t sum = 0; /* Q16.15 */
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t below = requantize(input[i] - most, p->scale.multiplier, p->scale.shift);
        const int32_t power = interpolate(p->power, clamp(below + INT16_MAX, INT16_MIN, INT16_MAX));
        output[i] = (int16_t)power;
        sum += power;
    }
    /* sum = (1 + x) * 2^k: the table gives 1 / (1 + x) */
    const int32_t zeros = leading_zeros((uint32_t)sum);
    const int64_t normal = ((int64_t)sum << (zeros - 1)) + ((int64_t)1 << 13);
    const int32_t centred = (int32_t)(normal >> 14) - (((int32_t)1 << 15) + ((int32_t)1 << 16));
    const int32_t scale = interpolate(p->reciprocal, clamp(centred, INT16_MIN, INT16_MAX));
    const int32_t right = 31 - zeros;
    for (int32_t i = 0; i < p->depth; i++) {
        const int64_t value = (int64_t)output[i] * scale + ((int64_t)1 << (right - 1));
        output[i] = (int16_t)clamp((int32_t)(value >> right), 0, INT16_MAX);
    }
}

void softmax_s16(MCU_ROM softmax_s16_t *p, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        softmax_row(p, input + row * p->depth, output + row * p->depth);
    }
}
