/* ADD_N: the sum of many tensors of one shape. */
#include "kernels.h"

void add_n_s8(MCU_ROM add_n_t *p, const int8_t *const *inputs, int8_t *output)
{
    const int64_t half = (int64_t)1 << (p->shift - 1);
    for (int32_t i = 0; i < p->elements; i++) {
        int64_t sum = 0;
        for (int32_t n = 0; n < p->count; n++) {
            sum += (inputs[n][i] - p->zeros[n]) * p->factors[n];
        }
        const int64_t size = ((sum < 0 ? -sum : sum) + half) >> p->shift;
        const int64_t value = (sum < 0 ? -size : size) + p->output_zero;
        output[i] = (int8_t)(value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value);
    }
}
