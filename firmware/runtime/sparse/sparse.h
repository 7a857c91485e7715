/* Convolutions and fully connected layers whose weights are stored without their zeros.
 *
 * Bit-identical to the dense kernels: a weight of zero adds nothing, and the input's zero
 * point is folded into the bias, so that padding reads as the zero point itself.
 *
 * A stream holds, for one output channel after the other, the non-zero weights in the order
 * of the receptive field (kernel row, kernel column, input channel), K places in all:
 *   delta8  uint16 pairs, then pairs times {step, weight, step, weight}
 *   delta4  uint16 pairs, then pairs times {step | step << 4, weight, weight}
 *   bitmap  (K + 7) / 8 bytes of mask, lowest bit first, then the non-zero weights
 *   codes4  the number of distinct weights, 16 at most, these, then (K + 1) / 2 bytes with two
 *           places each, the lower four bits first: which of them it is. For clustered weights.
 * A step is the distance to the place before (from the field's start for the first). Steps
 * that are too long, and a last odd entry, are filled with weights of zero. */
#ifndef SPARSE_H
#define SPARSE_H

#include <stdint.h>

#include "rom.h"

/* Pixels that are computed together; their receptive fields lie interleaved in scratch. */
#define SPARSE_PIXELS 4

/* Adds one channel's products over interleaved fields (place k of pixel p at 4 k + p) to
 * sums[0..3]; returns the stream behind that channel. */
typedef MCU_ROM uint8_t *(*sparse_dot4_t)(MCU_ROM uint8_t *stream, const int8_t *fields,
                                          int32_t places, int32_t *sums);

/* The same for one pixel whose field lies as it is. */
typedef MCU_ROM uint8_t *(*sparse_dot1_t)(MCU_ROM uint8_t *stream, const int8_t *field,
                                          int32_t places, int32_t *sum);

typedef struct {
    int32_t batches;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero; /* what padding reads as */
    int32_t output_zero;
    int32_t min, max;    /* of the fused activation */
    int32_t per_channel; /* 0: multiplier and shift have one entry */
    MCU_ROM uint8_t *stream;
    MCU_ROM int32_t *bias; /* out_channels, input zero point folded in */
    MCU_ROM int32_t *multiplier;
    MCU_ROM int8_t *shift;
    sparse_dot4_t dot4;
    sparse_dot1_t dot1;
} sparse_conv_s8_t;

MCU_ROM uint8_t *sparse_delta8_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums);
MCU_ROM uint8_t *sparse_delta8_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum);
MCU_ROM uint8_t *sparse_delta4_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums);
MCU_ROM uint8_t *sparse_delta4_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum);
MCU_ROM uint8_t *sparse_codes4_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums);
MCU_ROM uint8_t *sparse_codes4_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum);
MCU_ROM uint8_t *sparse_bitmap_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums);
MCU_ROM uint8_t *sparse_bitmap_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum);

/* NHWC int8 input and output.
 * scratch: SPARSE_PIXELS * kernel_height * kernel_width * in_channels bytes. */
void sparse_conv_s8(MCU_ROM sparse_conv_s8_t *conv, const int8_t *input, int8_t *output,
                    int8_t *scratch);

/* A fully connected layer: out_width rows of in_channels each, no scratch. */
void sparse_fully_connected_s8(MCU_ROM sparse_conv_s8_t *conv, const int8_t *input, int8_t *output);

#endif
