#include "wide.h"

#if DSP_NATIVE

/* The weight of the code in r12, times the place r1; on to the next place. */
#define ADD_CODE                                                                                   \
    "ldr   lr, [sp]\n\t"                                                                           \
    "ldrsb r3, [lr, r12]\n\t"                                                                      \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlal r4, r5, r12, r3\n\t"                                                                    \
    "smlal r6, r7, lr, r3\n\t"                                                                     \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlal r8, r9, r12, r3\n\t"                                                                    \
    "smlal r10, r11, lr, r3\n\t"

/* 22 instructions for two weights and eight pixels. On the stack: the channel's values, and the
 * number of places. */
__attribute__((naked)) const uint8_t *
sparse_codes4_dot8(const uint8_t *stream __attribute__((unused)),
                   const int32_t *fields __attribute__((unused)),
                   int32_t places __attribute__((unused)), int32_t *sums __attribute__((unused)))
{
    __asm__ volatile(SPARSE_START "ldrb  r3, [r0], #1\n\t"
                                  "push  {r0, r2}\n\t"
                                  "add   r0, r3\n\t"
                                  "add   r2, r0, r2, lsr #1\n\t"
                                  "b     2f\n"
                                  "1:\n\t"
                                  "ldrb  r12, [r0]\n\t"
                                  "and   r12, #15\n\t" ADD_CODE "ldrb  r12, [r0], #1\n\t"
                                  "lsr   r12, #4\n\t" ADD_CODE "2:\n\t"
                                  "cmp   r0, r2\n\t"
                                  "bne   1b\n\t"
                                  "ldr   r12, [sp, #4]\n\t"
                                  "tst   r12, #1\n\t"
                                  "beq   3f\n\t"
                                  "ldrb  r12, [r0], #1\n\t"
                                  "and   r12, #15\n\t" ADD_CODE "3:\n\t"
                                  "add   sp, #8\n\t" SPARSE_END);
}

#else

const uint8_t *sparse_codes4_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums)
{
    int64_t wide[SPARSE_WORDS];
    sparse_start8(wide, sums[0]);
    const uint8_t *const values = stream + 1;
    const uint8_t *const codes = values + *stream;
    for (int32_t k = 0; k < places; ++k) {
        const uint32_t both = codes[k / 2];
        const uint32_t code = (k & 1) != 0 ? both >> 4 : both & 15u;
        sparse_add8(wide, fields + SPARSE_WORDS * k, (int8_t)values[code]);
    }
    sparse_part8(wide, sums);
    return codes + (places + 1) / 2;
}

#endif
