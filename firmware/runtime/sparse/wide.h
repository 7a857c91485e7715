/* Sparse convolution on cores whose SMLAL takes one cycle: eight pixels at a time.
 *
 * A word holds two pixels, the second 23 bits above the first, so that one multiplication with
 * 64-bit accumulation does both: the accumulator becomes S(first) + 2^23 S(second). It comes
 * apart again where sums lie within 23 bits, which the packer checks.
 *
 * Pixels of a tile are neighbours along the lanes (the image's rows or columns, whichever wastes
 * fewer). A tile walks along the other dimension, the lines: of the fields it gathered, those that
 * the next line reads too stay where they are. The streams are those of sparse.h, their places in
 * the order kernel line, kernel lane, input channel. */
#ifndef SPARSE_WIDE_H
#define SPARSE_WIDE_H

#include "dsp/requant.h"

#define SPARSE_LANES 8
/* Words of a place: two pixels in each. */
#define SPARSE_WORDS (SPARSE_LANES / 2)

/* Sums of one output channel over eight interleaved fields (place k at fields + SPARSE_WORDS k);
 * returns the stream behind that channel. sums[0] is the bias on entry, and there are `places`
 * places. */
typedef const uint8_t *(*sparse_dot8_t)(const uint8_t *stream, const int32_t *fields,
                                        int32_t places, int32_t *sums);

/* One dimension of a convolution; steps are in bytes. */
typedef struct {
    uint16_t in, out, kernel, pad;
    uint16_t stride, dilation;
    uint32_t in_step, out_step; /* from one position to the next */
} sparse_axis_t;

typedef struct {
    sparse_axis_t line, lane;
    uint32_t batches, in_batch, out_batch; /* bytes from image to image */
    uint16_t in_channels, out_channels;
    uint16_t slots; /* kernel lines that scratch holds; line.kernel: each line is gathered anew */
    int8_t input_zero;
    const uint8_t *stream;
    const int32_t *bias; /* out_channels, input zero point folded in */
    const dsp_scale_t *scales;
    dsp_output_t output;
    sparse_dot8_t dot8;
} sparse_wide_conv_t;

const uint8_t *sparse_delta8_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums);
const uint8_t *sparse_delta4_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums);
const uint8_t *sparse_codes4_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums);
const uint8_t *sparse_bitmap_dot8(const uint8_t *stream, const int32_t *fields, int32_t places,
                                  int32_t *sums);

/* NHWC int8 input and output. scratch, aligned to 4: 16 bytes for each place of `slots` kernel
 * lines, and in_channels bytes. */
void sparse_wide_conv_s8(const sparse_wide_conv_t *conv, const int8_t *input, int8_t *output,
                         void *scratch);

/* For the host: what the assembly does. */
static inline void sparse_add8(int64_t *sums, const int32_t *fields, int32_t weight)
{
    for (int p = 0; p < SPARSE_WORDS; ++p) {
        sums[p] += (int64_t)weight * fields[p];
    }
}

static inline void sparse_start8(int64_t *sums, int32_t bias)
{
    for (int p = 0; p < SPARSE_WORDS; ++p) {
        sums[p] = ((int64_t)1 << 22) + bias + (int64_t)bias * (1 << 23);
    }
}

static inline void sparse_part8(const int64_t *sums, int32_t *parts)
{
    for (int p = 0; p < SPARSE_WORDS; ++p) {
        parts[2 * p] = (int32_t)(sums[p] & 0x7FFFFF) - (1 << 22);
        parts[2 * p + 1] = (int32_t)(sums[p] >> 23);
    }
}

/* The parts of the assembly that the encodings share. Registers: r0 stream, r1 fields, r4-r11 the
 * accumulators, r12 and lr pixels, r3 weight. */
#define SPARSE_START                                                                               \
    "push  {r3-r11, lr}\n\t"                                                                       \
    "ldr   r3, [r3]\n\t"                                                                           \
    "add   r4, r3, #0x400000\n\t"                                                                  \
    "adds  r4, r4, r3, lsl #23\n\t"                                                                \
    "asr   r5, r3, #9\n\t"                                                                         \
    "adc   r5, r5, #0\n\t"                                                                         \
    "mov   r6, r4\n\t"                                                                             \
    "mov   r7, r5\n\t"                                                                             \
    "mov   r8, r4\n\t"                                                                             \
    "mov   r9, r5\n\t"                                                                             \
    "mov   r10, r4\n\t"                                                                            \
    "mov   r11, r5\n\t"

/* The place r1 times the weight r3. */
#define SPARSE_ADD                                                                                 \
    "ldrd  r12, lr, [r1]\n\t"                                                                      \
    "smlal r4, r5, r12, r3\n\t"                                                                    \
    "smlal r6, r7, lr, r3\n\t"                                                                     \
    "ldrd  r12, lr, [r1, #8]\n\t"                                                                  \
    "smlal r8, r9, r12, r3\n\t"                                                                    \
    "smlal r10, r11, lr, r3\n\t"

#define SPARSE_PART(lo, hi)                                                                        \
    "lsr   r12, " lo ", #23\n\t"                                                                   \
    "ubfx  " lo ", " lo ", #0, #23\n\t"                                                            \
    "orr   " hi ", r12, " hi ", lsl #9\n\t"                                                        \
    "sub   " lo ", " lo ", #0x400000\n\t"

#define SPARSE_STORE                                                                               \
    "pop   {r3}\n\t"                                                                               \
    "stmia r3, {r4-r11}\n\t"                                                                       \
    "pop   {r4-r11, pc}\n\t"

#define SPARSE_END                                                                                 \
    SPARSE_PART("r4", "r5")                                                                        \
    SPARSE_PART("r6", "r7") SPARSE_PART("r8", "r9") SPARSE_PART("r10", "r11") SPARSE_STORE

#endif
