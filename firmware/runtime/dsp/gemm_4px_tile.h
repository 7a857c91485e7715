/* The assembly of gemm_4px.c and gemm_4px_plain.c: 2 channels x 4 pixels. */
#ifndef DSP_GEMM_4PX_TILE_H
#define DSP_GEMM_4PX_TILE_H

#include "gemm.h"

#if DSP_NATIVE

/* What the assembly finds on its stack. */
typedef struct {
    const int32_t *x;         /* 0 */
    uint32_t skip;            /* 4: bytes of the unrolled loop to leave out the first time */
    uint32_t w_bytes;         /* 8: weights of a pair of channels */
    const int32_t *w_end;     /* 12 */
    int8_t *out;              /* 16 */
    const dsp_scale_t *scale; /* 20 */
    uint32_t scale_bytes;     /* 24: from one channel's scale to the next */
    int32_t base;             /* 28 */
    uint32_t stride;          /* 32: bytes from pixel to pixel */
    int8_t *out_end;          /* 36 */
    uint32_t mode;            /* 40 */
} dsp_gemm_4px_frame_t;

/* Requantises register `a` of either channel: r2 multiplier, r3 shift, r12 offset. */
#define FLOOR(a)                                                                                   \
    "lsl   " a ", " a ", r3\n\t"                                                                   \
    "smmla " a ", " a ", r2, r12\n\t"                                                              \
    "ssat  " a ", #8, " a ", asr #14\n\t"

/* The same with the sign term: d = D, `t` is free. */
#define SIGN(a, t, d)                                                                              \
    "and   " t ", " d ", " a ", asr #31\n\t"                                                       \
    "lsl   " a ", " a ", r3\n\t"                                                                   \
    "sub   " t ", r12, " t "\n\t"                                                                  \
    "smmla " a ", " a ", r2, " t "\n\t"                                                            \
    "ssat  " a ", #8, " a ", asr #14\n\t"

/* r1 = out, lr = stride; `t` is free. */
#define STORE(a, b, c, d, t)                                                                       \
    "strb  " a ", [r1]\n\t"                                                                        \
    "strb  " b ", [r1, lr]\n\t"                                                                    \
    "add   " t ", lr, lr, lsl #1\n\t"                                                              \
    "strb  " c ", [r1, lr, lsl #1]\n\t"                                                            \
    "strb  " d ", [r1, " t "]\n\t"

/* Both channels of the tile, by either requantisation. r1 = out on entry and on return. */
#define EPILOGUE(QUANTISE4_FIRST, QUANTISE4_SECOND)                                                \
    "ldrd  r2, r3, [r2]\n\t"                                                                       \
    "add   r12, r12, r3, asr #9\n\t" QUANTISE4_FIRST "ldr   lr, [sp, #32]\n\t" STORE(              \
        "r8", "r9", "r10", "r11", "r2") "ldrd  r8, r9, [sp, #20]\n\t"                              \
                                        "ldr   r12, [sp, #28]\n\t"                                 \
                                        "add   r8, r9\n\t"                                         \
                                        "ldrd  r2, r3, [r8]\n\t"                                   \
                                        "add   r8, r9\n\t"                                         \
                                        "str   r8, [sp, #20]\n\t"                                  \
                                        "add   r12, r12, r3, asr #9\n\t" QUANTISE4_SECOND          \
                                        "add   r1, #1\n\t" STORE("r4", "r5", "r6", "r7",           \
                                                                 "r2") "add   r1, #1\n\t"          \
                                                                       "ldr   r2, [sp, #36]\n\t"   \
                                                                       "str   r1, [sp, #16]\n\t"   \
                                                                       "cmp   r1, r2\n\t"          \
                                                                       "bne   1b\n\t"

/* All pairs of channels of 4 pixels; r0: the stream, r1: a frame. STEPS leave the sums of the
 * second channel in r4-r7, after SEPARATE, and of the first one in r8-r11. */
/* clang-format off */
#define TILES(STEPS, SEPARATE)                                                                     \
    "push  {r4-r11, lr}\n\t"                                                                       \
    "sub   sp, #44\n\t"                                                                            \
    "ldmia r1, {r2-r12}\n\t"                                                                       \
    "stmia sp, {r2-r12}\n"                                                                         \
    "1:\n\t"                                                                                       \
    "ldrd  r4, r8, [r0], #8\n\t"                                                                   \
    "ldrd  r1, r3, [sp, #0]\n\t"                                                                   \
    "ldr   r2, [sp, #8]\n\t"                                                                       \
    "mov   r5, r4\n\t"                                                                             \
    "mov   r6, r4\n\t"                                                                             \
    "mov   r7, r4\n\t"                                                                             \
    "mov   r9, r8\n\t"                                                                             \
    "add   r2, r0\n\t"                                                                             \
    "str   r2, [sp, #12]\n\t"                                                                      \
    "mov   r10, r8\n\t"                                                                            \
    "mov   r11, r8\n\t"                                                                            \
    "add   pc, r3\n\t"                                                                             \
    "nop\n"                                                                                        \
    "2:\n\t"                                                                                       \
    STEPS                                                                                          \
    "ldr   r2, [sp, #12]\n\t"                                                                      \
    "cmp   r0, r2\n\t"                                                                             \
    "bne.w 2b\n\t"                                                                                 \
    SEPARATE                                                                                       \
    "ldr   r3, [sp, #40]\n\t"                                                                      \
    "ldrd  r1, r2, [sp, #16]\n\t"                                                                  \
    "ldr   r12, [sp, #28]\n\t"                                                                     \
    "cmp   r3, #0\n\t"                                                                             \
    "bne   3f\n\t"                                                                                 \
    EPILOGUE(FLOOR("r8") FLOOR("r9") FLOOR("r10") FLOOR("r11"),                                    \
             FLOOR("r4") FLOOR("r5") FLOOR("r6") FLOOR("r7"))                                      \
    "add   sp, #44\n\t"                                                                            \
    "pop   {r4-r11, pc}\n"                                                                         \
    "3:\n\t"                                                                                       \
    EPILOGUE("asr   lr, r3, #8\n\t"                                                                \
             SIGN("r8", "r0", "lr") SIGN("r9", "r0", "lr") SIGN("r10", "r0", "lr")                 \
             SIGN("r11", "r0", "lr")                                                               \
             "ldr   r0, [sp, #12]\n\t",                                                            \
             "asr   r9, r3, #8\n\t"                                                                \
             SIGN("r4", "r8", "r9") SIGN("r5", "r8", "r9") SIGN("r6", "r8", "r9")                  \
             SIGN("r7", "r8", "r9"))                                                               \
    "add   sp, #44\n\t"                                                                            \
    "pop   {r4-r11, pc}\n\t"
/* clang-format on */

/* Computes all pairs of channels: w the stream. */
typedef void dsp_gemm_4px_tiles_t(const int32_t *w, const dsp_gemm_4px_frame_t *frame);

/* skip: bytes of the loop to leave out the first time. */
DSP_INLINE void dsp_gemm_4px_row(const dsp_gemm_t *gemm, const int32_t *x, int8_t *out,
                                 uint32_t skip, dsp_gemm_4px_tiles_t *tiles)
{
    const uint32_t paired = gemm->channels & ~1U;
    if (paired != 0U) {
        const dsp_gemm_4px_frame_t frame = {
            .x = x,
            .skip = skip,
            .w_bytes = gemm->k_pairs * 4U,
            .out = out,
            .scale = gemm->scales,
            .scale_bytes = gemm->output.scale_step * sizeof(dsp_scale_t),
            .base = gemm->output.base,
            .stride = gemm->stride,
            .out_end = out + paired,
            .mode = gemm->output.mode,
        };
        tiles(gemm->stream, &frame);
    }
    if (paired != gemm->channels) {
        dsp_gemm_any(gemm, paired, x, out, 4U);
    }
}

#endif

#endif
