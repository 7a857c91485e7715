/* CONV_2D and FULLY_CONNECTED for cores with DSP instructions.
 *
 * Tensors are int8, (batch, height, width, channels), dense. Scratch doesn't overlap input or
 * output. Without groups the output may reach into the input from before it
 * (codegen/memory/overlap.py): rows are read before they are written, pixels without padding.
 * Where kernel width * channels (channels of a group, with dilation or groups) is no multiple of 4
 * and nothing is padded, up to 3 bytes beyond the input are read. */
#ifndef DSP_CONV_H
#define DSP_CONV_H

#include "gemm.h"

typedef struct {
    dsp_gemm_t gemm; /* of a group. K: kernel height, kernel width, channels, by runs */
    uint16_t groups; /* one stream after another, of as many channels each */
    uint16_t batches;
    uint16_t in_height, in_width, in_channels;
    uint16_t out_height, out_width;
    uint16_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint16_t pad_top, pad_left;
    uint16_t run;   /* bytes in K for a run: a row of a field, with dilation or groups a pixel;
                     * rounded up or not */
    int8_t in_zero; /* what padding reads as */
    uint8_t padded; /* some pixel's field reaches over the border */
} dsp_conv_t;

/* scratch, aligned to 4: 16 * k_pairs bytes for four pixels; K + 3 rounded up to 4 for a gathered
 * one, four times that where runs are no whole words; and if padded kernel_height * (fields of an
 * output row, in bytes) + 3. */
void dsp_conv_s8(const dsp_conv_t *conv, const int8_t *in, int8_t *out, void *scratch);

/* rows x K by the stream's weights. scratch: 4 * k_pairs bytes, aligned to 4. */
void dsp_fully_connected_s8(const dsp_gemm_t *gemm, uint32_t rows, uint32_t inputs,
                            const int8_t *in, int8_t *out, void *scratch);

#endif
