#include "depthwise.h"

#define ROWS  DSP_STRIP_ROWS
#define PAIRS 4U             /* channels of a group */
#define NEXT  (PAIRS * ROWS) /* words from a column of a plane to the next one */

/* One channel of a strip. */
typedef struct {
    int32_t multiplier;     /* 0 */
    int32_t shift;          /* 4 */
    int32_t offset;         /* 8 */
    int32_t start[2];       /* 12: twice the start value */
    int8_t *out;            /* 20 */
    uint32_t channels;      /* 24: bytes from pixel to pixel */
    const int32_t *end;     /* 28: of the row's full pairs */
    const int32_t *plane;   /* 32: the row's first word */
    uint32_t rows;          /* 36 */
    uint32_t span;          /* 40: bytes of a row's full pairs, in the plane */
    uint32_t odd;           /* 44: one more output in the row */
    const int32_t *weights; /* 48 */
} channel_t;

#if DSP_NATIVE

/* Two outputs of a row from the word at r3: `a`, `b` are finished, `c`, `d` begun.
 * r0-r2 words of three rows, r4-r6 (w0,w1), r7-r9 (w1,w2). 18 MACs in 27 instructions. */
#define PAIR(a, b, c, d)                                                                           \
    "ldmia r3, {r0-r2}\n\t"                                                                        \
    "add   r3, #192\n\t"                                                                           \
    "ldrd  " c ", " d ", [sp, #12]\n\t"                                                            \
    "smlabt " a ", r0, r7, " a "\n\t"                                                              \
    "smlad " b ", r0, r7, " b "\n\t"                                                               \
    "smlabt " a ", r1, r8, " a "\n\t"                                                              \
    "smlad " b ", r1, r8, " b "\n\t"                                                               \
    "smlabt " a ", r2, r9, " a "\n\t"                                                              \
    "smlad " b ", r2, r9, " b "\n\t" BEGIN(c, d) "ldmia.w sp, {r0-r2}\n\t"                         \
                                                 "lsl   " a ", " a ", r1\n\t"                      \
                                                 "lsl   " b ", " b ", r1\n\t"                      \
                                                 "smmla " a ", " a ", r0, r2\n\t"                  \
                                                 "smmla " b ", " b ", r0, r2\n\t"                  \
                                                 "ldrd  r0, r1, [sp, #20]\n\t"                     \
                                                 "ssat  " a ", #8, " a ", asr #16\n\t"             \
                                                 "ssat  " b ", #8, " b ", asr #16\n\t"             \
                                                 "strb  " a ", [r0]\n\t"                           \
                                                 "strb  " b ", [r0, r1]\n\t"                       \
                                                 "add   r0, r0, r1, lsl #1\n\t"                    \
                                                 "ldr   r2, [sp, #28]\n\t"                         \
                                                 "str   r0, [sp, #20]\n\t"                         \
                                                 "cmp   r3, r2\n\t"

#define BEGIN(c, d)                                                                                \
    "smlad " c ", r0, r4, " c "\n\t"                                                               \
    "smlatb " d ", r0, r4, " d "\n\t"                                                              \
    "smlad " c ", r1, r5, " c "\n\t"                                                               \
    "smlatb " d ", r1, r5, " d "\n\t"                                                              \
    "smlad " c ", r2, r6, " c "\n\t"                                                               \
    "smlatb " d ", r2, r6, " d "\n\t"

/* The last output of a row of odd length. */
#define LAST(a)                                                                                    \
    "ldmia r3, {r0-r2}\n\t"                                                                        \
    "smlabt " a ", r0, r7, " a "\n\t"                                                              \
    "smlabt " a ", r1, r8, " a "\n\t"                                                              \
    "smlabt " a ", r2, r9, " a "\n\t"                                                              \
    "ldmia.w sp, {r0-r2}\n\t"                                                                      \
    "lsl   " a ", " a ", r1\n\t"                                                                   \
    "smmla " a ", " a ", r0, r2\n\t"                                                               \
    "ldrd  r0, r1, [sp, #20]\n\t"                                                                  \
    "ssat  " a ", #8, " a ", asr #16\n\t"                                                          \
    "strb  " a ", [r0]\n\t"                                                                        \
    "add   r0, r1\n\t"

/* All rows of a channel, stride 1, mode DSP_FLOOR. */
static __attribute__((naked, noinline)) void rows_stride_1(const channel_t *channel
                                                           __attribute__((unused)))
{
    __asm__ volatile(
        "push  {r4-r11, lr}\n\t"
        "sub   sp, #52\n\t"
        "ldmia r0, {r1-r12, lr}\n\t"
        "stmia sp, {r1-r12, lr}\n\t"
        "ldmia.w lr, {r4-r9}\n\t"
        "ldr   r3, [sp, #32]\n"
        "1:\n\t" /* a row */
        "ldmia r3, {r0-r2}\n\t"
        "ldrd  r10, r11, [sp, #12]\n\t"
        "add   r3, #192\n\t" BEGIN(
            "r10",
            "r11") "ldr   r0, [sp, #40]\n\t"
                   "cmp   r0, #0\n\t"
                   "beq   5f\n\t"
                   "add   r0, r3\n\t"
                   "str   r0, [sp, #28]\n"
                   "2:\n\t" PAIR("r10", "r11", "r12", "lr") "beq   3f\n\t" PAIR(
                       "r12", "lr", "r10",
                       "r11") "bne   2b\n"
                              "5:\n\t"
                              "ldr   r0, [sp, #44]\n\t"
                              "cmp   r0, #0\n\t"
                              "beq   4f\n\t" LAST("r10") "b     6f\n"
                                                         "3:\n\t"
                                                         "ldr   r0, [sp, #44]\n\t"
                                                         "cmp   r0, #0\n\t"
                                                         "beq   4f\n\t" LAST(
                                                             "r12") "6:\n\t"
                                                                    "str   r0, [sp, #20]\n"
                                                                    "4:\n\t"
                                                                    "ldrd  r3, r0, [sp, #32]\n\t"
                                                                    "add   r3, #4\n\t"
                                                                    "subs  r0, #1\n\t"
                                                                    "strd  r3, r0, [sp, #32]\n\t"
                                                                    "bne   1b\n\t"
                                                                    "add   sp, #52\n\t"
                                                                    "pop   {r4-r11, pc}\n\t");
}
#endif

/* The same in C, for both strides and all modes. */
static void rows_any(const dsp_depthwise_3x3_t *conv, const channel_t *channel,
                     const dsp_scale_t *scale)
{
    const int32_t *w = channel->weights;
    int8_t *out = channel->out;
    for (uint32_t y = 0; y < channel->rows; y++) {
        const int32_t *row = channel->plane + (size_t)y * conv->stride;
        for (uint32_t x = 0; x < conv->out_width; x++) {
            const uint32_t left = x * conv->stride;
            const int32_t *word = row + (left / 2U) * NEXT;
            int32_t acc = channel->start[0];
            for (uint32_t r = 0; r < 3U; r++) {
                if (left % 2U == 0U) {
                    acc = dsp_smlabt(word[NEXT + r], w[3U + r], dsp_smlad(word[r], w[r], acc));
                } else {
                    acc = dsp_smlad(word[NEXT + r], w[3U + r], dsp_smlatb(word[r], w[r], acc));
                }
            }
            *out = (int8_t)dsp_requant(acc, scale, &conv->output);
            out += conv->channels;
        }
    }
}

/* Two pixels of four channels into a word of each plane. */
static inline void put(int32_t *plane, int32_t left, int32_t right)
{
    const int32_t left_even = dsp_sxtb16(left), left_odd = dsp_sxtb16_odd(left);
    const int32_t right_even = dsp_sxtb16(right), right_odd = dsp_sxtb16_odd(right);
    plane[0] = dsp_pack_lo(left_even, right_even);
    plane[ROWS] = dsp_pack_lo(left_odd, right_odd);
    plane[2U * ROWS] = dsp_pack_hi(left_even, right_even);
    plane[3U * ROWS] = dsp_pack_hi(left_odd, right_odd);
}

/* One row of four channels, padding filled in. words: of the padded row. */
static void transpose(const dsp_depthwise_3x3_t *conv, const int8_t *in, int32_t y, int32_t *plane,
                      uint32_t words)
{
    const uint32_t channels = conv->channels;
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)conv->in_zero);
    const int32_t width = conv->in_width;
    int32_t x = -(int32_t)conv->pad_left;
    const int8_t *from = in + (y * width + x) * (int32_t)channels;
    if ((uint32_t)y >= conv->in_height) {
        for (; words > 0U; words--) {
            put(plane, zero, zero);
            plane += NEXT;
        }
        return;
    }
    for (; words > 0U; words--) {
        if (x >= 0 && x + 1 < width) {
            put(plane, dsp_load4(from), dsp_load4(from + channels));
        } else {
            put(plane, (uint32_t)x < (uint32_t)width ? dsp_load4(from) : zero,
                (uint32_t)(x + 1) < (uint32_t)width ? dsp_load4(from + channels) : zero);
        }
        plane += NEXT;
        from += 2U * channels;
        x += 2;
    }
}

/* Up to four channels of a strip whose rows are in the planes. */
static void strip(const dsp_depthwise_3x3_t *conv, uint32_t first, const int32_t *planes,
                  uint32_t rows, int8_t *out)
{
    const uint32_t count = conv->channels - first < PAIRS ? conv->channels - first : PAIRS;
    for (uint32_t c = 0; c < count; c++) {
        const dsp_scale_t *scale = conv->scales + (first + c) * conv->output.scale_step;
        const int32_t *weights = conv->weights + (first + c) * 7U;
        const channel_t channel = {
            .multiplier = scale->multiplier,
            .shift = scale->shift,
            .offset = dsp_offset(conv->output.base, scale->shift),
            .start = {weights[6], weights[6]},
            .out = out + first + c,
            .channels = conv->channels,
            .plane = planes + c * ROWS,
            .rows = rows,
            .span = (conv->out_width / 2U) * NEXT * 4U,
            .odd = conv->out_width % 2U,
            .weights = weights,
        };
#if DSP_NATIVE
        if (conv->output.mode == (uint8_t)DSP_FLOOR && conv->stride == 1U) {
            rows_stride_1(&channel);
            continue;
        }
#endif
        rows_any(conv, &channel, scale);
    }
}

void dsp_depthwise_3x3_s8(const dsp_depthwise_3x3_t *conv, const int8_t *in, int8_t *out,
                          void *scratch)
{
    int32_t *const planes = scratch;
    const uint32_t words = ((conv->out_width - 1U) * conv->stride + 3U) / 2U + 1U;
    const uint32_t most = (ROWS - 3U) / conv->stride + 1U;
    for (uint32_t batch = 0; batch < conv->batches; batch++) {
        for (uint32_t first = 0; first < conv->channels; first += PAIRS) {
            for (uint32_t y = 0; y < conv->out_height; y += most) {
                const uint32_t rest = conv->out_height - y;
                const uint32_t rows = rest < most ? rest : most;
                const uint32_t needed = (rows - 1U) * conv->stride + 3U;
                const int32_t top = (int32_t)(y * conv->stride) - conv->pad_top;
                for (uint32_t r = 0; r < needed; r++) {
                    transpose(conv, in + first, top + (int32_t)r, planes + r, words);
                }
                strip(conv, first, planes, rows,
                      out + (size_t)y * conv->out_width * conv->channels);
            }
        }
        in += (size_t)conv->in_height * conv->in_width * conv->channels;
        out += (size_t)conv->out_height * conv->out_width * conv->channels;
    }
}
