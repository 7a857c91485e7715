#include "conv.h"
#include "widen.h"

void dsp_fully_connected_s8(const dsp_gemm_t *gemm, uint32_t rows, uint32_t inputs,
                            const int8_t *in, int8_t *out, void *scratch)
{
    int32_t *const x = scratch;
    for (; rows > 0U; rows--) {
        /* What lies between the end and k_pairs is multiplied by zero weights. */
        (void)dsp_widen_tail(x, 1U, in, inputs);
        gemm->tile_1px(gemm, x, out);
        in += inputs;
        out += gemm->channels;
    }
}
