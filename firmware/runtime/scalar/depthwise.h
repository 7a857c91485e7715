/* DEPTHWISE_CONV_2D for cores without SIMD; any kernel, stride, dilation, depth multiplier.
 *
 * Tensors are int8, (batch, height, width, channels), dense. Scratch doesn't overlap input or
 * output. The output may reach into the input from before it, a whole number of pixels
 * (codegen/memory/overlap.py): strips of a channel are read before they are written.
 * Nothing is read outside the input. */
#ifndef SCALAR_DEPTHWISE_H
#define SCALAR_DEPTHWISE_H

#include "requant.h"

/* One direction of the image. */
typedef struct {
    uint16_t in, out;  /* pixels */
    uint32_t in_step;  /* bytes from pixel to pixel */
    uint32_t out_step; /* the same of the output */
    uint16_t kernel, stride, dilation;
    uint16_t pad; /* pixels before the first one */
} scalar_axis_t;

/* All outputs of a channel from a strip of lines; the core's build keeps those that are named.
 * 3x3: that kernel without dilation; rectified: output.rectified, plain: neither that nor
 * special. 3 and 5 wide: that many taps along a line. */
typedef struct scalar_task scalar_task_t;
typedef void scalar_depthwise_field_t(const scalar_task_t *task, const int8_t *plane);

scalar_depthwise_field_t scalar_depthwise_3x3_rectified;
scalar_depthwise_field_t scalar_depthwise_3x3_plain;
scalar_depthwise_field_t scalar_depthwise_3_wide;
scalar_depthwise_field_t scalar_depthwise_5_wide;
scalar_depthwise_field_t scalar_depthwise_any;

/* Lines are the image's rows or its columns, whichever are longer. */
typedef struct {
    scalar_depthwise_field_t *field; /* one of those above that can */
    const int8_t *weights;           /* (output channels, kernel across, kernel along) */
    const int32_t *bias;             /* per output channel, the input's zero point folded in */
    const scalar_scale_t *scales;    /* per output channel */
    scalar_output_t output;
    scalar_axis_t along;  /* a line */
    scalar_axis_t across; /* from line to line */
    uint32_t in_bytes;    /* of an image */
    uint32_t out_bytes;
    uint16_t batches;
    uint16_t channels;    /* of the output */
    uint16_t multiplier;  /* output channels per input channel */
    uint16_t strip;       /* output lines computed from one plane */
    uint16_t plane_lines; /* what they need: padded lines of the image */
    uint16_t plane_pitch; /* a padded line */
    int8_t in_zero;       /* what padding reads as */
} scalar_depthwise_t;

/* scratch: plane_lines * plane_pitch bytes. */
void scalar_depthwise_s8(const scalar_depthwise_t *depthwise, const int8_t *in, int8_t *out,
                         void *scratch);

#endif
