/* FULLY_CONNECTED, four outputs at a time.
 *
 * K, the inputs, is padded to a multiple of 8 with zero weights, the outputs to a multiple of 4.
 * The stream holds per four outputs c..c+3 the start values b[c], b[c] + 256 b[c+1], b[c+2],
 * b[c+2] + 256 b[c+3], then per 8 inputs x0..x7 twice four words: of c and c+1, then of c+2 and
 * c+3, each with the lanes w[c] + 256 w[c+1] of the pairs (x0,x2) and (x1,x3), the second time of
 * (x4,x6) and (x5,x7). gemm.h says how two outputs come out of one lane, and when that is exact.
 * The input's zero point is folded into b. */
#ifndef DSP_DENSE_H
#define DSP_DENSE_H

#include "requant.h"

typedef struct {
    const int32_t *stream;
    const dsp_scale_t *scales; /* one per output, up to a multiple of 4; or one for all */
    dsp_output_t output;
    uint16_t steps; /* padded K / 8 */
    uint16_t outputs;
} dsp_dense_t;

/* rows x K inputs, each row widened first. scratch, aligned to 4: 16 * steps bytes. */
void dsp_dense_s8(const dsp_dense_t *dense, uint32_t rows, uint32_t inputs, const int8_t *in,
                  int8_t *out, void *scratch);

/* The same without scratch: inputs are read as bytes, for every four outputs again, which takes
 * 1.15 times the instructions. Rows that don't start at multiples of 4 are slow. Up to 7 bytes
 * beyond the input are read. */
void dsp_dense_bytes_s8(const dsp_dense_t *dense, uint32_t rows, uint32_t inputs, const int8_t *in,
                        int8_t *out);

#endif
