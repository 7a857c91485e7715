#include "gemm.h"

/* Accumulators of 4 pixels: `mixed` is channel c + 256 * channel c+1 when fused, else c+1. */
typedef struct {
    int32_t mixed[4];
    int32_t first[4];
} tile_t;

#if DSP_NATIVE

/* One pair of k for 2 channels and 4 pixels: 16 MACs in 12 instructions of 4 bytes each.
 * In C the register allocator spills two of the 14 registers in every step (1.3 times slower). */
#define TILE_STEP                                                                                  \
    "ldr %[w], [%[wp]], #4\n\t"                                                                    \
    "ldrd %[p], %[q], [%[xp]], #8\n\t"                                                             \
    "smlad %[m0], %[w], %[p], %[m0]\n\t"                                                           \
    "sxtb16 %[t], %[w]\n\t"                                                                        \
    "smlad %[m1], %[w], %[q], %[m1]\n\t"                                                           \
    "smlad %[f0], %[t], %[p], %[f0]\n\t"                                                           \
    "smlad %[f1], %[t], %[q], %[f1]\n\t"                                                           \
    "ldrd %[p], %[q], [%[xp]], #8\n\t"                                                             \
    "smlad %[m2], %[w], %[p], %[m2]\n\t"                                                           \
    "smlad %[f2], %[t], %[p], %[f2]\n\t"                                                           \
    "smlad %[m3], %[w], %[q], %[m3]\n\t"                                                           \
    "smlad %[f3], %[t], %[q], %[f3]\n\t"

#define TILE_STEP_BYTES 48U
#define TILE_UNROLL     8U

/* Adds k_pairs steps to the tile. The loop is entered in its middle, so that any count works. */
#define FUSED_TILE(m0_, m1_, m2_, m3_, f0_, f1_, f2_, f3_, w_, x_, w_end_, skip_)                  \
    do {                                                                                           \
        int32_t w__, t__, p__, q__;                                                                \
        __asm__ volatile("ldr %[t], %[skip]\n\t"                                                   \
                         "add pc, pc, %[t]\n\t"                                                    \
                         "nop\n"                                                                   \
                         "1:\n\t" TILE_STEP TILE_STEP TILE_STEP TILE_STEP TILE_STEP TILE_STEP      \
                             TILE_STEP TILE_STEP "ldr %[t], %[end]\n\t"                            \
                         "cmp %[wp], %[t]\n\t"                                                     \
                         "bne 1b\n\t"                                                              \
                         : [m0] "+r"(m0_), [m1] "+r"(m1_), [m2] "+r"(m2_), [m3] "+r"(m3_),         \
                           [f0] "+r"(f0_), [f1] "+r"(f1_), [f2] "+r"(f2_), [f3] "+r"(f3_),         \
                           [wp] "+r"(w_), [xp] "+r"(x_), [w] "=&r"(w__), [t] "=&r"(t__),           \
                           [p] "=&r"(p__), [q] "=&r"(q__)                                          \
                         : [end] "m"(w_end_), [skip] "m"(skip_)                                    \
                         : "cc", "memory");                                                        \
    } while (0)
#endif

/* The same in C. */
DSP_INLINE void fused_tile(tile_t *a, const int32_t *w, const int32_t *x, uint32_t k_pairs) {
    for (uint32_t k = 0; k < k_pairs; k++) {
        int32_t mixed = *w++;
        int32_t first = dsp_sxtb16(mixed);
        for (uint32_t p = 0; p < 4U; p++) {
            a->mixed[p] = dsp_smlad(mixed, *x, a->mixed[p]);
            a->first[p] = dsp_smlad(first, *x++, a->first[p]);
        }
    }
}

static void plain_tile(tile_t *a, const int32_t *w, const int32_t *x, uint32_t k_pairs,
                       uint32_t pixels) {
    for (uint32_t k = 0; k < k_pairs; k += 2U) {
        int32_t first_even = dsp_sxtb16(w[0]);
        int32_t first_odd = dsp_sxtb16_odd(w[0]);
        int32_t second_even = dsp_sxtb16(w[1]);
        int32_t second_odd = dsp_sxtb16_odd(w[1]);
        for (uint32_t p = 0; p < pixels; p++) {
            int32_t even = x[p];
            int32_t odd = x[pixels + p];
            a->first[p] = dsp_smlad(first_even, even, dsp_smlad(first_odd, odd, a->first[p]));
            a->mixed[p] = dsp_smlad(second_even, even, dsp_smlad(second_odd, odd, a->mixed[p]));
        }
        w += 2;
        x += 2U * pixels;
    }
}

/* Modes that are rare: any number of pixels, both channels. */
static __attribute__((noinline)) void store_any(const dsp_gemm_t *g, const tile_t *a,
                                                const dsp_scale_t *scale, int8_t *out,
                                                uint32_t pixels, uint32_t second) {
    for (uint32_t p = 0; p < pixels; p++) {
        out[0] = (int8_t)dsp_requant_any(a->first[p], &scale[0], &g->output);
        if (second != 0U) {
            out[1] = (int8_t)dsp_requant_any(a->mixed[p], &scale[g->output.scale_step], &g->output);
        }
        out += g->channels;
    }
}

/* Layers with plain weights or a rare mode: correct for all, at about twice the cost. */
static __attribute__((noinline)) void gemm_any(const dsp_gemm_t *g, const int32_t *x, int8_t *out,
                                               uint32_t pixels) {
    const int32_t *w = g->stream;
    const dsp_scale_t *scale = g->scales;
    for (uint32_t c = 0; c < g->channels; c += 2U) {
        tile_t a;
        for (uint32_t p = 0; p < pixels; p++) {
            a.mixed[p] = g->fused != 0U ? w[0] : w[1];
            a.first[p] = g->fused != 0U ? w[1] : w[0];
        }
        if (g->fused != 0U) {
            for (uint32_t k = 0; k < g->k_pairs; k++) {
                int32_t first = dsp_sxtb16(w[2U + k]);
                for (uint32_t p = 0; p < pixels; p++) {
                    a.mixed[p] = dsp_smlad(w[2U + k], x[k * pixels + p], a.mixed[p]);
                    a.first[p] = dsp_smlad(first, x[k * pixels + p], a.first[p]);
                }
            }
            for (uint32_t p = 0; p < pixels; p++) {
                a.mixed[p] = dsp_wrap_sub(a.mixed[p], a.first[p]) >> 8;
            }
        } else {
            plain_tile(&a, w + 2, x, g->k_pairs, pixels);
        }
        store_any(g, &a, scale, out + c, pixels, g->channels - c > 1U ? 1U : 0U);
        w += 2U + g->k_pairs;
        scale += 2U * g->output.scale_step;
    }
}
