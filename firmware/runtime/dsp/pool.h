/* AVERAGE_POOL_2D and MAX_POOL_2D, four channels at a time. Parameters as for the portable kernels
 * (kernels.h). Where channels is no multiple of 4, up to 3 bytes beyond the input are read. */
#ifndef DSP_POOL_H
#define DSP_POOL_H

#include "kernels.h"

/* At most 256 pixels in a window, so that sums fit into int16. */
void dsp_average_pool_s8(const pool_s8_t *pool, const int8_t *in, int8_t *out);
void dsp_max_pool_s8(const pool_s8_t *pool, const int8_t *in, int8_t *out);

#endif
