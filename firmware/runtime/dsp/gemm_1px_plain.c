#include "gemm_1px_tile.h"

#if DSP_NATIVE

/* Four pairs of k for 2 channels: 16 MACs in 18 instructions of 4 bytes. r0 weights, r1 pixel,
 * r2 second channel, r3 first. */
#define STEP                                                                                       \
    "ldmia.w r1!, {r4-r7}\n\t"                                                                     \
    "ldmia.w r0!, {r8-r11}\n\t"                                                                    \
    "sxtb16 r12, r8\n\t"                                                                           \
    "sxtb16 r8, r8, ror #8\n\t"                                                                    \
    "smlad r3, r12, r4, r3\n\t"                                                                    \
    "smlad r3, r8, r5, r3\n\t"                                                                     \
    "sxtb16 r12, r9\n\t"                                                                           \
    "sxtb16 r9, r9, ror #8\n\t"                                                                    \
    "smlad r2, r12, r4, r2\n\t"                                                                    \
    "smlad r2, r9, r5, r2\n\t"                                                                     \
    "sxtb16 r12, r10\n\t"                                                                          \
    "sxtb16 r10, r10, ror #8\n\t"                                                                  \
    "smlad r3, r12, r6, r3\n\t"                                                                    \
    "smlad r3, r10, r7, r3\n\t"                                                                    \
    "sxtb16 r12, r11\n\t"                                                                          \
    "sxtb16 r11, r11, ror #8\n\t"                                                                  \
    "smlad r2, r12, r6, r2\n\t"                                                                    \
    "smlad r2, r11, r7, r2\n\t"
#define STEP_BYTES 72U
#define UNROLL     4U /* steps */
#define SEPARATE

static __attribute__((naked, noinline)) void tiles(const int32_t *w __attribute__((unused)),
                                                   const dsp_gemm_1px_frame_t *frame
                                                   __attribute__((unused)))
{
    __asm__ volatile(TILES(STEP STEP STEP STEP, SEPARATE));
}

#endif

void dsp_gemm_1px_plain(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out)
{
#if DSP_NATIVE
    if (gemm->output.mode <= (uint8_t)DSP_SIGN && gemm->k_pairs % 4U == 0U) {
        dsp_gemm_1px_row(gemm, x, out, (0U - gemm->k_pairs / 4U) % UNROLL * STEP_BYTES, tiles);
        return;
    }
#endif
    dsp_gemm_any(gemm, 0U, x, out, 1U);
}
