/* CONV_2D for cores with Helium (MVE); int8 tensors (batch, height, width, channels), dense.
 *
 * The rows that a row of outputs reads are copied to a band ordered (column, kernel row, channel),
 * with the padding. A field (kernel width columns) is then one run of bytes, and so is its
 * neighbour's, some columns on: nothing is copied per pixel. The weights' K has the same order. */
#ifndef MVE_CONV_H
#define MVE_CONV_H

#include "gemm.h"

typedef struct {
    mve_gemm_t gemm; /* K: kernel width, kernel height, channels */
    mve_gemm_row_t *row;
    uint16_t batches;
    uint16_t in_height, in_width, in_channels;
    uint16_t out_height, out_width;
    uint16_t kernel_height;
    uint16_t stride_height, stride_width;
    uint16_t dilation_height;
    uint16_t pad_top, pad_left;
    uint16_t columns; /* of the band; 0: one kernel row, not padded, is read where it is */
    int8_t in_zero;   /* what padding reads as */
} mve_conv_t;

/* scratch: columns * kernel height * channels + 15 bytes; none without a band. Up to 15 bytes
 * beyond the input are read. The output may reach into the input from before it
 * (codegen/memory/overlap.py): rows are read before they are written, with a band. */
void mve_conv_s8(const mve_conv_t *conv, const int8_t *in, int8_t *out, void *scratch);

#endif
