#include "gemm_tile.h"

void mve_gemm_floor(const mve_gemm_t *gemm, const int8_t *in, uint32_t pixels, uint32_t stride,
                    int8_t *out)
{
    mve_gemm_row(gemm, in, pixels, stride, out, MVE_FLOOR);
}
