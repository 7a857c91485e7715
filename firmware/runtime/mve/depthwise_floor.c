#include "depthwise_line.h"

void mve_depthwise_floor(const mve_depthwise_t *depthwise, const int32_t *stream,
                         const int8_t *band, uint32_t lanes, int8_t *out)
{
    mve_depthwise_line(depthwise, stream, band, lanes, out, MVE_FLOOR);
}
