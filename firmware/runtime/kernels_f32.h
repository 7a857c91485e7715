/* The float32 kernels: for float models, and for the float parts of quantised ones.
 *
 * Layouts and overlap as in kernels.h. They compute what TensorFlow Lite Micro's float
 * kernels do, in the same order; contraction to fused multiply-adds and the C library's
 * exp and log let results differ in the last bits. A core without a floating-point unit runs
 * them on the compiler's own routines. */
#ifndef KERNELS_F32_H
#define KERNELS_F32_H

#include <math.h>
#include <stdint.h>

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV: fields and weights as conv_s8_t's. */
typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    pair_t kernel;
    pair_t stride;
    pair_t dilation;
    pair_t padding;
    float min; /* fused activation */
    float max;
    MCU_ROM float *weights;
    MCU_ROM float *bias; /* per output channel, or NULL */
    int32_t group_channels;
} conv_f32_t;

void conv_f32(MCU_ROM conv_f32_t *p, const float *input, float *output);
void depthwise_conv_f32(MCU_ROM conv_f32_t *p, const float *input, float *output);
void transpose_conv_f32(MCU_ROM conv_f32_t *p, const float *input, float *output);

/* output (rows, outputs) = input (rows, inputs) x weights (outputs, inputs)^T + bias */
typedef struct {
    int32_t rows;
    int32_t inputs;
    int32_t outputs;
    float min;
    float max;
    MCU_ROM float *weights;
    MCU_ROM float *bias; /* or NULL */
} fully_connected_f32_t;

void fully_connected_f32(MCU_ROM fully_connected_f32_t *p, const float *input, float *output);

typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    pair_t kernel;
    pair_t stride;
    pair_t padding;
    float min;
    float max;
} pool_f32_t;

void average_pool_f32(MCU_ROM pool_f32_t *p, const float *input, float *output);
void max_pool_f32(MCU_ROM pool_f32_t *p, const float *input, float *output);

/* A function of one value, over all of them. May be in place. */
void unary_f32(float (*function)(float x), const float *input, float *output, int32_t count);

/* Values below `low` become it, those above `high` that: RELU and its kin. In place. */
void clamp_f32(const float *input, float *output, int32_t count, float low, float high);

/* A function of two operands with broadcasting, and a clamp. Overlap as add_s8. */
typedef struct {
    broadcast_t shape;
    float (*function)(float a, float b);
    float min;
    float max;
} binary_f32_t;

void binary_f32(MCU_ROM binary_f32_t *p, const float *a, const float *b, float *output);

/* A function that folds two values into one, over some dimensions. */
typedef struct {
    dimensions_t kept;
    dimensions_t reduced;
    float (*function)(float sum, float x);
    float start;
    float divisor; /* of the result: the count for a mean, else 1 */
} reduce_f32_t;

void reduce_f32(MCU_ROM reduce_f32_t *p, const float *input, float *output);

/* SOFTMAX and LOG_SOFTMAX over the last dimension. May be in place. */
void softmax_f32(const float *input, float *output, int32_t rows, int32_t depth, float beta);
void log_softmax_f32(const float *input, float *output, int32_t rows, int32_t depth);

/* L2_NORMALIZATION over the last dimension. May be in place. */
void l2_normalize_f32(const float *input, float *output, int32_t rows, int32_t depth);

/* As arg_max_s8. */
void arg_max_f32(MCU_ROM arg_max_s8_t *p, const float *input, int32_t *output);

/* As batch_matmul_s8. */
typedef struct {
    broadcast_t batches;
    int32_t a_matrix;
    int32_t b_matrix;
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t a_row;
    int32_t a_depth;
    int32_t b_depth;
    int32_t b_column;
} batch_matmul_f32_t;

void batch_matmul_f32(MCU_ROM batch_matmul_f32_t *p, const float *a, const float *b, float *output);

/* RESIZE_BILINEAR: for each output row and column the two input ones between which it
 * lies, low then high, and the second one's share. */
typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    MCU_ROM int16_t *rows;    /* (output height, 2) */
    MCU_ROM int16_t *columns; /* (output width, 2) */
    MCU_ROM float *row_share;
    MCU_ROM float *column_share;
} resize_bilinear_f32_t;

void resize_bilinear_f32(MCU_ROM resize_bilinear_f32_t *p, const float *input, float *output);

/* ADD_N */
void add_n_f32(const float *const *inputs, int32_t count, float *output, int32_t elements);

/* CUMSUM of (outer, size, inner) along the middle dimension. */
typedef struct {
    int32_t outer;
    int32_t size;
    int32_t inner;
    int32_t exclusive; /* 1: without the element itself */
    int32_t reverse;   /* 1: from the end on */
} cumsum_f32_t;

void cumsum_f32(MCU_ROM cumsum_f32_t *p, const float *input, float *output);

#ifdef __cplusplus
}
#endif

#endif
