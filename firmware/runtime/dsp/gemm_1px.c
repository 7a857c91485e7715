#include "gemm.h"

#if DSP_NATIVE

/* What the assembly finds on its stack. */
typedef struct {
    const int32_t *x;         /* 0 */
    uint32_t skip;            /* 4: bytes of the unrolled loop to leave out the first time */
    const dsp_scale_t *scale; /* 8 */
    uint32_t scale_bytes;     /* 12: from one channel's scale to the next */
    int8_t *out;              /* 16 */
    int8_t *out_end;          /* 20 */
    int32_t base;             /* 24 */
    uint32_t mode;            /* 28 */
    const int32_t *x_end;     /* 32 */
} frame_t;

/* Four pairs of k for 2 channels: 16 MACs in 14 instructions of 4 bytes each.
 * r0 weights, r1 pixel, r2 mixed, r3 first. In C: 1.3 instructions a MAC against 0.9. */
#define STEP                                                                                       \
    "ldmia r1!, {r4-r7}\n\t"                                                                       \
    "ldmia.w r0!, {r8-r11}\n\t"                                                                    \
    "smlad r2, r8, r4, r2\n\t"                                                                     \
    "sxtb16 r8, r8\n\t"                                                                            \
    "smlad r3, r8, r4, r3\n\t"                                                                     \
    "smlad r2, r9, r5, r2\n\t"                                                                     \
    "sxtb16 r9, r9\n\t"                                                                            \
    "smlad r3, r9, r5, r3\n\t"                                                                     \
    "smlad r2, r10, r6, r2\n\t"                                                                    \
    "sxtb16 r10, r10\n\t"                                                                          \
    "smlad r3, r10, r6, r3\n\t"                                                                    \
    "smlad r2, r11, r7, r2\n\t"                                                                    \
    "sxtb16 r11, r11\n\t"                                                                          \
    "smlad r3, r11, r7, r3\n\t"
#define STEP_BYTES 54U /* the first LDM has a 16-bit encoding */
#define UNROLL     8U  /* steps */

/* All pairs of channels of one pixel. w: the stream. */
static __attribute__((naked, noinline)) void gemm_1px_pairs(const int32_t *w
                                                            __attribute__((unused)),
                                                            const frame_t *frame
                                                            __attribute__((unused)))
{
    __asm__ volatile("push  {r4-r11, lr}\n\t"
                     "sub   sp, #36\n\t"
                     "ldmia r1, {r2-r10}\n\t"
                     "stmia sp, {r2-r10}\n\t"
                     "mov   lr, r10\n"
                     "1:\n\t"
                     "ldrd  r2, r3, [r0], #8\n\t"
                     "ldrd  r1, r12, [sp, #0]\n\t"
                     "add   pc, r12\n\t"
                     "nop\n"
                     "2:\n\t" STEP STEP STEP STEP STEP STEP STEP STEP "cmp   r1, lr\n\t"
                     "bne   2b\n\t"
                     "ldrd  r4, r5, [sp, #8]\n\t"    /* scale, its step */
                     "ldrd  r11, r12, [sp, #24]\n\t" /* base, mode */
                     "ldrd  r6, r7, [r4]\n\t"        /* multiplier, shift of the first channel */
                     "add   r4, r5\n\t"
                     "ldrd  r8, r9, [r4]\n\t" /* and of the second */
                     "add   r4, r5\n\t"
                     "str   r4, [sp, #8]\n\t"
                     "sub   r2, r3\n\t"
                     "add   r5, r11, r7, asr #9\n\t"
                     "add   r11, r11, r9, asr #9\n\t"
                     "asr   r2, #8\n\t"
                     "cmp   r12, #0\n\t"
                     "beq   3f\n\t"
                     "asr   r10, r7, #8\n\t"
                     "and   r10, r10, r3, asr #31\n\t"
                     "sub   r5, r10\n\t"
                     "asr   r10, r9, #8\n\t"
                     "and   r10, r10, r2, asr #31\n\t"
                     "sub   r11, r10\n"
                     "3:\n\t"
                     "lsl   r3, r7\n\t"
                     "lsl   r2, r9\n\t"
                     "smmla r3, r3, r6, r5\n\t"
                     "smmla r2, r2, r8, r11\n\t"
                     "ldrd  r4, r5, [sp, #16]\n\t" /* out, its end */
                     "ssat  r3, #8, r3, asr #14\n\t"
                     "ssat  r2, #8, r2, asr #14\n\t"
                     "strb  r3, [r4], #1\n\t"
                     "strb  r2, [r4], #1\n\t"
                     "str   r4, [sp, #16]\n\t"
                     "cmp   r4, r5\n\t"
                     "bne   1b\n\t"
                     "add   sp, #36\n\t"
                     "pop   {r4-r11, pc}\n\t");
}

#endif

void dsp_gemm_1px(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out)
{
#if DSP_NATIVE
    const uint32_t paired = gemm->channels & ~1U;
    if (gemm->fused != 0U && gemm->output.mode <= (uint8_t)DSP_SIGN && gemm->k_pairs % 4U == 0U) {
        if (paired != 0U) {
            const frame_t frame = {
                .x = x,
                .skip = ((0U - gemm->k_pairs / 4U) % UNROLL) * STEP_BYTES,
                .scale = gemm->scales,
                .scale_bytes = gemm->output.scale_step * sizeof(dsp_scale_t),
                .out = out,
                .out_end = out + paired,
                .base = gemm->output.base,
                .mode = gemm->output.mode,
                .x_end = x + gemm->k_pairs,
            };
            gemm_1px_pairs(gemm->stream, &frame);
        }
        if (paired != gemm->channels) {
            dsp_gemm_any(gemm, paired, x, out, 1U);
        }
        return;
    }
#endif
    dsp_gemm_any(gemm, 0U, x, out, 1U);
}
