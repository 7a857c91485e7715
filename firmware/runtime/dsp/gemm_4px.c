#include "gemm_4px_tile.h"

#if DSP_NATIVE

/* One pair of k for 2 channels and 4 pixels: 16 MACs in 12 instructions of 4 bytes each.
 * r4-r7 mixed, r8-r11 first, r0 weights, r1 pixels. GCC spills two of them in every step, with or
 * without its scheduler: 1.3 instructions a MAC against 0.75. */
#define STEP                                                                                       \
    "ldr   r2, [r0], #4\n\t"                                                                       \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "sxtb16 r3, r2\n\t"                                                                            \
    "smlad r4, r2, r12, r4\n\t"                                                                    \
    "smlad r8, r3, r12, r8\n\t"                                                                    \
    "smlad r5, r2, lr, r5\n\t"                                                                     \
    "smlad r9, r3, lr, r9\n\t"                                                                     \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlad r6, r2, r12, r6\n\t"                                                                    \
    "smlad r10, r3, r12, r10\n\t"                                                                  \
    "smlad r7, r2, lr, r7\n\t"                                                                     \
    "smlad r11, r3, lr, r11\n\t"
#define STEP_BYTES 48U
#define UNROLL     8U

/* Out of mixed and first the second channel. */
#define SEPARATE                                                                                   \
    "sub   r4, r8\n\t"                                                                             \
    "sub   r5, r9\n\t"                                                                             \
    "sub   r6, r10\n\t"                                                                            \
    "sub   r7, r11\n\t"                                                                            \
    "asr   r4, #8\n\t"                                                                             \
    "asr   r5, #8\n\t"                                                                             \
    "asr   r6, #8\n\t"                                                                             \
    "asr   r7, #8\n\t"

static __attribute__((naked, noinline)) void tiles(const int32_t *w __attribute__((unused)),
                                                   const dsp_gemm_4px_frame_t *frame
                                                   __attribute__((unused)))
{
    __asm__ volatile(TILES(STEP STEP STEP STEP STEP STEP STEP STEP, SEPARATE));
}

#endif

void dsp_gemm_4px(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out)
{
#if DSP_NATIVE
    if (gemm->output.mode <= (uint8_t)DSP_SIGN) {
        dsp_gemm_4px_row(gemm, x, out, (0U - gemm->k_pairs) % UNROLL * STEP_BYTES, tiles);
        return;
    }
#endif
    dsp_gemm_any(gemm, 0U, x, out, 4U);
}
