#include "dense.h"
#include "widen.h"

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
} frame_t;

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

/* 8 inputs by 4 outputs: 32 MACs in 27 instructions of 4 bytes. All registers are taken: with the
 * loop in C, GCC spills. */
#define WIDE_STEP "ldmia.w r1!, {r10-r12, lr}\n\t" PRODUCTS("r10", "r11") PRODUCTS("r12", "lr")
#define WIDE_STEP_BYTES 108U
#define WIDE_UNROLL     8U

/* The same from bytes: 31 instructions. */
#define BYTE_STEP                                                                                  \
    "ldmia.w r1!, {r10, r12}\n\t"                                                                  \
    "sxtb16 r11, r10, ror #8\n\t"                                                                  \
    "sxtb16 r10, r10\n\t"                                                                          \
    "sxtb16 lr, r12, ror #8\n\t"                                                                   \
    "sxtb16 r12, r12\n\t" PRODUCTS("r10", "r11") PRODUCTS("r12", "lr")
#define BYTE_STEP_BYTES 124U
#define BYTE_UNROLL     4U

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

static __attribute__((naked, noinline)) void wide_tiles(const int32_t *w __attribute__((unused)),
                                                        const frame_t *frame
                                                        __attribute__((unused)))
{
    __asm__ volatile(TILES(FOUR(WIDE_STEP) FOUR(WIDE_STEP)));
}

static __attribute__((naked, noinline)) void byte_tiles(const int32_t *w __attribute__((unused)),
                                                        const frame_t *frame
                                                        __attribute__((unused)))
{
    __asm__ volatile(TILES(FOUR(BYTE_STEP)));
}
/* clang-format on */

/* Outputs `first` to `last`, a multiple of four of them. wide: NULL for bytes. */
DSP_INLINE void tiles(const dsp_dense_t *dense, uint32_t first, uint32_t last, const int8_t *in,
                      const int32_t *wide, int8_t *out)
{
    const uint32_t step = dense->output.scale_step;
    const int32_t *const w = dense->stream + (first / 4U) * (8U * dense->steps + 4U);
    frame_t frame = {
        .x = in,
        .skip = (0U - dense->steps) % BYTE_UNROLL * BYTE_STEP_BYTES,
        .x_end = in + 8U * dense->steps,
        .scale = dense->scales + first * step,
        .scale_bytes = step * sizeof(dsp_scale_t),
        .out = out,
        .out_end = out + (last - first),
        .base = dense->output.base,
        .mode = dense->output.mode,
    };
    if (wide == NULL) {
        byte_tiles(w, &frame);
    } else {
        frame.x = wide;
        frame.skip = (0U - dense->steps) % WIDE_UNROLL * WIDE_STEP_BYTES;
        frame.x_end = wide + 4U * dense->steps;
        wide_tiles(w, &frame);
    }
}

/* A row by assembly. */
DSP_INLINE void row_fast(const dsp_dense_t *dense, const int8_t *in, const int32_t *wide,
                         int8_t *out)
{
    const uint32_t whole = dense->outputs & ~3U;
    if (whole != 0U) {
        tiles(dense, 0U, whole, in, wide, out);
    }
    if (whole != dense->outputs) {
        int8_t last[4];
        tiles(dense, whole, whole + 4U, in, wide, last);
        memcpy(out + whole, last, dense->outputs - whole);
    }
}

#endif

/* Any mode and any alignment. */
static void row_any(const dsp_dense_t *dense, uint32_t inputs, const int8_t *in, int8_t *out)
{
    const dsp_output_t *const output = &dense->output;
    const dsp_scale_t *scale = dense->scales;
    const uint32_t outputs = dense->outputs;
    const int32_t *w = dense->stream;
    for (uint32_t c = 0; c < outputs; c += 4U) {
        int32_t acc[4] = {w[0], w[1], w[2], w[3]};
        w += 4;
        for (uint32_t k = 0; k < 8U * dense->steps; k += 4U) {
            int32_t word = 0;
            if (k < inputs) {
                memcpy(&word, in + k, inputs - k < 4U ? inputs - k : 4U);
            }
            const int32_t even = dsp_sxtb16(word), odd = dsp_sxtb16_odd(word);
#pragma GCC unroll 2
            for (uint32_t i = 0; i < 4U; i += 2U) {
                acc[i] = dsp_smlad(dsp_sxtb16(w[0]), even, acc[i]);
                acc[i] = dsp_smlad(dsp_sxtb16(w[1]), odd, acc[i]);
                acc[i + 1U] = dsp_smlad(w[0], even, acc[i + 1U]);
                acc[i + 1U] = dsp_smlad(w[1], odd, acc[i + 1U]);
                w += 2;
            }
        }
        acc[1] = dsp_wrap_sub(acc[1], acc[0]) >> 8;
        acc[3] = dsp_wrap_sub(acc[3], acc[2]) >> 8;
        for (uint32_t i = 0; i < 4U && c + i < outputs; i++) {
            *out++ = (int8_t)dsp_requant(acc[i], scale, output);
            scale += output->scale_step;
        }
    }
}

void dsp_dense_s8(const dsp_dense_t *dense, uint32_t rows, uint32_t inputs, const int8_t *in,
                  int8_t *out, void *scratch)
{
    int32_t *const wide = scratch;
    for (; rows > 0U; rows--) {
#if DSP_NATIVE
        if (dense->output.mode <= (uint8_t)DSP_SIGN) {
            /* What lies between the end and a multiple of 8 is multiplied by zero weights. */
            (void)dsp_widen_tail(wide, 1U, in, inputs);
            row_fast(dense, in, wide, out);
        } else
#endif
        {
            row_any(dense, inputs, in, out);
        }
        in += inputs;
        out += dense->outputs;
    }
    (void)wide;
}

void dsp_dense_bytes_s8(const dsp_dense_t *dense, uint32_t rows, uint32_t inputs, const int8_t *in,
                        int8_t *out)
{
    for (; rows > 0U; rows--) {
#if DSP_NATIVE
        if (dense->output.mode <= (uint8_t)DSP_SIGN && ((uintptr_t)in & 3U) == 0U) {
            row_fast(dense, in, NULL, out);
        } else
#endif
        {
            row_any(dense, inputs, in, out);
        }
        in += inputs;
        out += dense->outputs;
    }
}
