#include "dense_tile.h"

void dsp_dense_any(const dsp_dense_t *dense, uint32_t inputs, const int8_t *in, int8_t *out)
{
    const dsp_output_t *const output = &dense->output;
    const dsp_scale_t *scale = dense->scales;
    const uint32_t outputs = dense->outputs;
    const int32_t *w = dense->stream;
    for (uint32_t c = 0; c < outputs; c += 4U) {
        int32_t acc[4] = {w[0], w[1], w[2], w[3]};
        w += 4;
        for (uint32_t k = 0; k < 8U * dense->steps; k += 4U) {
            int32_t word = 0;
            if (k < inputs) {
                memcpy(&word, in + k, inputs - k < 4U ? inputs - k : 4U);
            }
            const int32_t even = dsp_sxtb16(word), odd = dsp_sxtb16_odd(word);
#pragma GCC unroll 2
            for (uint32_t i = 0; i < 4U; i += 2U) {
                acc[i] = dsp_smlad(dsp_sxtb16(w[0]), even, acc[i]);
                acc[i] = dsp_smlad(dsp_sxtb16(w[1]), odd, acc[i]);
                acc[i + 1U] = dsp_smlad(w[0], even, acc[i + 1U]);
                acc[i + 1U] = dsp_smlad(w[1], odd, acc[i + 1U]);
                w += 2;
            }
        }
        acc[1] = dsp_wrap_sub(acc[1], acc[0]) >> 8;
        acc[3] = dsp_wrap_sub(acc[3], acc[2]) >> 8;
        for (uint32_t i = 0; i < 4U && c + i < outputs; i++) {
            *out++ = (int8_t)dsp_requant(acc[i], scale, output);
            scale += output->scale_step;
        }
    }
}
