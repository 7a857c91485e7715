/* The assembly of dense.c and dense_bytes.c: four outputs at a time. */
#ifndef DSP_DENSE_TILE_H
#define DSP_DENSE_TILE_H

#include "dense.h"

/* A row by C: any mode and any alignment. */
void dsp_dense_any(const dsp_dense_t *dense, uint32_t inputs, const int8_t *in, int8_t *out);

#if DSP_NATIVE

/* What the assembly finds on its stack. */
typedef struct {
    const void *x;            /* 0 */
    uint32_t skip;            /* 4: bytes of the unrolled loop to leave out the first time */
    const void *x_end;        /* 8 */
    const dsp_scale_t *scale; /* 12 */
    uint32_t scale_bytes;     /* 16: from one output's scale to the next, 0 for one scale */
    int8_t *out;              /* 20 */
    int8_t *out_end;          /* 24 */
    int32_t base;             /* 28 */
    uint32_t mode;            /* 32 */
} dsp_dense_frame_t;

/* Two words of each two outputs by the pairs `a` and `b`. r2, r4 first, r3, r5 mixed. */
#define PRODUCTS(a, b)                                                                             \
    "ldmia.w r0!, {r6-r9}\n\t"                                                                     \
    "smlad r3, r6, " a ", r3\n\t"                                                                  \
    "sxtb16 r6, r6\n\t"                                                                            \
    "smlad r2, r6, " a ", r2\n\t"                                                                  \
    "smlad r3, r7, " b ", r3\n\t"                                                                  \
    "sxtb16 r7, r7\n\t"                                                                            \
    "smlad r2, r7, " b ", r2\n\t"                                                                  \
    "smlad r5, r8, " a ", r5\n\t"                                                                  \
    "sxtb16 r8, r8\n\t"                                                                            \
    "smlad r4, r8, " a ", r4\n\t"                                                                  \
    "smlad r5, r9, " b ", r5\n\t"                                                                  \
    "sxtb16 r9, r9\n\t"                                                                            \
    "smlad r4, r9, " b ", r4\n\t"

/* Requantises `a`: r8 multiplier, r9 shift, r10 offset. */
#define FLOOR(a)                                                                                   \
    "lsl   " a ", " a ", r9\n\t"                                                                   \
    "smmla " a ", " a ", r8, r10\n\t"                                                              \
    "ssat  " a ", #8, " a ", asr #14\n\t"

/* The same with the sign term: r12 = D. */
#define SIGN(a)                                                                                    \
    "and   lr, r12, " a ", asr #31\n\t"                                                            \
    "lsl   " a ", " a ", r9\n\t"                                                                   \
    "sub   lr, r10, lr\n\t"                                                                        \
    "smmla " a ", " a ", r8, lr\n\t"                                                               \
    "ssat  " a ", #8, " a ", asr #14\n\t"

/* The scale of the next output; r6 scale, r7 its step, r11 base. */
#define NEXT                                                                                       \
    "ldrd  r8, r9, [r6]\n\t"                                                                       \
    "add   r6, r7\n\t"                                                                             \
    "add   r10, r11, r9, asr #9\n\t"                                                               \
    "asr   r12, r9, #8\n\t"

/* clang-format off */
/* All fours of outputs of one row; r0: the stream, r1: a frame. */
#define TILES(STEPS)                                                                               \
    "push  {r4-r11, lr}\n\t"                                                                       \
    "sub   sp, #36\n\t"                                                                            \
    "ldmia r1, {r2-r10}\n\t"                                                                       \
    "stmia sp, {r2-r10}\n"                                                                         \
    "1:\n\t"                                                                                       \
    "ldmia r0!, {r2-r5}\n\t"                                                                       \
    "ldrd  r1, r6, [sp, #0]\n\t"                                                                   \
    "add   pc, r6\n\t"                                                                             \
    "nop\n"                                                                                        \
    "2:\n\t"                                                                                       \
    STEPS                                                                                          \
    "ldr   r6, [sp, #8]\n\t"                                                                       \
    "cmp   r1, r6\n\t"                                                                             \
    "bne.w 2b\n\t"                                                                                 \
    "sub   r3, r2\n\t"                                                                             \
    "sub   r5, r4\n\t"                                                                             \
    "ldrd  r11, r1, [sp, #28]\n\t" /* base, mode */                                                \
    "ldrd  r6, r7, [sp, #12]\n\t"                                                                  \
    "asr   r3, #8\n\t"                                                                             \
    "asr   r5, #8\n\t"                                                                             \
    NEXT                                                                                           \
    "orrs  lr, r1, r7\n\t"                                                                         \
    "bne   3f\n\t"                                                                                 \
    FLOOR("r2") FLOOR("r3") FLOOR("r4") FLOOR("r5")                                                \
    "b     5f\n"                                                                                   \
    "3:\n\t"                                                                                       \
    "cbnz  r7, 4f\n\t"                                                                             \
    SIGN("r2") SIGN("r3") SIGN("r4") SIGN("r5")                                                    \
    "b     5f\n"                                                                                   \
    "4:\n\t" /* a scale for each; the sign term is exact in either mode */                         \
    SIGN("r2") NEXT SIGN("r3") NEXT SIGN("r4") NEXT SIGN("r5")                                     \
    "str   r6, [sp, #12]\n"                                                                        \
    "5:\n\t"                                                                                       \
    "ldrd  r1, r6, [sp, #20]\n\t"                                                                  \
    "strb  r2, [r1]\n\t"                                                                           \
    "strb  r3, [r1, #1]\n\t"                                                                       \
    "strb  r4, [r1, #2]\n\t"                                                                       \
    "strb  r5, [r1, #3]\n\t"                                                                       \
    "adds  r1, #4\n\t"                                                                             \
    "str   r1, [sp, #20]\n\t"                                                                      \
    "cmp   r1, r6\n\t"                                                                             \
    "bne.w 1b\n\t"                                                                                 \
    "add   sp, #36\n\t"                                                                            \
    "pop   {r4-r11, pc}\n\t"
#define FOUR(STEP) STEP STEP STEP STEP
/* clang-format on */

/* Computes all fours of outputs of a row: w the stream. */
typedef void dsp_dense_tiles_t(const int32_t *w, const dsp_dense_frame_t *frame);

/* Outputs `first` to `last`, a multiple of four of them; skip, x, x_end as in the frame. */
DSP_INLINE void dsp_dense_part(const dsp_dense_t *dense, uint32_t first, uint32_t last,
                               dsp_dense_frame_t frame, dsp_dense_tiles_t *tiles, int8_t *out)
{
    const uint32_t step = dense->output.scale_step;
    frame.scale = dense->scales + first * step;
    frame.scale_bytes = step * sizeof(dsp_scale_t);
    frame.out = out;
    frame.out_end = out + (last - first);
    frame.base = dense->output.base;
    frame.mode = dense->output.mode;
    tiles(dense->stream + (first / 4U) * (8U * dense->steps + 4U), &frame);
}

/* A row. */
DSP_INLINE void dsp_dense_row(const dsp_dense_t *dense, dsp_dense_frame_t frame,
                              dsp_dense_tiles_t *tiles, int8_t *out)
{
    const uint32_t whole = dense->outputs & ~3U;
    if (whole != 0U) {
        dsp_dense_part(dense, 0U, whole, frame, tiles, out);
    }
    if (whole != dense->outputs) {
        int8_t last[4];
        dsp_dense_part(dense, whole, whole + 4U, frame, tiles, last);
        memcpy(out + whole, last, dense->outputs - whole);
    }
}

#endif

#endif
