/* Products of pixels by weights, sixteen bytes at a time, for cores with Helium (MVE).
 *
 * The stream holds for every four channels: four start values (bias, the input's zero point folded
 * in), `chunks` times 4 x 16 weights, four multipliers, four shifts (requant.h). K is padded by
 * weights of zero; what is read of the input there doesn't matter, but must be readable. */
#ifndef MVE_GEMM_H
#define MVE_GEMM_H

#include "requant.h"

typedef struct {
    const int32_t *stream;
    uint32_t chunks; /* K in units of 16, at least 1 */
    uint32_t channels;
    mve_output_t output;
} mve_gemm_t;

/* Pixel p begins at in + p * stride and has 16 * chunks readable bytes. The output, dense, overlaps
 * no input. */
typedef void mve_gemm_row_t(const mve_gemm_t *gemm, const int8_t *in, uint32_t pixels,
                            uint32_t stride, int8_t *out);

/* One for each mve_mode_t. */
mve_gemm_row_t mve_gemm_floor;
mve_gemm_row_t mve_gemm_sign;
mve_gemm_row_t mve_gemm_any;

/* One pixel, and one scale for all channels, which the stream then lacks. */
typedef struct {
    mve_gemm_t gemm;
    int32_t multiplier, shift;
} mve_dense_t;

typedef void mve_dense_row_t(const mve_dense_t *dense, const int8_t *in, int8_t *out);

mve_dense_row_t mve_dense_floor;
mve_dense_row_t mve_dense_sign;
mve_dense_row_t mve_dense_any;

#endif
