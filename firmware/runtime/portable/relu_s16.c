/* RELU, RELU6 and LEAKY_RELU of int16. */
#include "kernels.h"
#include "requantize.h"

void relu_s16(MCU_ROM relu_s16_t *p, const int16_t *input, int16_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        int32_t value = input[i];
        if (value >= 0) {
            value = requantize(value, p->above.multiplier, p->above.shift);
        } else {
            value = p->sign * requantize(value, p->below.multiplier, p->below.shift);
        }
        output[i] = (int16_t)clamp(value, p->min, p->max);
    }
}
