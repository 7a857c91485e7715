#include "gemm_4px_tile.h"

#if DSP_NATIVE

/* Two channels and 4 pixels by the even or the odd bytes of 4 of k: 16 MACs in 13 instructions of
 * 4 bytes. r4-r7 second channel, r8-r11 first, r0 weights, r1 pixels. */
#define HALF(NEXT, TURN)                                                                           \
    "ldrd  r2, r3, [r0]" NEXT "\n\t"                                                               \
    "sxtb16 r2, r2" TURN "\n\t"                                                                    \
    "sxtb16 r3, r3" TURN "\n\t"                                                                    \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlad r8, r2, r12, r8\n\t"                                                                    \
    "smlad r4, r3, r12, r4\n\t"                                                                    \
    "smlad r9, r2, lr, r9\n\t"                                                                     \
    "smlad r5, r3, lr, r5\n\t"                                                                     \
    "ldrd  r12, lr, [r1], #8\n\t"                                                                  \
    "smlad r10, r2, r12, r10\n\t"                                                                  \
    "smlad r6, r3, r12, r6\n\t"                                                                    \
    "smlad r11, r2, lr, r11\n\t"                                                                   \
    "smlad r7, r3, lr, r7\n\t"
#define STEP       HALF("", "") HALF(", #8", ", ror #8")
#define STEP_BYTES 104U
#define UNROLL     4U /* steps of two pairs of k */
#define SEPARATE

static __attribute__((naked, noinline)) void tiles(const int32_t *w __attribute__((unused)),
                                                   const dsp_gemm_4px_frame_t *frame
                                                   __attribute__((unused)))
{
    __asm__ volatile(TILES(STEP STEP STEP STEP, SEPARATE));
}

#endif

void dsp_gemm_4px_plain(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out)
{
#if DSP_NATIVE
    if (gemm->output.mode <= (uint8_t)DSP_SIGN) {
        dsp_gemm_4px_row(gemm, x, out, (0U - gemm->k_pairs / 2U) % UNROLL * STEP_BYTES, tiles);
        return;
    }
#endif
    dsp_gemm_any(gemm, 0U, x, out, 4U);
}
