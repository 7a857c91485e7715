/* The portable int8 kernels: any C11 compiler, any core, one per file in portable/.
 *
 * Tensors are dense, the last dimension runs fastest; images are (batch, height,
 * width, channels). A real value is scale * (stored - zero). Outputs are equal bit for
 * bit to TensorFlow Lite Micro's. Kernels keep no state and use no memory but their
 * arguments. Unless a comment says otherwise, outputs must not overlap inputs. */
#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
} image_shape_t;

typedef struct {
    int32_t height;
    int32_t width;
} pair_t;

/* Convolution and depthwise convolution.
 * conv_s8: weights (output channels, kernel height, kernel width, input channels per
 * group). depthwise_conv_s8: weights (kernel height, kernel width, output channels),
 * output channels = input channels * multiplier. */
typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    pair_t kernel;
    pair_t stride;
    pair_t dilation;
    pair_t padding; /* rows above and columns left of the image, read as zero */
    int32_t input_zero;
    int32_t output_zero;
    int32_t min; /* of the stored output: fused activation */
    int32_t max;
    const int8_t *weights;
    const int32_t *bias;       /* per output channel, or NULL */
    const int32_t *multiplier; /* per output channel: requantize() */
    const int8_t *shift;
    int32_t group_channels; /* input channels per group; depthwise: depth multiplier */
} conv_s8_t;

void conv_s8(const conv_s8_t *p, const int8_t *input, int8_t *output);
void depthwise_conv_s8(const conv_s8_t *p, const int8_t *input, int8_t *output);

/* output (rows, outputs) = input (rows, inputs) x weights (outputs, inputs)^T + bias */
typedef struct {
    int32_t rows;
    int32_t inputs;
    int32_t outputs;
    int32_t output_zero;
    int32_t min;
    int32_t max;
    const int8_t *weights;
    const int32_t *bias;       /* per output, the input's zero point folded in; or NULL */
    const int32_t *multiplier; /* one, or one per output */
    const int8_t *shift;
    int32_t per_channel; /* 1: one multiplier per output */
} fully_connected_s8_t;

void fully_connected_s8(const fully_connected_s8_t *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
