#include "sparse.h"

MCU_ROM uint8_t *sparse_delta4_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums)
{
    (void)places;
    int32_t a = sums[0];
    int32_t b = sums[1];
    int32_t c = sums[2];
    int32_t d = sums[3];
    const int32_t pairs = stream[0] + 256 * stream[1];
    stream += 2;
    MCU_ROM uint8_t *const end = stream + 3 * pairs;
    while (stream < end) {
        const int32_t steps = stream[0];
        int32_t weight = (int8_t)stream[1];
        fields += SPARSE_PIXELS * (steps & 15);
        a += weight * fields[0];
        b += weight * fields[1];
        c += weight * fields[2];
        d += weight * fields[3];
        weight = (int8_t)stream[2];
        fields += SPARSE_PIXELS * (steps >> 4);
        a += weight * fields[0];
        b += weight * fields[1];
        c += weight * fields[2];
        d += weight * fields[3];
        stream += 3;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return stream;
}

MCU_ROM uint8_t *sparse_delta4_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum)
{
    (void)places;
    int32_t a = *sum;
    const int32_t pairs = stream[0] + 256 * stream[1];
    stream += 2;
    MCU_ROM uint8_t *const end = stream + 3 * pairs;
#if defined(__ARM_FEATURE_DSP)
    /* 12 instructions for two weights; GCC makes 15. */
    if (pairs > 0) {
        int32_t x, w, steps;
        __asm__ volatile("1:\n\t"
                         "ldrb  %[steps], [%[s]], #3\n\t"
                         "ldrsb %[w], [%[s], #-2]\n\t"
                         "and   %[x], %[steps], #15\n\t"
                         "add   %[f], %[f], %[x]\n\t"
                         "ldrsb %[x], [%[f]]\n\t"
                         "add   %[f], %[f], %[steps], lsr #4\n\t"
                         "mla   %[a], %[x], %[w], %[a]\n\t"
                         "ldrsb %[w], [%[s], #-1]\n\t"
                         "ldrsb %[x], [%[f]]\n\t"
                         "cmp   %[s], %[end]\n\t"
                         "mla   %[a], %[x], %[w], %[a]\n\t"
                         "bne   1b\n\t"
                         : [s] "+r"(stream), [f] "+r"(field), [a] "+r"(a), [x] "=&r"(x),
                           [w] "=&r"(w), [steps] "=&r"(steps)
                         : [end] "r"(end)
                         : "cc", "memory");
    }
#else
    while (stream < end) {
        const int32_t steps = stream[0];
        field += steps & 15;
        a += (int8_t)stream[1] * *field;
        field += steps >> 4;
        a += (int8_t)stream[2] * *field;
        stream += 3;
    }
#endif
    *sum = a;
    return stream;
}
