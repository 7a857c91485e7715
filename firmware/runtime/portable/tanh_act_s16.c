/* TANH of int16. */
#include "kernels.h"
#include "sigmoid_s16.h"

void tanh_act_s16(MCU_ROM sigmoid_s16_t *p, const int16_t *input, int16_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t x = sigmoid_input(input[i], p->multiplier, p->shift);
        output[i] = (int16_t)tanh_wide(p->sigmoid, x);
    }
}
