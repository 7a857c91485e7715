/* From int8 in memory to the pairs the tiles multiply: (x0,x2), (x1,x3) of every four
 * bytes. */
#ifndef DSP_WIDEN_H
#define DSP_WIDEN_H

#include "simd.h"

/* Four runs of `bytes` bytes (a multiple of 4, at least 4), `stride` bytes apart, side by side.
 * Returns the end of what it wrote. */
int32_t *dsp_widen_4(int32_t *x, const int8_t *a, uint32_t stride, uint32_t bytes);

/* One run, a pair every `step` words. */
static inline int32_t *dsp_widen_1(int32_t *x, uint32_t step, const int8_t *a, uint32_t bytes)
{
    const int8_t *end = a + bytes;
#pragma GCC unroll 2
    while (a != end) {
        const int32_t word = dsp_load4(a);
        x[0] = dsp_sxtb16(word);
        x[step] = dsp_sxtb16_odd(word);
        a += 4;
        x += 2U * step;
    }
    return x;
}

/* `bytes` bytes as runs of 4, the rest filled up with zeros (the weights there are zero). */
static inline int32_t *dsp_widen_tail(int32_t *x, uint32_t step, const int8_t *a, uint32_t bytes)
{
    const uint32_t whole = bytes & ~3U;
    x = dsp_widen_1(x, step, a, whole);
    if (whole != bytes) {
        int32_t word = 0;
        memcpy(&word, a + whole, bytes - whole);
        x[0] = dsp_sxtb16(word);
        x[step] = dsp_sxtb16_odd(word);
        x += 2U * step;
    }
    return x;
}

#endif
