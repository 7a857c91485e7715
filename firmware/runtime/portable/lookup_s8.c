/* Functions of one int8 value, as a table made when the model was compiled. */
#include "kernels.h"

void lookup_s8(MCU_ROM int8_t table[256], const int8_t *input, int8_t *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = table[(uint8_t)input[i]];
    }
}
