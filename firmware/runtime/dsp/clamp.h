/* A layer's clamp as a step of its own, on cores with DSP instructions. */
#ifndef DSP_CLAMP_H
#define DSP_CLAMP_H

#include <stdint.h>

/* data[i] = min(max(data[i], low), high), four at a time. */
void dsp_clamp_s8(int8_t *data, uint32_t count, int32_t low, int32_t high);

#endif
