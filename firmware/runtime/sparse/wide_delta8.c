#include "wide.h"

#if DSP_NATIVE

/* 20 instructions for two weights and eight pixels. */
__attribute__((naked)) const uint8_t *
sparse_delta8_dot8(const uint8_t *stream __attribute__((unused)),
                   const int32_t *fields __attribute__((unused)),
                   int32_t places __attribute__((unused)), int32_t *sums __attribute__((unused)))
{
    __asm__ volatile(SPARSE_START "ldrh  r2, [r0], #2\n\t"
                                  "add   r2, r0, r2, lsl #2\n\t"
                                  "b     2f\n"
                                  "1:\n\t"
                                  "ldrb  r12, [r0], #1\n\t"
                                  "ldrsb r3, [r0], #1\n\t"
                                  "add   r1, r1, r12, lsl #4\n\t" SPARSE_ADD
                                  "ldrb  r12, [r0], #1\n\t"
                                  "ldrsb r3, [r0], #1\n\t"
                                  "add   r1, r1, r12, lsl #4\n\t" SPARSE_ADD "2:\n\t"
                                  "cmp   r0, r2\n\t"
                                  "bne   1b\n\t" SPARSE_END);
}

#else

const uint8_t *sparse_delta8_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums)
{
    (void)places;
    int64_t wide[SPARSE_WORDS];
    sparse_start8(wide, sums[0]);
    const uint8_t *const end = stream + 2 + 4 * (stream[0] + 256 * stream[1]);
    for (stream += 2; stream < end; stream += 2) {
        fields += SPARSE_WORDS * stream[0];
        sparse_add8(wide, fields, (int8_t)stream[1]);
    }
    sparse_part8(wide, sums);
    return stream;
}

#endif
