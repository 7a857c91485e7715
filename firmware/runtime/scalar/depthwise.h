/* DEPTHWISE_CONV_2D for cores without SIMD; any kernel, stride, dilation, depth multiplier.
 *
 * Tensors are int8, (batch, height, width, channels), dense. Output and scratch don't overlap the
 * input. Nothing is read outside the input. */
#ifndef SCALAR_DEPTHWISE_H
#define SCALAR_DEPTHWISE_H

#include "requant.h"

typedef struct {
    const int8_t *weights;        /* (output channels, kernel height, kernel width) */
    const int32_t *bias;          /* per output channel, the input's zero point folded in */
    const scalar_scale_t *scales; /* per output channel */
    scalar_output_t output;
    uint16_t batches;
    uint16_t in_height, in_width, in_channels;
    uint16_t out_height, out_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t dilation_height, dilation_width;
    uint16_t pad_top, pad_left;
    uint16_t multiplier;    /* output channels per input channel */
    uint16_t strip;         /* output rows computed from one plane */
    uint16_t plane_rows;    /* what they need: padded image rows */
    uint16_t plane_columns; /* a padded image row */
    int8_t in_zero;         /* what padding reads as */
} scalar_depthwise_t;

/* scratch: plane_rows * plane_columns bytes. */
void scalar_depthwise_s8(const scalar_depthwise_t *depthwise, const int8_t *in, int8_t *out,
                         void *scratch);

#endif
