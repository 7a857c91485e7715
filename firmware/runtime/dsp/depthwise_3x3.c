#include <stdbool.h>
#include <stddef.h>

#include "depthwise.h"

#define LINES DSP_STRIP_LINES
#define GROUP 4U              /* channels transposed at a time */
#define NEXT  (GROUP * LINES) /* words from one position of a line to the next */

/* One channel of a strip. */
typedef struct {
    int32_t multiplier;     /* 0 */
    int32_t offset;         /* 4 */
    uint32_t out_step;      /* 8: bytes between neighbours of a line */
    int32_t start[2];       /* 12: the start value, twice */
    int8_t *out;            /* 20 */
    uint32_t out_line;      /* 24: bytes from line to line */
    const int32_t *plane;   /* 28 */
    uint32_t plane_line;    /* 32: bytes from the first line of a field to that of the next */
    uint32_t lines;         /* 36: of output */
    uint32_t span;          /* 40: bytes of the plane the unrolled loop goes over */
    uint32_t skip;          /* 44: bytes of the unrolled loop to leave out the first time */
    uint32_t odd;           /* 48: stride 1: one more output */
    const int32_t *weights; /* 52 */
} channel_t;

#if DSP_NATIVE

/* Registers: r0-r2 words of three lines, or multiplier, offset and out_step; r3 plane, r4-r6
 * (w0,w1), r7-r9 (w1,w2), r10, r11 accumulators, r12 end of the line, lr out. GCC keeps half of
 * that in memory: 2.1 instructions a MAC against 1.4. All instructions of the macros have 4 bytes.
 */
#define LOAD_WORDS  "ldmia.w r3, {r0-r2}\n\t"
#define LOAD_SCALE  "ldmia.w sp, {r0-r2}\n\t"
#define ADVANCE     "add.w r3, r3, #192\n\t"
#define QUANTISE(a) "smmla " a ", " a ", r0, r1\n\tssat " a ", #8, " a ", asr #11\n\t"

/* An output from the two words before it ended with B * w2, one that starts between them with
 * B * w1 + T * w2. */
#define END_EVEN(a)                                                                                \
    "smlabt " a ", r0, r7, " a "\n\tsmlabt " a ", r1, r8, " a "\n\tsmlabt " a ", r2, r9, " a "\n"  \
    "\t"
#define END_ODD(a)                                                                                 \
    "smlad " a ", r0, r7, " a "\n\tsmlad " a ", r1, r8, " a "\n\tsmlad " a ", r2, r9, " a "\n\t"
#define BEGIN_EVEN(a)                                                                              \
    "smlad " a ", r0, r4, " a "\n\tsmlad " a ", r1, r5, " a "\n\tsmlad " a ", r2, r6, " a "\n\t"
#define BEGIN_ODD(a)                                                                               \
    "smlatb " a ", r0, r4, " a "\n\tsmlatb " a ", r1, r5, " a "\n\tsmlatb " a ", r2, r6, " a "\n"  \
    "\t"

/* Stride 1: two outputs a word, 18 MACs in 24 instructions. */
#define PAIR                                                                                       \
    LOAD_WORDS END_EVEN("r10") END_ODD("r11") LOAD_SCALE QUANTISE("r10")                           \
        QUANTISE("r11") "strb.w r10, [lr]\n\t"                                                     \
                        "strb.w r11, [lr, r2]\n\t"                                                 \
                        "add.w lr, lr, r2, lsl #1\n\t" LOAD_WORDS                                  \
                        "ldrd  r10, r11, [sp, #12]\n\t" ADVANCE BEGIN_EVEN("r10") BEGIN_ODD("r11")
#define PAIR_BYTES 96U

/* Stride 2: one output a word, 9 MACs in 14 instructions. */
#define SINGLE(a, b)                                                                               \
    LOAD_WORDS "ldr.w " b ", [sp, #12]\n\t" ADVANCE END_EVEN(a) BEGIN_EVEN(b)                      \
        LOAD_SCALE QUANTISE(a) "strb.w " a ", [lr]\n\tadd.w lr, lr, r2\n\t"
#define SINGLE_BYTES 56U

#define ENTER                                                                                      \
    "push  {r4-r11, lr}\n\t"                                                                       \
    "sub   sp, #56\n\t"                                                                            \
    "ldmia r0!, {r1-r7}\n\t"                                                                       \
    "stmia.w sp, {r1-r7}\n\t"                                                                      \
    "add   r12, sp, #28\n\t"                                                                       \
    "ldmia r0, {r1-r7}\n\t"                                                                        \
    "stmia.w r12, {r1-r7}\n\t"                                                                     \
    "ldmia.w r7, {r4-r9}\n"
#define LINE_STARTS                                                                                \
    "1:\n\t"                                                                                       \
    "ldrd  lr, r0, [sp, #20]\n\t"                                                                  \
    "ldrd  r3, r1, [sp, #28]\n\t"                                                                  \
    "add   r0, lr\n\t"                                                                             \
    "add   r1, r3\n\t"                                                                             \
    "str   r0, [sp, #20]\n\t"                                                                      \
    "str   r1, [sp, #28]\n\t" LOAD_WORDS "ldrd  r10, r11, [sp, #12]\n\t" ADVANCE
#define ENTER_LOOP                                                                                 \
    "ldrd  r0, r1, [sp, #40]\n\t"                                                                  \
    "add   r12, r3, r0\n\t"                                                                        \
    "add   pc, r1\n\t"                                                                             \
    "nop\n"                                                                                        \
    "2:\n\t"
#define LINE_ENDS                                                                                  \
    "ldr   r0, [sp, #36]\n\t"                                                                      \
    "subs  r0, #1\n\t"                                                                             \
    "str   r0, [sp, #36]\n\t"                                                                      \
    "bne   1b\n\t"                                                                                 \
    "add   sp, #56\n\t"                                                                            \
    "pop   {r4-r11, pc}\n\t"
#define LOOP_BRANCH_BYTES 6U /* CMP and a far BNE */

static __attribute__((naked, noinline)) void lines_stride_1(const channel_t *channel
                                                            __attribute__((unused)))
{
    __asm__ volatile(ENTER LINE_STARTS BEGIN_EVEN("r10") BEGIN_ODD("r11") ENTER_LOOP PAIR PAIR
                     "cmp   r3, r12\n\t"
                     "bne.w 2b\n\t"
                     "ldr   r0, [sp, #48]\n\t"
                     "cmp   r0, #0\n\t"
                     "beq   3f\n\t" LOAD_WORDS END_EVEN("r10")
                         LOAD_SCALE QUANTISE("r10") "strb  r10, [lr]\n"
                                                    "3:\n\t" LINE_ENDS);
}

static __attribute__((naked, noinline)) void lines_stride_2(const channel_t *channel
                                                            __attribute__((unused)))
{
    /* r10 and r11 begin alike, as an odd number of outputs enters with r11. */
    __asm__ volatile(ENTER LINE_STARTS BEGIN_EVEN("r10") "mov   r11, r10\n\t" ENTER_LOOP SINGLE(
        "r10", "r11") SINGLE("r11", "r10") "cmp   r3, r12\n\t"
                                           "bne.w 2b\n\t" LINE_ENDS);
}
#endif

/* The same in C, for all modes. */
static void lines_any(const dsp_depthwise_3x3_t *conv, const channel_t *channel,
                      const dsp_depthwise_3x3_channel_t *constants)
{
    const dsp_scale_t scale = {constants->multiplier, constants->shift};
    const int32_t *w = channel->weights;
    for (uint32_t y = 0; y < channel->lines; y++) {
        const int32_t *line = channel->plane + (size_t)y * conv->stride;
        int8_t *out = channel->out + (size_t)y * channel->out_line;
        for (uint32_t x = 0; x < conv->along.out; x++) {
            const uint32_t left = x * conv->stride;
            const int32_t *word = line + (left / 2U) * NEXT;
            int32_t acc = channel->start[0];
            for (uint32_t r = 0; r < 3U; r++) {
                if (left % 2U == 0U) {
                    acc = dsp_smlabt(word[NEXT + r], w[3U + r], dsp_smlad(word[r], w[r], acc));
                } else {
                    acc = dsp_smlad(word[NEXT + r], w[3U + r], dsp_smlatb(word[r], w[r], acc));
                }
            }
            if (constants->scaled != 0U) {
                *out = (int8_t)dsp_ssat8_asr(dsp_smmla(acc, channel->multiplier, channel->offset),
                                             DSP_DEPTHWISE_FRACTION);
            } else {
                *out = (int8_t)dsp_requant(acc, &scale, &conv->output);
            }
            out += channel->out_step;
        }
    }
}

/* Two pixels of four channels into a word of each plane. */
static inline void put(int32_t *plane, int32_t left, int32_t right)
{
    const int32_t left_even = dsp_sxtb16(left), left_odd = dsp_sxtb16_odd(left);
    const int32_t right_even = dsp_sxtb16(right), right_odd = dsp_sxtb16_odd(right);
    plane[0] = dsp_pack_lo(left_even, right_even);
    plane[LINES] = dsp_pack_lo(left_odd, right_odd);
    plane[2U * LINES] = dsp_pack_hi(left_even, right_even);
    plane[3U * LINES] = dsp_pack_hi(left_odd, right_odd);
}

/* One line of four channels, between the words that are all padding. */
static void transpose(const dsp_depthwise_3x3_t *conv, const int8_t *from, int32_t *plane)
{
    const uint32_t step = conv->along.in_step;
    const int32_t zero = (int32_t)(0x01010101U * (uint8_t)conv->in_zero);
    uint32_t left = conv->along.in;
    plane += conv->along.pad / 2U * NEXT;
    if (conv->along.pad % 2U != 0U) {
        put(plane, zero, dsp_load4(from));
        plane += NEXT;
        from += step;
        left--;
    }
    for (; left >= 2U; left -= 2U) {
        put(plane, dsp_load4(from), dsp_load4(from + step));
        plane += NEXT;
        from += 2U * step;
    }
    if (left != 0U) {
        put(plane, dsp_load4(from), zero);
    }
}

static inline bool is_scaled(const dsp_depthwise_3x3_t *conv, uint32_t channel)
{
    const uint32_t *unscaled = conv->unscaled;
    return conv->scaled != 0U &&
           (unscaled == NULL || (unscaled[channel / 32U] >> (channel % 32U) & 1U) == 0U);
}

/* Up to four channels of a strip that lies in the planes. */
static void convolve(const dsp_depthwise_3x3_t *conv, uint32_t first, const int32_t *planes,
                     uint32_t lines, int8_t *out)
{
    const uint32_t count = conv->channels - first < GROUP ? conv->channels - first : GROUP;
    /* What the assembly's loop, unrolled twice, goes over, in outputs for each of its halves. */
    const uint32_t halves = conv->stride == 1U ? conv->along.out / 2U : conv->along.out;
#if DSP_NATIVE
    const uint32_t bytes = conv->stride == 1U ? PAIR_BYTES : SINGLE_BYTES;
    const uint32_t skip = halves == 0U ? 2U * bytes + LOOP_BRANCH_BYTES : halves % 2U * bytes;
#else
    const uint32_t skip = 0U;
#endif
    channel_t channel = {
        .out_step = conv->along.out_step,
        .out_line = conv->across.out_step,
        .plane_line = conv->stride * 4U,
        .lines = lines,
        .span = halves * NEXT * 4U,
        .skip = skip,
        .odd = conv->along.out % 2U,
    };
    int32_t room[7];
    for (uint32_t c = 0; c < count; c++) {
        dsp_depthwise_3x3_channel_t constants;
        if (conv->unpack != NULL) {
            conv->unpack(conv, first + c, &constants, room);
        } else {
            const dsp_scale_t *scale = conv->scales + (first + c) * conv->output.scale_step;
            constants.weights = conv->weights + (first + c) * 7U;
            constants.multiplier = scale->multiplier;
            constants.shift = scale->shift;
            constants.scaled = is_scaled(conv, first + c) ? 1U : 0U;
        }
        channel.multiplier = constants.multiplier;
        channel.offset = constants.shift;
        channel.start[0] = constants.weights[6];
        channel.start[1] = constants.weights[6];
        channel.out = out + c;
        channel.plane = planes + c * LINES;
        channel.weights = constants.weights;
#if DSP_NATIVE
        if (constants.scaled != 0U) {
            if (conv->stride == 1U) {
                lines_stride_1(&channel);
            } else {
                lines_stride_2(&channel);
            }
            continue;
        }
#endif
        lines_any(conv, &channel, &constants);
    }
}

/* All channels of one strip of output lines. */
static void strip(const dsp_depthwise_3x3_t *conv, const int8_t *in, uint32_t y, uint32_t lines,
                  int8_t *out, int32_t *planes)
{
    const int32_t zero = (int32_t)(0x00010001U * (uint16_t)(int16_t)conv->in_zero);
    const uint32_t words = ((conv->along.out - 1U) * conv->stride + 3U) / 2U + 1U;
    const int32_t top = (int32_t)(y * conv->stride) - conv->across.pad;
    const uint32_t needed = (lines - 1U) * conv->stride + 3U;
    const uint32_t above = top < 0 ? (uint32_t)-top : 0U;
    const int32_t room = conv->across.in - top;
    const uint32_t stop = (uint32_t)room < needed ? (uint32_t)room : needed;
    for (uint32_t i = 0; i < words * NEXT; i++) {
        planes[i] = zero; /* what is padding stays so for all channels */
    }
    for (uint32_t first = 0; first < conv->channels; first += GROUP) {
        const int8_t *from = in + first;
        from += (uint32_t)(top + (int32_t)above) * conv->across.in_step;
        for (uint32_t r = above; r < stop; r++) {
            transpose(conv, from, planes + r);
            from += conv->across.in_step;
        }
        convolve(conv, first, planes, lines, out + first);
    }
}

void dsp_depthwise_3x3_s8(const dsp_depthwise_3x3_t *conv, const int8_t *in, int8_t *out,
                          void *scratch)
{
    const uint32_t most = (LINES - 3U) / conv->stride + 1U;
    for (uint32_t batch = 0; batch < conv->batches; batch++) {
        for (uint32_t y = 0; y < conv->across.out; y += most) {
            const uint32_t rest = conv->across.out - y;
            strip(conv, in, y, rest < most ? rest : most, out + y * conv->across.out_step, scratch);
        }
        in += conv->in_bytes;
        out += conv->out_bytes;
    }
}
