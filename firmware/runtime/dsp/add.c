#include "elementwise.h"
#include "simd.h"

DSP_INLINE int32_t sum(const int32_t *a_table, const int32_t *b_table, uint32_t a, uint32_t b)
{
    return dsp_ssat8_asr(a_table[a] + b_table[b], DSP_ADD_FRACTION);
}

void dsp_add_s8(const int32_t *a_table, const int32_t *b_table, uint32_t count, const int8_t *a,
                const int8_t *b, int8_t *out)
{
    int8_t *const end = out + (count & ~3U);
    while (out != end) {
        const uint32_t x = (uint32_t)dsp_load4(a);
        const uint32_t y = (uint32_t)dsp_load4(b);
        a += 4, b += 4;
        out[0] = (int8_t)sum(a_table, b_table, x & 255U, y & 255U);
        out[1] = (int8_t)sum(a_table, b_table, x >> 8 & 255U, y >> 8 & 255U);
        out[2] = (int8_t)sum(a_table, b_table, x >> 16 & 255U, y >> 16 & 255U);
        out[3] = (int8_t)sum(a_table, b_table, x >> 24, y >> 24);
        out += 4;
    }
    for (count %= 4U; count > 0U; count--) {
        *out++ = (int8_t)sum(a_table, b_table, (uint8_t)*a++, (uint8_t)*b++);
    }
}
