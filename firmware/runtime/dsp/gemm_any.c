#include "gemm.h"

/* Accumulators of up to 4 pixels; `mixed` is channel c + 256 * channel c+1 when fused, else c+1. */
typedef struct {
    int32_t first[4];
    int32_t mixed[4];
} tile_t;

static void fused_tile(tile_t *a, const int32_t *w, const int32_t *x, uint32_t k_pairs,
                       uint32_t pixels)
{
    for (uint32_t k = 0; k < k_pairs; k++) {
        const int32_t mixed = w[k];
        const int32_t first = dsp_sxtb16(mixed);
        for (uint32_t p = 0; p < pixels; p++) {
            a->mixed[p] = dsp_smlad(mixed, x[p], a->mixed[p]);
            a->first[p] = dsp_smlad(first, x[p], a->first[p]);
        }
        x += pixels;
    }
    for (uint32_t p = 0; p < pixels; p++) {
        a->mixed[p] = dsp_wrap_sub(a->mixed[p], a->first[p]) >> 8;
    }
}

static void plain_tile(tile_t *a, const int32_t *w, const int32_t *x, uint32_t k_pairs,
                       uint32_t pixels)
{
    for (uint32_t k = 0; k < k_pairs; k += 2U) {
        const int32_t first_even = dsp_sxtb16(w[k]);
        const int32_t first_odd = dsp_sxtb16_odd(w[k]);
        const int32_t second_even = dsp_sxtb16(w[k + 1U]);
        const int32_t second_odd = dsp_sxtb16_odd(w[k + 1U]);
        for (uint32_t p = 0; p < pixels; p++) {
            const int32_t even = x[p];
            const int32_t odd = x[pixels + p];
            a->first[p] = dsp_smlad(first_even, even, dsp_smlad(first_odd, odd, a->first[p]));
            a->mixed[p] = dsp_smlad(second_even, even, dsp_smlad(second_odd, odd, a->mixed[p]));
        }
        x += 2U * pixels;
    }
}

void dsp_gemm_any(const dsp_gemm_t *gemm, uint32_t first, const int32_t *x, int8_t *out,
                  uint32_t pixels)
{
    const dsp_output_t *output = &gemm->output;
    const uint32_t step = output->scale_step;
    for (uint32_t c = first; c < gemm->channels; c += 2U) {
        const int32_t *w = gemm->stream + (c / 2U) * (gemm->k_pairs + 2U);
        const dsp_scale_t *scale = gemm->scales + c * step;
        tile_t a;
        for (uint32_t p = 0; p < pixels; p++) {
            a.first[p] = w[1];
            a.mixed[p] = w[0];
        }
        if (gemm->fused != 0U) {
            fused_tile(&a, w + 2, x, gemm->k_pairs, pixels);
        } else {
            plain_tile(&a, w + 2, x, gemm->k_pairs, pixels);
        }
        for (uint32_t p = 0; p < pixels; p++) {
            int8_t *y = out + p * gemm->stride + c;
            y[0] = (int8_t)dsp_requant(a.first[p], &scale[0], output);
            if (gemm->channels - c > 1U) {
                y[1] = (int8_t)dsp_requant(a.mixed[p], &scale[step], output);
            }
        }
    }
}
