/* Element-wise operators of two int8 tensors, on cores with DSP instructions. */
#ifndef DSP_ELEMENTWISE_H
#define DSP_ELEMENTWISE_H

#include <stdint.h>

/* Bits below the point of the tables' values. */
#define DSP_ADD_FRACTION 20

/* out[i] = (a_table[a[i]] + b_table[b[i]]) >> DSP_ADD_FRACTION, saturated to int8. The tables have
 * 256 entries, for the bytes 0..127, -128..-1; rescaling, zero points and rounding are in them.
 * out may be a or b. */
void dsp_add_s8(const int32_t *a_table, const int32_t *b_table, uint32_t count, const int8_t *a,
                const int8_t *b, int8_t *out);

#endif
