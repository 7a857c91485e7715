/* The inner products of the Winograd convolution. */
#ifndef DSP_WINOGRAD_PRODUCT_H
#define DSP_WINOGRAD_PRODUCT_H

#include "simd.h"

/* m[frequencies][2][4] = the dot products of 2 channels and 4 tiles.
 * u: [frequencies][k_pairs][2], v: [frequencies][k_pairs][4] pairs; k_pairs at least 1. */
void dsp_winograd_products(const int32_t *u, const int32_t *v, uint32_t k_pairs, int32_t *m,
                           uint32_t frequencies);

#endif
