/* The input transform of the 4x4 Winograd convolution: V = B^T d B, two channels in the lanes. */
#ifndef DSP_WINOGRAD4_INPUT_H
#define DSP_WINOGRAD4_INPUT_H

#include "simd.h"

/* B^T d of columns of six pixels.
 *
 * Column x reads four channels of pixel i at rows[i] + x * step; even takes channels 0 and 2 of
 * them, odd 1 and 3. to: six words per column. count: at least 1. */
void dsp_winograd4_columns_even(const int8_t *const rows[6], uint32_t step, uint32_t count,
                                int32_t *to);
void dsp_winograd4_columns_odd(const int8_t *const rows[6], uint32_t step, uint32_t count,
                               int32_t *to);

/* The rest of B for `tiles` tiles, at least 1, four columns apart. v: 36 words `step` words apart,
 * the next tile's a word further on. */
void dsp_winograd4_rows(const int32_t *columns, uint32_t step, uint32_t tiles, int32_t *v);

#endif
