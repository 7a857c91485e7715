/* The portable int8 kernels: any C11 compiler, any core, one per file in portable/.
 *
 * Tensors are dense, the last dimension runs fastest; images are (batch, height,
 * width, channels). A real value is scale * (stored - zero). Outputs are equal bit for
 * bit to TensorFlow Lite Micro's. Kernels keep no state and use no memory but their
 * arguments. Unless a comment says otherwise, outputs must not overlap inputs; those of
 * convolutions and pooling may reach into the input from before it, as far as
 * codegen/memory/overlap.py computes from the order of reading: pixel by pixel. */
#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>

#include "rom.h"

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
    MCU_ROM int8_t *weights;
    MCU_ROM int32_t *bias;       /* per output channel, or NULL */
    MCU_ROM int32_t *multiplier; /* per output channel: requantize() */
    MCU_ROM int8_t *shift;
    int32_t group_channels; /* input channels per group; depthwise: depth multiplier */
} conv_s8_t;

void conv_s8(MCU_ROM conv_s8_t *p, const int8_t *input, int8_t *output);
void depthwise_conv_s8(MCU_ROM conv_s8_t *p, const int8_t *input, int8_t *output);

/* output (rows, outputs) = input (rows, inputs) x weights (outputs, inputs)^T + bias */
typedef struct {
    int32_t rows;
    int32_t inputs;
    int32_t outputs;
    int32_t output_zero;
    int32_t min;
    int32_t max;
    MCU_ROM int8_t *weights;
    MCU_ROM int32_t *bias;       /* per output, the input's zero point folded in; or NULL */
    MCU_ROM int32_t *multiplier; /* one, or one per output */
    MCU_ROM int8_t *shift;
    int32_t per_channel; /* 1: one multiplier per output */
} fully_connected_s8_t;

void fully_connected_s8(MCU_ROM fully_connected_s8_t *p, const int8_t *input, int8_t *output);

/* Average and maximum over windows; padding is left out of both. */
typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    pair_t kernel;
    pair_t stride;
    pair_t padding;
    int32_t min;
    int32_t max;
} pool_s8_t;

void average_pool_s8(MCU_ROM pool_s8_t *p, const int8_t *input, int8_t *output);
void max_pool_s8(MCU_ROM pool_s8_t *p, const int8_t *input, int8_t *output);

/* Two tensors, element by element, the smaller one repeated along some dimensions.
 * A run is the innermost part: `run` elements, read with a step of 1, or 0 where the
 * tensor is repeated. `rank` dimensions are around it, the outermost first; a and b are
 * what a step along each adds to the operands' offsets, in elements. */
#define BROADCAST_RANK 5
typedef struct {
    int32_t run;
    int32_t run_a;
    int32_t run_b;
    int32_t rank;
    int32_t extent[BROADCAST_RANK];
    int32_t a[BROADCAST_RANK];
    int32_t b[BROADCAST_RANK];
} broadcast_t;

/* ADD, and SUB with sign -1. The output may take over the memory of an operand that
 * is not repeated. */
typedef struct {
    broadcast_t shape;
    int32_t a_zero;
    int32_t b_zero;
    int32_t a_multiplier;
    int32_t a_shift;
    int32_t b_multiplier;
    int32_t b_shift;
    int32_t sign; /* of b: 1 or -1 */
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_zero;
    int32_t min;
    int32_t max;
} add_s8_t;

void add_s8(MCU_ROM add_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output);

/* MUL. Overlap as add_s8. */
typedef struct {
    broadcast_t shape;
    int32_t a_zero;
    int32_t b_zero;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero;
    int32_t min;
    int32_t max;
} mul_s8_t;

void mul_s8(MCU_ROM mul_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output);

/* Sums over some dimensions: MEAN and SUM. `kept` dimensions make up the output, in its
 * order; `reduced` ones are summed. Strides are in elements of the input. */
#define REDUCE_RANK 4
typedef struct {
    int32_t rank;
    int32_t extent[REDUCE_RANK];
    int32_t stride[REDUCE_RANK];
} dimensions_t;

typedef struct {
    dimensions_t kept;
    dimensions_t reduced;
    int32_t offset; /* added to each sum: minus the input's zero point times the count */
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero;
} sum_s8_t;

void sum_s8(MCU_ROM sum_s8_t *p, const int8_t *input, int8_t *output);

/* output[i] = table[(uint8_t)input[i]]: any function of one value. May be in place. */
void lookup_s8(MCU_ROM int8_t table[256], const int8_t *input, int8_t *output, int32_t count);

/* SOFTMAX over the last dimension; the output has scale 1/256 and zero point -128, and may be
 * in place; as int16 it has 1/65536 and -32768. */
typedef struct {
    int32_t rows;
    int32_t depth;
    int32_t multiplier; /* of (x - max), to 5 integer bits */
    int32_t shift;
    int32_t lowest; /* differences below it count as zero */
} softmax_s8_t;

void softmax_s8(MCU_ROM softmax_s8_t *p, const int8_t *input, int8_t *output);
void softmax_s8_s16(MCU_ROM softmax_s8_t *p, const int8_t *input, int16_t *output);

/* Copies elements of `size` bytes from one strided place to another; what CONCATENATION,
 * SPLIT, STRIDED_SLICE, TRANSPOSE and others come down to. Strides and offsets are in
 * elements and may be negative or zero in the source. */
#define COPY_RANK 6
typedef struct {
    int32_t size;
    int32_t rank;
    int32_t extent[COPY_RANK]; /* outermost first */
    int32_t from[COPY_RANK];
    int32_t to[COPY_RANK];
    int32_t from_offset;
    int32_t to_offset;
} copy_t;

void copy_nd(MCU_ROM copy_t *p, const void *input, void *output);

/* Sets `count` elements of `size` bytes to the value that `element` points to. */
void fill(void *output, MCU_ROM void *element, int32_t size, int32_t count);

/* QUANTIZE and DEQUANTIZE between float and int8. Values beyond the range saturate. */
void quantize_f32_s8(const float *input, int8_t *output, int32_t count, float scale, int32_t zero);
void dequantize_s8_f32(const int8_t *input, float *output, int32_t count, float scale,
                       int32_t zero);

/* TRANSPOSE_CONV: conv_s8_t's fields, seen from the output: stride is the step of the
 * input in the output, padding the rows and columns cut off. Weights as conv_s8. */
void transpose_conv_s8(MCU_ROM conv_s8_t *p, const int8_t *input, int8_t *output);

/* MAXIMUM with sign 1, MINIMUM with sign -1. Overlap as add_s8. */
typedef struct {
    broadcast_t shape;
    int32_t sign;
} maximum_s8_t;

void maximum_s8(MCU_ROM maximum_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output);

/* PRELU: a is the data, b the slopes. Overlap as add_s8. */
typedef struct {
    broadcast_t shape;
    int32_t a_zero;
    int32_t b_zero;
    int32_t above_multiplier; /* of values at or above zero */
    int32_t above_shift;
    int32_t below_multiplier; /* of value times slope */
    int32_t below_shift;
    int32_t output_zero;
} prelu_s8_t;

void prelu_s8(MCU_ROM prelu_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output);

void maximum_s16(MCU_ROM maximum_s8_t *p, const int16_t *a, const int16_t *b, int16_t *output);

/* REDUCE_MAX with sign 1, REDUCE_MIN with sign -1. */
typedef struct {
    dimensions_t kept;
    dimensions_t reduced;
    int32_t sign;
} reduce_max_s8_t;

void reduce_max_s8(MCU_ROM reduce_max_s8_t *p, const int8_t *input, int8_t *output);

/* ARG_MAX with sign 1, ARG_MIN with sign -1, over the middle one of three dimensions;
 * of equal values the first. */
typedef struct {
    int32_t outer;
    int32_t size;
    int32_t inner;
    int32_t sign;
} arg_max_s8_t;

void arg_max_s8(MCU_ROM arg_max_s8_t *p, const int8_t *input, int32_t *output);

/* GATHER: for each outer part, blocks of `block` bytes named by `indices`. An index
 * beyond the data, which the reference does not check, counts as the nearest valid one. */
typedef struct {
    int32_t batches;
    int32_t outer;
    int32_t size;  /* blocks to choose from */
    int32_t count; /* indices per batch */
    int32_t block; /* bytes */
} gather_t;

void gather(MCU_ROM gather_t *p, const void *input, const int32_t *indices, void *output);

/* RESIZE_NEAREST_NEIGHBOR: for each output row and column the input's. */
typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    MCU_ROM int16_t *rows;
    MCU_ROM int16_t *columns;
} resize_nearest_t;

void resize_nearest_s8(MCU_ROM resize_nearest_t *p, const int8_t *input, int8_t *output);
/* The same of elements of `size` bytes. */
void resize_nearest(MCU_ROM resize_nearest_t *p, const void *input, void *output, int32_t size);

/* RESIZE_BILINEAR: for each output row and column the two input ones between which it
 * lies, and the second one's share in 1/1024. */
typedef struct {
    int16_t low;
    int16_t high;
    int16_t share;
} between_t;

typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    MCU_ROM between_t *rows;
    MCU_ROM between_t *columns;
} resize_bilinear_t;

void resize_bilinear_s8(MCU_ROM resize_bilinear_t *p, const int8_t *input, int8_t *output);

/* BATCH_MATMUL: output (batches, rows, columns) = a x b. Strides, in elements, say how
 * either operand lies in memory; batches are walked as broadcast_t says. */
typedef struct {
    broadcast_t batches; /* run: the innermost batch dimension, steps in matrices */
    int32_t a_matrix;    /* elements of one matrix */
    int32_t b_matrix;
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t a_row;
    int32_t a_depth;
    int32_t b_depth;
    int32_t b_column;
    int32_t a_zero;
    int32_t b_zero;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero;
} batch_matmul_s8_t;

void batch_matmul_s8(MCU_ROM batch_matmul_s8_t *p, const int8_t *a, const int8_t *b,
                     int8_t *output);

/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 data and weights, int16 cell state.
 * Sums enter a gate in Q3.12 and leave it in Q0.15. */
typedef struct {
    MCU_ROM int8_t *weights;         /* (units, inputs) */
    MCU_ROM int8_t *recurrent;       /* (units, units) */
    MCU_ROM int32_t *bias;           /* per unit, the data's zero point folded in */
    MCU_ROM int32_t *recurrent_bias; /* per unit, the output's zero point folded in */
    int32_t multiplier;
    int32_t shift;
    int32_t recurrent_multiplier;
    int32_t recurrent_shift;
} lstm_gate_t;

typedef struct {
    int32_t multiplier;
    int32_t shift;
} scale_t;

typedef struct {
    int32_t batches;
    int32_t steps;
    int32_t inputs;
    int32_t units;
    int32_t time_major; /* 1: data is (steps, batches, ...), 0: (batches, steps, ...) */
    lstm_gate_t input_gate;
    lstm_gate_t forget_gate;
    lstm_gate_t cell_gate;
    lstm_gate_t output_gate;
    scale_t forget_scale; /* forget gate x cell state to cell state */
    scale_t input_scale;  /* input gate x cell gate to cell state */
    scale_t output_scale; /* output gate x tanh(cell state) to output */
    int32_t output_zero;
    int32_t cell_power;        /* the cell state's scale is 2^cell_power */
    int32_t cell_clip;         /* 0: none */
    MCU_ROM uint16_t *sigmoid; /* table of sigmoid_s16() */
} lstm_s8_t;

/* hidden (batches, units) and cell (batches, units) are the state, changed in place. */
void lstm_s8(MCU_ROM lstm_s8_t *p, const int8_t *input, int8_t *hidden, int16_t *cell,
             int8_t *output);

/* SVDF: int8 data and feature weights; time weights and state are int16, or both int8. */
typedef struct {
    int32_t batches;
    int32_t inputs;
    int32_t filters;
    int32_t rank; /* filters per unit */
    int32_t memory;
    int32_t state_zero; /* 0 where the state is int16 */
    int32_t output_zero;
    scale_t feature_scale;
    scale_t output_scale;
    MCU_ROM int8_t *feature_weights; /* (filters, inputs) */
    MCU_ROM int32_t *feature_bias;   /* per filter: the input's zero point folded in */
    MCU_ROM void *time_weights;      /* (filters, memory), the state's type */
    MCU_ROM int32_t *bias;           /* per unit, or NULL */
} svdf_s8_t;

/* state (batches, filters, memory) is changed in place. */
void svdf_s8(MCU_ROM svdf_s8_t *p, const int8_t *input, int16_t *state, int8_t *output);
void svdf_s8_narrow(MCU_ROM svdf_s8_t *p, const int8_t *input, int8_t *state, int8_t *output);

/* QUANTIZE between int8, int16 and int32. In place where the output is no wider. */
typedef struct {
    int32_t input_bytes; /* of an element */
    int32_t output_bytes;
    int32_t input_zero;
    int32_t output_zero;
    scale_t scale;
} rescale_t;

void rescale(MCU_ROM rescale_t *p, const void *input, void *output, int32_t count);

/* Comparisons: 1 where one holds that `truth` names, else 0. */
#define TRUTH_LESS    1
#define TRUTH_EQUAL   2
#define TRUTH_GREATER 4

static inline uint8_t compare(int less, int equal, int greater, int32_t truth)
{
    const int32_t found = (less != 0 ? TRUTH_LESS : 0) | (equal != 0 ? TRUTH_EQUAL : 0) |
                          (greater != 0 ? TRUTH_GREATER : 0);
    /* Of two floats of which one is no number none holds: they differ. */
    const int32_t holds = found != 0 ? found & truth : truth == (TRUTH_LESS | TRUTH_GREATER);
    return holds != 0 ? 1 : 0;
}

typedef struct {
    broadcast_t shape;
    int32_t truth;
} compare_t;

void compare_f32(MCU_ROM compare_t *p, const float *a, const float *b, uint8_t *output);
void compare_s32(MCU_ROM compare_t *p, const int32_t *a, const int32_t *b, uint8_t *output);

typedef struct {
    broadcast_t shape;
    int32_t truth;
    int32_t a_zero;
    int32_t b_zero;
    scale_t a_scale;
    scale_t b_scale;
} compare_s8_t;

void compare_s8(MCU_ROM compare_s8_t *p, const int8_t *a, const int8_t *b, uint8_t *output);

/* SELECT_V2: elements of `size` bytes; steps are in elements, 0 where a tensor repeats. */
#define SELECT_RANK 6
typedef struct {
    int32_t size;
    int32_t count;
    int32_t rank;
    int32_t extent[SELECT_RANK]; /* outermost first */
    int32_t condition[SELECT_RANK];
    int32_t yes[SELECT_RANK];
    int32_t no[SELECT_RANK];
} select_t;

void select_nd(MCU_ROM select_t *p, const uint8_t *condition, const void *yes, const void *no,
               void *output);

/* SQUARED_DIFFERENCE. Overlap as add_s8. */
typedef struct {
    broadcast_t shape;
    int32_t a_zero;
    int32_t b_zero;
    scale_t a_scale;
    scale_t b_scale;
    scale_t scale;
    int32_t output_zero;
} squared_difference_t;

void squared_difference_s8(MCU_ROM squared_difference_t *p, const int8_t *a, const int8_t *b,
                           int8_t *output);
void squared_difference_s16(MCU_ROM squared_difference_t *p, const int16_t *a, const int16_t *b,
                            int16_t *output);

/* CAST: values as stored; towards zero from floats, the low bits of what is too large. */
typedef enum { CAST_INT8, CAST_INT16, CAST_INT32, CAST_FLOAT32, CAST_BOOL } cast_type_t;

void cast(const void *input, cast_type_t from, void *output, cast_type_t to, int32_t count);

/* The int16 kernels: data of 16 bits with zero points of 0, weights of 8, sums of 64.
 * Structs are those of the int8 kernels where those fit. */
typedef struct {
    int32_t batches;
    image_shape_t input;
    image_shape_t output;
    pair_t kernel;
    pair_t stride;
    pair_t dilation;
    pair_t padding;
    int32_t min;
    int32_t max;
    MCU_ROM int8_t *weights;
    MCU_ROM int64_t *bias; /* per output channel, or NULL */
    MCU_ROM int32_t *multiplier;
    MCU_ROM int8_t *shift;
    int32_t group_channels;
    int32_t wide; /* 1: 64-bit sums, requantize_wide(); 0: 32-bit ones, requantize() */
} conv_s16_t;

void conv_s16(MCU_ROM conv_s16_t *p, const int16_t *input, int16_t *output);
void depthwise_conv_s16(MCU_ROM conv_s16_t *p, const int16_t *input, int16_t *output);

typedef struct {
    int32_t rows;
    int32_t inputs;
    int32_t outputs;
    int32_t min;
    int32_t max;
    MCU_ROM int8_t *weights;
    MCU_ROM int64_t *bias; /* per output, or NULL */
    MCU_ROM int32_t *multiplier;
    MCU_ROM int8_t *shift;
    int32_t per_channel;
    int32_t wide; /* as of conv_s16_t */
} fully_connected_s16_t;

void fully_connected_s16(MCU_ROM fully_connected_s16_t *p, const int16_t *input, int16_t *output);

void average_pool_s16(MCU_ROM pool_s8_t *p, const int16_t *input, int16_t *output);
void max_pool_s16(MCU_ROM pool_s8_t *p, const int16_t *input, int16_t *output);
void add_s16(MCU_ROM add_s8_t *p, const int16_t *a, const int16_t *b, int16_t *output);

/* ADD_N: the sum of factors[n] * (inputs[n] - zeros[n]), over 2^shift. */
typedef struct {
    int32_t count; /* of inputs */
    int32_t elements;
    MCU_ROM int64_t *factors;
    MCU_ROM int8_t *zeros;
    int32_t shift; /* from 1 to 62 */
    int32_t output_zero;
} add_n_t;

void add_n_s8(MCU_ROM add_n_t *p, const int8_t *const *inputs, int8_t *output);

/* CUMSUM of (outer, size, inner) along the middle dimension. */
typedef struct {
    int32_t outer;
    int32_t size;
    int32_t inner;
    int32_t exclusive; /* 1: without the element itself */
    int32_t reverse;   /* 1: from the end on */
    int32_t input_zero;
    int32_t output_zero;
    scale_t scale;
    int32_t most; /* larger sums saturate */
} cumsum_t;

void cumsum_s8(MCU_ROM cumsum_t *p, const int8_t *input, int8_t *output);

/* DIV: a / b, with broadcasting; saturates where b is zero. */
typedef struct {
    broadcast_t shape;
    int32_t a_zero;
    int32_t b_zero;
    int64_t factor; /* output steps for a quotient of 1, times 2^30; at most 2^50 */
    int32_t output_zero;
    int32_t min;
    int32_t max;
} div_s8_t;

void div_s8(MCU_ROM div_s8_t *p, const int8_t *a, const int8_t *b, int8_t *output);

/* ADD and SUB where an output step is so far below the operands' that 32 bits are too few:
 * (a_factor * (a - a_zero) + b_factor * (b - b_zero)) / 2^shift. Operands as add_s8. */
typedef struct {
    broadcast_t shape;
    int32_t a_zero;
    int32_t b_zero;
    int64_t a_factor; /* SUB: b_factor is negative */
    int64_t b_factor;
    int32_t shift; /* from 1 to 62 */
    int32_t output_zero;
    int32_t min;
    int32_t max;
} add_steep_t;

void add_steep_s8(MCU_ROM add_steep_t *p, const int8_t *a, const int8_t *b, int8_t *output);
void add_steep_s16(MCU_ROM add_steep_t *p, const int16_t *a, const int16_t *b, int16_t *output);
void mul_s16(MCU_ROM mul_s8_t *p, const int16_t *a, const int16_t *b, int16_t *output);
void transpose_conv_s16(MCU_ROM conv_s16_t *p, const int16_t *input, int16_t *output);
void batch_matmul_s16(MCU_ROM batch_matmul_s8_t *p, const int16_t *a, const int16_t *b,
                      int16_t *output);
void prelu_s16(MCU_ROM prelu_s8_t *p, const int16_t *a, const int8_t *b, int16_t *output);
void sum_s16(MCU_ROM sum_s8_t *p, const int16_t *input, int16_t *output);

/* RELU, RELU6 and LEAKY_RELU: one scale above zero, one at and below it. In place. */
typedef struct {
    scale_t above;
    scale_t below;
    int32_t sign; /* of the slope below zero: 1 or -1 */
    int32_t min;
    int32_t max;
} relu_s16_t;

void relu_s16(MCU_ROM relu_s16_t *p, const int16_t *input, int16_t *output, int32_t count);

/* ABS: of magnitudes, requantize(). In place. */
void abs_s16(const int16_t *input, int16_t *output, int32_t count, int32_t multiplier,
             int32_t shift);

/* LOGISTIC and TANH; may be in place. */
typedef struct {
    int32_t multiplier; /* x * multiplier / 2^shift, rounded, is in 1/12288 */
    int32_t shift;
    MCU_ROM uint16_t *sigmoid; /* table of sigmoid_s16() */
} sigmoid_s16_t;

void logistic_s16(MCU_ROM sigmoid_s16_t *p, const int16_t *input, int16_t *output, int32_t count);
void tanh_act_s16(MCU_ROM sigmoid_s16_t *p, const int16_t *input, int16_t *output, int32_t count);

/* SOFTMAX over the last dimension by two tables of 513 entries; may be in place. */
typedef struct {
    int32_t rows;
    int32_t depth;
    scale_t scale;               /* of differences, to 65535 for a difference of 10 */
    MCU_ROM int16_t *power;      /* exp over [-10, 0] */
    MCU_ROM int16_t *reciprocal; /* 1 / (1 + x) over [0, 1] */
} softmax_s16_t;

void softmax_s16(MCU_ROM softmax_s16_t *p, const int16_t *input, int16_t *output);

void quantize_f32_s16(const float *input, int16_t *output, int32_t count, float scale,
                      int32_t zero);
void dequantize_s16_f32(const int16_t *input, float *output, int32_t count, float scale,
                        int32_t zero);

#ifdef __cplusplus
}
#endif

#endif
