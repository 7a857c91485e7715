/* AVERAGE_POOL_2D for cores with Helium: kernels.h's parameters, windows of 255 pixels at most. Up
 * to 7 bytes beyond the input are read. */
#ifndef MVE_POOL_H
#define MVE_POOL_H

#include "kernels.h"

void mve_average_pool_s8(const pool_s8_t *pool, const int8_t *in, int8_t *out);

#endif
