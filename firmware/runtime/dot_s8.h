/* Dot products of int8 vectors, by what the core has for them: Helium, SMLAD, or C. */
#ifndef DOT_S8_H
#define DOT_S8_H

#include <stdint.h>

#include "rom.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#elif defined(__ARM_FEATURE_DSP)
#include "simd.h"
#endif

/* sums[0] += x . a, sums[1] += x . b, over n elements: two rows share the loads of x. */
static inline void dot_s8_pair(const int8_t *x, MCU_ROM int8_t *a, MCU_ROM int8_t *b, int32_t n,
                               int32_t sums[2])
{
    int32_t first = sums[0];
    int32_t second = sums[1];
#if defined(__ARM_FEATURE_MVE)
    for (int32_t i = 0; i < n; i += 16) {
        const mve_pred16_t left = vctp8q((uint32_t)(n - i));
        const int8x16_t some = vldrbq_z_s8(x + i, left);
        first = vmladavaq_s8(first, some, vldrbq_z_s8(a + i, left));
        second = vmladavaq_s8(second, some, vldrbq_z_s8(b + i, left));
    }
#else
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    for (; i + 4 <= n; i += 4) {
        const int32_t some = dsp_load4(x + i);
        const int32_t even = dsp_sxtb16(some);
        const int32_t odd = dsp_sxtb16_odd(some);
        const int32_t from_a = dsp_load4(a + i);
        const int32_t from_b = dsp_load4(b + i);
        first = dsp_smlad(even, dsp_sxtb16(from_a), first);
        first = dsp_smlad(odd, dsp_sxtb16_odd(from_a), first);
        second = dsp_smlad(even, dsp_sxtb16(from_b), second);
        second = dsp_smlad(odd, dsp_sxtb16_odd(from_b), second);
    }
#endif
    for (; i < n; i++) {
        first += (int32_t)a[i] * x[i];
        second += (int32_t)b[i] * x[i];
    }
#endif
    sums[0] = first;
    sums[1] = second;
}

/* start + x . w, over n elements */
static inline int32_t dot_s8(const int8_t *x, MCU_ROM int8_t *w, int32_t n, int32_t start)
{
    int32_t sum = start;
#if defined(__ARM_FEATURE_MVE)
    for (int32_t i = 0; i < n; i += 16) {
        const mve_pred16_t left = vctp8q((uint32_t)(n - i));
        sum = vmladavaq_s8(sum, vldrbq_z_s8(x + i, left), vldrbq_z_s8(w + i, left));
    }
#else
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    for (; i + 4 <= n; i += 4) {
        const int32_t some = dsp_load4(x + i);
        const int32_t weights = dsp_load4(w + i);
        sum = dsp_smlad(dsp_sxtb16(some), dsp_sxtb16(weights), sum);
        sum = dsp_smlad(dsp_sxtb16_odd(some), dsp_sxtb16_odd(weights), sum);
    }
#endif
    for (; i < n; i++) {
        sum += (int32_t)w[i] * x[i];
    }
#endif
    return sum;
}

#endif
