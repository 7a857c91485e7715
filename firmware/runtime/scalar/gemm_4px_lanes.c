/* Four pixels by two channels, two pixels to a multiplication.
 *
 * A word holds two pixels 16 bits apart: x0 + 2^16 x1. Times a weight it is two products of 16
 * bits; the sum P of two such, k and k+1, still has |x0 w + x0' w'| < 2^15 in its low half (the
 * packer makes sure). With 2^15 added, so that the low half never borrows,
 *     R = sum of all P, modulo 2^32,    T = sum of all P >> 16,
 * T is pixel 1's sum and R - 2^16 T is pixel 0's, more by 2^15 per P: the bias knows.
 *
 * Words: per k, even K, the pixels (0,1), then (2,3). Weights: int8, per two channels per k a pair
 * of bytes. */
#include "gemm.h"

#define HALF 0x8000U

/* Modulo 2^32. */
static inline uint32_t times(int32_t x, int8_t w)
{
    return (uint32_t)x * (uint32_t)(int32_t)w;
}

/* Arithmetic shift; the sum of K/2 of them is far from overflowing. */
static inline int32_t upper(uint32_t p)
{
    return (int32_t)p >> 16;
}

/* The sum of the low halves. */
static inline int32_t lower(uint32_t r, int32_t t)
{
    return (int32_t)(r - ((uint32_t)t << 16));
}

static void multiply(const scalar_gemm_t *gemm, const int32_t *x, int8_t *const *out)
{
    const int8_t *w = gemm->weights;
    const int32_t *const end = x + 2U * ((gemm->k + 1U) & ~1U);
    const int32_t shift = (int32_t)(((gemm->k + 1U) / 2U) * HALF);
    for (uint32_t c = 0; c < gemm->channels; c += 2U) {
        uint32_t r0 = 0, r1 = 0, r2 = 0, r3 = 0;
        int32_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;
        for (const int32_t *at = x; at != end; at += 4) {
            const int32_t a0 = at[0], a1 = at[1], b0 = at[2], b1 = at[3];
            const int8_t u = w[0], v = w[2];
            const uint32_t p0 = times(a0, u) + times(b0, v) + HALF;
            const uint32_t p1 = times(a1, u) + times(b1, v) + HALF;
            const int8_t y = w[1], z = w[3];
            const uint32_t p2 = times(a0, y) + times(b0, z) + HALF;
            const uint32_t p3 = times(a1, y) + times(b1, z) + HALF;
            r0 += p0, t0 += upper(p0);
            r1 += p1, t1 += upper(p1);
            r2 += p2, t2 += upper(p2);
            r3 += p3, t3 += upper(p3);
            w += 4;
        }
        const int32_t b = gemm->bias[c], d = gemm->bias[c + 1U];
        const int32_t first[4] = {lower(r0, t0) + (b - shift), t0 + b, lower(r1, t1) + (b - shift),
                                  t1 + b};
        scalar_store_4px(gemm, c, first, out);
        if (c + 1U < gemm->channels) {
            const int32_t second[4] = {lower(r2, t2) + (d - shift), t2 + d,
                                       lower(r3, t3) + (d - shift), t3 + d};
            scalar_store_4px(gemm, c + 1U, second, out);
        }
    }
}

static inline int32_t join(int32_t first, int32_t second)
{
    return (int32_t)((uint32_t)first + ((uint32_t)second << 16));
}

static void pack(int32_t *x, const int8_t *const *pixels, uint32_t k)
{
    const int8_t *a = pixels[0], *b = pixels[1], *c = pixels[2], *d = pixels[3];
    const int8_t *end = a + k;
    while (a != end) {
        x[0] = join(*a++, *b++);
        x[1] = join(*c++, *d++);
        x += 2;
    }
    if (k % 2U != 0U) {
        x[0] = 0;
        x[1] = 0;
    }
}

const scalar_tile_t scalar_tile_4px_lanes = {4U, pack, multiply};
