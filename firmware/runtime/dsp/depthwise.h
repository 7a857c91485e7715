/* DEPTHWISE_CONV_2D for cores with DSP instructions, depth multiplier 1.
 *
 * Tensors are int8, (batch, height, width, channels), dense; output and scratch don't overlap the
 * input. Where channels is no multiple of 4, up to 3 bytes beyond the input are read. */
#ifndef DSP_DEPTHWISE_H
#define DSP_DEPTHWISE_H

#include "requant.h"

/* The 3x3 kernel transposes strips of the image, four channels at a time, into planes of int16.
 * A word of a plane holds two neighbours of a row; words of one column stand together, so that one
 * LDM fetches the three rows of a field. */
#define DSP_STRIP_ROWS 12U

typedef struct {
    const int32_t *weights; /* per channel: w01 of 3 rows, w12 of 3 rows, start value */
    const dsp_scale_t *scales;
    dsp_output_t output;
    uint16_t batches;
    uint16_t in_height, in_width, channels;
    uint16_t out_height, out_width;
    uint8_t stride; /* 1 or 2, both ways */
    uint8_t pad_top, pad_left;
    int8_t in_zero;
} dsp_depthwise_3x3_t;

/* scratch: 4 * DSP_STRIP_ROWS * 4 bytes per word of a row, that is for
 * ((out_width - 1) * stride + 3) / 2 + 1 words (rounded down). */
void dsp_depthwise_3x3_s8(const dsp_depthwise_3x3_t *conv, const int8_t *in, int8_t *out,
                          void *scratch);

/* Any kernel, stride and dilation: four channels side by side, a tap at a time. */
typedef struct {
    const int8_t *weights; /* (groups of 4 channels, kernel height, kernel width, 4) */
    const int32_t *start;  /* per channel, rounded up to 4 */
    const dsp_scale_t *scales;
    dsp_output_t output;
    uint16_t batches;
    uint16_t in_height, in_width, channels;
    uint16_t out_height, out_width;
    uint16_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint16_t pad_top, pad_left;
    int8_t in_zero;
} dsp_depthwise_t;

void dsp_depthwise_s8(const dsp_depthwise_t *conv, const int8_t *in, int8_t *out);

#endif
