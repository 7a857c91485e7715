/* QUANTIZE between integers of different sizes. */
#include "kernels.h"
#include "requantize.h"

static int32_t load(const void *from, int32_t bytes, int32_t i)
{
    if (bytes == 1) {
        return ((const int8_t *)from)[i];
    }
    return bytes == 2 ? ((const int16_t *)from)[i] : ((const int32_t *)from)[i];
}

/* Saturates. */
static void store(void *to, int32_t bytes, int32_t i, int64_t x)
{
    const int64_t most = ((int64_t)1 << (8 * bytes - 1)) - 1;
    const int64_t y = x < -most - 1 ? -most - 1 : x > most ? most : x;
    if (bytes == 1) {
        ((int8_t *)to)[i] = (int8_t)y;
    } else if (bytes == 2) {
        ((int16_t *)to)[i] = (int16_t)y;
    } else {
        ((int32_t *)to)[i] = (int32_t)y;
    }
}

void rescale(MCU_ROM rescale_t *p, const void *input, void *output, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const uint32_t x = (uint32_t)load(input, p->input_bytes, i) - (uint32_t)p->input_zero;
        const int32_t y = requantize((int32_t)x, p->scale.multiplier, p->scale.shift);
        store(output, p->output_bytes, i, (int64_t)y + p->output_zero);
    }
}
