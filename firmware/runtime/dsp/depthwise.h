/* DEPTHWISE_CONV_2D for cores with DSP instructions, depth multiplier 1.
 *
 * Tensors are int8, (batch, height, width, channels), dense; scratch doesn't overlap input or
 * output. The output may reach into the input from before it, a whole number of pixels
 * (codegen/memory/overlap.py): strips of a channel are read before they are written. Where
 * channels is no multiple of 4, up to 3 bytes beyond the input are read. */
#ifndef DSP_DEPTHWISE_H
#define DSP_DEPTHWISE_H

#include "requant.h"

/* The 3x3 kernel transposes strips of the image, four channels at a time, into planes of int16.
 * A word of a plane holds two neighbours of a line; the words of DSP_STRIP_LINES lines at one
 * position stand together, so that one LDM fetches the three lines of a field. A line may be a row
 * or a column of the image: long lines are faster. */
#define DSP_STRIP_LINES 12U

/* Bits below the point; the packer multiplies the weights so that no shift is left to do. */
#define DSP_DEPTHWISE_FRACTION 11

/* One direction of the image. */
typedef struct {
    uint16_t in, out; /* pixels */
    uint16_t in_step; /* bytes from pixel to pixel */
    uint16_t out_step;
    uint8_t pad; /* pixels before the first one */
} dsp_axis_t;

typedef struct dsp_depthwise_3x3 dsp_depthwise_3x3_t;

/* A channel's constants. */
typedef struct {
    const int32_t *weights; /* (w0,w1) of 3 lines, (w1,w2) of 3 lines, start value */
    int32_t multiplier;     /* as in dsp_scale_t, or for DSP_DEPTHWISE_FRACTION */
    int32_t shift;          /* as in dsp_scale_t; where scaled, what is added instead */
    uint32_t scaled;        /* 1: mode DSP_FLOOR, weights and start carry the shift */
} dsp_depthwise_3x3_channel_t;

/* Constants may be stored in half of what the kernel wants them in, for some 57 instructions a
 * channel of each strip. `room` has 7 words for the weights. */
typedef void dsp_depthwise_3x3_unpack_t(const dsp_depthwise_3x3_t *conv, uint32_t number,
                                        dsp_depthwise_3x3_channel_t *channel, int32_t *room);
dsp_depthwise_3x3_unpack_t dsp_depthwise_3x3_unpack;

/* The bytes of a channel: int32 start value and multiplier, nine weights, what is to be shifted. */
#define DSP_DEPTHWISE_3X3_BYTES 18U
#define DSP_DEPTHWISE_LEFT      31U /* left shift: s of requant.h */
#define DSP_DEPTHWISE_UNIT      32U /* D is 2^(s-1), not 0 */
#define DSP_DEPTHWISE_SCALED    64U /* weights and start are to be shifted, not the sum */

struct dsp_depthwise_3x3 {
    dsp_depthwise_3x3_unpack_t *unpack; /* NULL: constants are in weights and scales */
    const int8_t *bytes;                /* to unpack: DSP_DEPTHWISE_3X3_BYTES per channel */
    const int32_t *weights;             /* per channel, as in dsp_depthwise_3x3_channel_t */
    const dsp_scale_t *scales;
    dsp_output_t output; /* scale_step is that of scales */
    dsp_axis_t along;    /* a line */
    dsp_axis_t across;   /* from line to line */
    uint32_t in_bytes;   /* of an image */
    uint32_t out_bytes;
    uint16_t batches;
    uint16_t channels;
    uint8_t stride; /* 1 or 2, both ways */
    uint8_t scaled; /* 1: channels of scales are scaled */
    int8_t in_zero;
    const uint32_t *unscaled; /* a bit per channel that is not, or NULL */
};

/* scratch, aligned to 4: 16 * DSP_STRIP_LINES bytes for each word of a line, of which there are
 * ((along.out - 1) * stride + 3) / 2 + 1, rounded down. */
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

/* The same by pairs of taps, with a depth multiplier. Output channel c * multiplier + m is the
 * m-th of input channel c.
 *
 * The stream holds for every m and every four input channels, rounded up: four start values; per
 * pair of taps a, b the words (wa,wb) of the first, third, second and fourth channel; then four
 * dsp_scale_t. An odd last tap is paired with a weight of zero. */
typedef struct {
    const int32_t *stream;
    dsp_output_t output; /* scale_step is not used */
    uint16_t batches;
    uint16_t in_height, in_width, channels; /* of the input */
    uint16_t out_height, out_width;
    uint16_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint16_t pad_top, pad_left;
    uint16_t multiplier;
    int8_t in_zero;
} dsp_depthwise_pairs_t;

/* scratch, aligned to 4: 16 bytes per pair of taps, and channels rounded up to 4. */
void dsp_depthwise_pairs_s8(const dsp_depthwise_pairs_t *conv, const int8_t *in, int8_t *out,
                            void *scratch);

#endif
