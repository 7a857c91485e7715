#include "depthwise_line.h"

void mve_depthwise_chunks_any(const mve_depthwise_t *d, const int32_t *stream, const int8_t *band,
                              uint32_t lanes, int8_t *out)
{
    mve_depthwise_line_chunks(d, stream, band, lanes, out, MVE_ANY);
}
