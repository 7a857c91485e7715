#include "wide.h"

#if DSP_NATIVE

/* 15 instructions for a weight and eight pixels, and 9 for eight places. r2: weights, r3: what is
 * left of a byte of the mask, its lowest bit on top, and a mark behind its last. */
__attribute__((naked)) const uint8_t *
sparse_bitmap_dot8(const uint8_t *stream __attribute__((unused)),
                   const int32_t *fields __attribute__((unused)),
                   int32_t places __attribute__((unused)), int32_t *sums __attribute__((unused)))
{
    __asm__ volatile(SPARSE_START "add   r2, #7\n\t"
                                  "add   r2, r0, r2, lsr #3\n\t"
                                  "push  {r2}\n"
                                  "1:\n\t"
                                  "ldr   r12, [sp]\n\t"
                                  "cmp   r0, r12\n\t"
                                  "beq   4f\n\t"
                                  "ldrb  r3, [r0], #1\n\t"
                                  "rbit  r3, r3\n\t"
                                  "orr   r3, r3, #0x800000\n"
                                  "2:\n\t"
                                  "clz   r12, r3\n\t"
                                  "add   r1, r1, r12, lsl #4\n\t"
                                  "lsl   r3, r12\n\t"
                                  "lsls  r3, #1\n\t"
                                  "beq   1b\n\t"
                                  "ldrsb lr, [r2], #1\n\t"
                                  "ldr   r12, [r1], #4\n\t"
                                  "smlal r4, r5, r12, lr\n\t"
                                  "ldr   r12, [r1], #4\n\t"
                                  "smlal r6, r7, r12, lr\n\t"
                                  "ldr   r12, [r1], #4\n\t"
                                  "smlal r8, r9, r12, lr\n\t"
                                  "ldr   r12, [r1], #4\n\t"
                                  "smlal r10, r11, r12, lr\n\t"
                                  "b     2b\n"
                                  "4:\n\t"
                                  "mov   r0, r2\n\t"
                                  "add   sp, #4\n\t" SPARSE_END);
}

#else

const uint8_t *sparse_bitmap_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums)
{
    int64_t wide[SPARSE_WORDS];
    sparse_start8(wide, sums[0]);
    const uint8_t *weights = stream + (places + 7) / 8;
    for (int32_t k = 0; k < places; ++k) {
        if (((stream[k / 8] >> (k % 8)) & 1) != 0) {
            sparse_add8(wide, fields + SPARSE_WORDS * k, (int8_t)*weights++);
        }
    }
    sparse_part8(wide, sums);
    return weights;
}

#endif
