#include "winograd_product.h"

#if DSP_NATIVE

/* One pair of k for 2 channels and 4 tiles: 16 MACs in 11 instructions of 4 bytes. r4-r11 sums,
 * r0 u, r1 v. In C it takes 1.4 times as many. */
#define STEP                                                                                       \
    "ldrd  r2, r3, [r0], #8\n\t"                                                                   \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlad r4, r2, r12, r4\n\t"                                                                    \
    "smlad r8, r3, r12, r8\n\t"                                                                    \
    "smlad r5, r2, lr, r5\n\t"                                                                     \
    "smlad r9, r3, lr, r9\n\t"                                                                     \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlad r6, r2, r12, r6\n\t"                                                                    \
    "smlad r10, r3, r12, r10\n\t"                                                                  \
    "smlad r7, r2, lr, r7\n\t"                                                                     \
    "smlad r11, r3, lr, r11\n\t"
#define FIRST_STEP                                                                                 \
    "ldrd  r2, r3, [r0], #8\n\t"                                                                   \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smuad r4, r2, r12\n\t"                                                                        \
    "smuad r8, r3, r12\n\t"                                                                        \
    "smuad r5, r2, lr\n\t"                                                                         \
    "smuad r9, r3, lr\n\t"                                                                         \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smuad r6, r2, r12\n\t"                                                                        \
    "smuad r10, r3, r12\n\t"                                                                       \
    "smuad r7, r2, lr\n\t"                                                                         \
    "smuad r11, r3, lr\n\t"

#define STEP_BYTES   44U
#define BRANCH_BYTES 8U /* LDR, CMP, far BNE */

/* bytes: of a frequency's words after the first step in u. skip: bytes of the loop to leave out.
 * On the stack: 0 skip, 4 bytes, 8 end of u's frequency, 12 m, 16 end of m. */
static __attribute__((naked, noinline)) void products(const int32_t *u __attribute__((unused)),
                                                      const int32_t *v __attribute__((unused)),
                                                      const uint32_t frame[5]
                                                      __attribute__((unused)))
{
    __asm__ volatile("push  {r4-r11, lr}\n\t"
                     "sub   sp, #20\n\t"
                     "ldmia r2, {r4-r8}\n\t"
                     "stmia.w sp, {r4-r8}\n"
                     "1:\n\t" FIRST_STEP "ldrd  r2, r3, [sp, #0]\n\t"
                     "add   r3, r0\n\t"
                     "str   r3, [sp, #8]\n\t"
                     "add   pc, r2\n\t"
                     "nop\n"
                     "2:\n\t" STEP STEP STEP STEP STEP STEP STEP STEP "ldr   r2, [sp, #8]\n\t"
                     "cmp   r0, r2\n\t"
                     "bne.w 2b\n\t"
                     "ldrd  r2, r3, [sp, #12]\n\t"
                     "stmia r2!, {r4-r11}\n\t"
                     "str   r2, [sp, #12]\n\t"
                     "cmp   r2, r3\n\t"
                     "bne.w 1b\n\t"
                     "add   sp, #20\n\t"
                     "pop   {r4-r11, pc}\n\t");
}

void dsp_winograd_products(const int32_t *u, const int32_t *v, uint32_t k_pairs, int32_t *m,
                           uint32_t frequencies)
{
    const uint32_t steps = k_pairs - 1U;
    const uint32_t frame[5] = {
        steps == 0U ? 8U * STEP_BYTES + BRANCH_BYTES : (0U - steps) % 8U * STEP_BYTES,
        steps * 8U,
        0U,
        (uint32_t)m,
        (uint32_t)(m + 8U * frequencies),
    };
    products(u, v, frame);
}

#else

void dsp_winograd_products(const int32_t *u, const int32_t *v, uint32_t k_pairs, int32_t *m,
                           uint32_t frequencies)
{
    for (uint32_t f = 0; f < frequencies; f++) {
        for (uint32_t i = 0; i < 8U; i++) {
            m[i] = 0;
        }
        for (uint32_t k = 0; k < k_pairs; k++) {
            for (uint32_t t = 0; t < 4U; t++) {
                m[t] = dsp_smlad(u[0], v[t], m[t]);
                m[4U + t] = dsp_smlad(u[1], v[t], m[4U + t]);
            }
            u += 2, v += 4;
        }
        m += 8;
    }
}

#endif
