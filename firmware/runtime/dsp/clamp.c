#include "clamp.h"

#include "simd.h"

/* The same value in all four bytes. */
static int32_t everywhere(int32_t value)
{
    return (int32_t)((uint32_t)(uint8_t)value * 0x01010101U);
}

void dsp_clamp_s8(int8_t *data, uint32_t count, int32_t low, int32_t high)
{
    const int32_t least = everywhere(low);
    const int32_t most = ~everywhere(high);
    uint32_t i = 0;
    for (; i + 4U <= count; i += 4U) {
        /* min(x, high) = ~max(~x, ~high) */
        const int32_t x = dsp_max8(dsp_load4(data + i), least);
        dsp_store4(data + i, ~dsp_max8(~x, most));
    }
    for (; i < count; i++) {
        const int32_t x = data[i] < low ? low : data[i];
        data[i] = (int8_t)(x > high ? high : x);
    }
}
