/* SOFTMAX from int8 to int16. */
#include "softmax_s8.h"

void softmax_s8_s16(MCU_ROM softmax_s8_t *p, const int8_t *input, int16_t *output)
{
    for (int32_t r = 0; r < p->rows; r++) {
        const softmax_row_t row = softmax_row(p, input, 16);
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t value = softmax_value(p, &row, input[i]) + INT16_MIN;
            output[i] = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
        }
        input += p->depth;
        output += p->depth;
    }
}
