/* The assembly of gemm_1px.c and gemm_1px_plain.c: 2 channels x 1 pixel. */
#ifndef DSP_GEMM_1PX_TILE_H
#define DSP_GEMM_1PX_TILE_H

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
} dsp_gemm_1px_frame_t;

/* All pairs of channels of one pixel; r0: the stream, r1: a frame. STEPS leave the sum of the
 * second channel in r2, after SEPARATE, and of the first one in r3. */
/* clang-format off */
#define TILES(STEPS, SEPARATE)                                                                     \
    "push  {r4-r11, lr}\n\t"                                                                       \
    "sub   sp, #36\n\t"                                                                            \
    "ldmia r1, {r2-r10}\n\t"                                                                       \
    "stmia sp, {r2-r10}\n\t"                                                                       \
    "mov   lr, r10\n"                                                                              \
    "1:\n\t"                                                                                       \
    "ldrd  r2, r3, [r0], #8\n\t"                                                                   \
    "ldrd  r1, r12, [sp, #0]\n\t"                                                                  \
    "add   pc, r12\n\t"                                                                            \
    "nop\n"                                                                                        \
    "2:\n\t"                                                                                       \
    STEPS                                                                                          \
    "cmp   r1, lr\n\t"                                                                             \
    "bne   2b\n\t"                                                                                 \
    "ldrd  r4, r5, [sp, #8]\n\t"    /* scale, its step */                                          \
    "ldrd  r11, r12, [sp, #24]\n\t" /* base, mode */                                               \
    "ldrd  r6, r7, [r4]\n\t"        /* multiplier, shift of the first channel */                   \
    "add   r4, r5\n\t"                                                                             \
    "ldrd  r8, r9, [r4]\n\t" /* and of the second */                                               \
    "add   r4, r5\n\t"                                                                             \
    "str   r4, [sp, #8]\n\t"                                                                       \
    SEPARATE                                                                                       \
    "add   r5, r11, r7, asr #9\n\t"                                                                \
    "add   r11, r11, r9, asr #9\n\t"                                                               \
    "cmp   r12, #0\n\t"                                                                            \
    "beq   3f\n\t"                                                                                 \
    "asr   r10, r7, #8\n\t"                                                                        \
    "and   r10, r10, r3, asr #31\n\t"                                                              \
    "sub   r5, r10\n\t"                                                                            \
    "asr   r10, r9, #8\n\t"                                                                        \
    "and   r10, r10, r2, asr #31\n\t"                                                              \
    "sub   r11, r10\n"                                                                             \
    "3:\n\t"                                                                                       \
    "lsl   r3, r7\n\t"                                                                             \
    "lsl   r2, r9\n\t"                                                                             \
    "smmla r3, r3, r6, r5\n\t"                                                                     \
    "smmla r2, r2, r8, r11\n\t"                                                                    \
    "ldrd  r4, r5, [sp, #16]\n\t" /* out, its end */                                               \
    "ssat  r3, #8, r3, asr #14\n\t"                                                                \
    "ssat  r2, #8, r2, asr #14\n\t"                                                                \
    "strb  r3, [r4], #1\n\t"                                                                       \
    "strb  r2, [r4], #1\n\t"                                                                       \
    "str   r4, [sp, #16]\n\t"                                                                      \
    "cmp   r4, r5\n\t"                                                                             \
    "bne   1b\n\t"                                                                                 \
    "add   sp, #36\n\t"                                                                            \
    "pop   {r4-r11, pc}\n\t"
/* clang-format on */

/* Computes all pairs of channels: w the stream. */
typedef void dsp_gemm_1px_tiles_t(const int32_t *w, const dsp_gemm_1px_frame_t *frame);

/* skip: bytes of the loop to leave out the first time. */
DSP_INLINE void dsp_gemm_1px_row(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out,
                                 uint32_t skip, dsp_gemm_1px_tiles_t *tiles)
{
    const uint32_t paired = gemm->channels & ~1U;
    if (paired != 0U) {
        const dsp_gemm_1px_frame_t frame = {
            .x = x,
            .skip = skip,
            .scale = gemm->scales,
            .scale_bytes = gemm->output.scale_step * sizeof(dsp_scale_t),
            .out = out,
            .out_end = out + paired,
            .base = gemm->output.base,
            .mode = gemm->output.mode,
            .x_end = x + gemm->k_pairs,
        };
        tiles(gemm->stream, &frame);
    }
    if (paired != gemm->channels) {
        dsp_gemm_any(gemm, paired, x, out, 1U);
    }
}

#endif

#endif
