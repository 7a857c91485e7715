/* ADD and SUB of two int8 tensors, for cores without SIMD. */
#ifndef SCALAR_ADD_H
#define SCALAR_ADD_H

#include <stdint.h>

/* Bits below the point of the tables' values. */
#define SCALAR_ADD_FRACTION 20

/* out[i] = (a_table[a[i]] + b_table[b[i]]) >> SCALAR_ADD_FRACTION, saturated to int8. The tables
 * have 256 entries, for the bytes 0..127, -128..-1; rescaling, zero points and rounding are in
 * them. out may be a or b. */
void scalar_add_s8(const int32_t *a_table, const int32_t *b_table, uint32_t count, const int8_t *a,
                   const int8_t *b, int8_t *out);

#endif
