#include "sparse.h"

MCU_ROM uint8_t *sparse_delta8_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums)
{
    (void)places;
    int32_t a = sums[0];
    int32_t b = sums[1];
    int32_t c = sums[2];
    int32_t d = sums[3];
    const int32_t entries = 2 * (stream[0] + 256 * stream[1]);
    stream += 2;
    MCU_ROM uint8_t *const end = stream + 2 * entries;
    while (stream < end) {
        fields += SPARSE_PIXELS * stream[0];
        const int32_t weight = (int8_t)stream[1];
        stream += 2;
        a += weight * fields[0];
        b += weight * fields[1];
        c += weight * fields[2];
        d += weight * fields[3];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return stream;
}

MCU_ROM uint8_t *sparse_delta8_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum)
{
    (void)places;
    int32_t a = *sum;
    const int32_t pairs = stream[0] + 256 * stream[1];
    stream += 2;
    MCU_ROM uint8_t *const end = stream + 4 * pairs;
#if defined(__ARM_FEATURE_DSP)
    /* 11 instructions for two weights; GCC makes 14. */
    if (pairs > 0) {
        int32_t x, w, both;
        __asm__ volatile("1:\n\t"
                         "ldr   %[both], [%[s]], #4\n\t"
                         "uxtab %[f], %[f], %[both]\n\t"
                         "ldrsb %[x], [%[f]]\n\t"
                         "sxtb  %[w], %[both], ror #8\n\t"
                         "mla   %[a], %[x], %[w], %[a]\n\t"
                         "uxtab %[f], %[f], %[both], ror #16\n\t"
                         "ldrsb %[x], [%[f]]\n\t"
                         "asr   %[w], %[both], #24\n\t"
                         "mla   %[a], %[x], %[w], %[a]\n\t"
                         "cmp   %[s], %[end]\n\t"
                         "bne   1b\n\t"
                         : [s] "+r"(stream), [f] "+r"(field), [a] "+r"(a), [x] "=&r"(x),
                           [w] "=&r"(w), [both] "=&r"(both)
                         : [end] "r"(end)
                         : "cc", "memory");
    }
#else
    while (stream < end) {
        field += stream[0];
        a += (int8_t)stream[1] * *field;
        field += stream[2];
        a += (int8_t)stream[3] * *field;
        stream += 4;
    }
#endif
    *sum = a;
    return stream;
}
