#include "gemm_tile.h"

void mve_dense_any(const mve_dense_t *dense, const int8_t *in, int8_t *out)
{
    mve_dense_row(dense, in, out, MVE_ANY);
}
