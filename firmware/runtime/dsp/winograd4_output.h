/* The output transform of the 4x4 Winograd convolution, and the requantisation. */
#ifndef DSP_WINOGRAD4_OUTPUT_H
#define DSP_WINOGRAD4_OUTPUT_H

#include "winograd4.h"

/* One channel of a tile: 16 bytes from 36 products, 8 words apart. floor: mode DSP_FLOOR; sign:
 * with the sign term, exact in either mode. step_row: bytes from pixel to pixel, and from row to
 * row. */
void dsp_winograd4_store_floor(const int32_t *m, const dsp_winograd4_scale_t *scale, int8_t *out,
                               const uint32_t step_row[2]);
void dsp_winograd4_store_sign(const int32_t *m, const dsp_winograd4_scale_t *scale, int8_t *out,
                              const uint32_t step_row[2]);

#endif
