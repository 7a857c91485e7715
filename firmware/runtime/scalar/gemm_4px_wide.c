/* Four pixels by two channels, two pixels to a multiplication.
 *
 * A word holds two pixels 23 bits apart: x0 + 2^23 x1. Times a weight, and summed in 64 bits,
 * that is the sum for pixel 0 in the low 23 bits and for pixel 1 above, less a borrow where the
 * low sum is negative. The low one must stay inside 23 bits: |sum| <= 2^14 K < 2^22, so K is
 * taken in segments.
 *
 * Words: per k the pixels (0,1), then (2,3). Weights: int8, per two channels K pairs of bytes. */
#include "gemm.h"

#define SEGMENT 248U /* < 256, and a multiple of the unrolled loop's 8 */

/* Adds the two sums of an accumulator to sums[0] and sums[1]. */
static inline void split(int64_t acc, int32_t *sums)
{
    const uint32_t low = (uint32_t)acc;
    const uint32_t high = (uint32_t)((uint64_t)acc >> 32);
    const int32_t first = (int32_t)(low << 9) >> 9;
    sums[0] = scalar_add(sums[0], first);
    sums[1] = scalar_add(sums[1], (int32_t)((high << 9 | low >> 23) + ((uint32_t)first >> 31)));
}

/* sums[0..3]: pixels of the first channel, sums[4..7]: of the second. Adds to them. */
static inline void multiply_segment(const int32_t *x, const int8_t *w, uint32_t k, int32_t *sums)
{
    int64_t acc[4] = {0, 0, 0, 0};
#if defined(__ARM_ARCH_7M__) && defined(__OPTIMIZE__)
#define STEP                                                                                       \
    "ldmia %[x]!, {r4, r5}\n\t"                                                                    \
    "ldrsb r6, [%[w]], #1\n\t"                                                                     \
    "smlal %Q[a], %R[a], r4, r6\n\t"                                                               \
    "smlal %Q[b], %R[b], r5, r6\n\t"                                                               \
    "ldrsb r6, [%[w]], #1\n\t"                                                                     \
    "smlal %Q[c], %R[c], r4, r6\n\t"                                                               \
    "smlal %Q[d], %R[d], r5, r6\n\t"
    /* 7 instructions for 8 MACs; GCC's own code for the C below keeps spilling: 1.5 a MAC. */
    const int8_t *end = w + 2U * (k & ~7U);
    __asm__("cmp %[w], %[end]\n\t"
            "beq 2f\n"
            "1:\n\t" STEP STEP STEP STEP STEP STEP STEP STEP "cmp %[w], %[end]\n\t"
            "bne 1b\n"
            "2:\n\t"
            : [x] "+r"(x), [w] "+r"(w), [a] "+r"(acc[0]), [b] "+r"(acc[1]), [c] "+r"(acc[2]),
              [d] "+r"(acc[3])
            : [end] "r"(end)
            : "r4", "r5", "r6", "cc", "memory");
    k &= 7U;
#endif
    for (; k > 0U; k--) {
        acc[0] += (int64_t)x[0] * w[0];
        acc[1] += (int64_t)x[1] * w[0];
        acc[2] += (int64_t)x[0] * w[1];
        acc[3] += (int64_t)x[1] * w[1];
        x += 2;
        w += 2;
    }
    split(acc[0], sums);
    split(acc[1], sums + 2);
    split(acc[2], sums + 4);
    split(acc[3], sums + 6);
}

static void multiply(const scalar_gemm_t *gemm, const int32_t *x, int8_t *const *out)
{
    scalar_writer_t writer = scalar_writer(gemm);
    const int8_t *w = gemm->weights;
    const int32_t *bias = gemm->bias;
    const uint32_t k = gemm->k;
    for (uint32_t left = gemm->channels; left > 0U; left -= left > 1U ? 2U : 1U) {
        const int32_t b = bias[0], d = bias[1];
        int32_t sums[8];
        sums[0] = b, sums[1] = b, sums[2] = b, sums[3] = b;
        sums[4] = d, sums[5] = d, sums[6] = d, sums[7] = d;
        bias += 2;
        for (uint32_t done = 0; done < k; done += SEGMENT) {
            const uint32_t part = k - done < SEGMENT ? k - done : SEGMENT;
            multiply_segment(x + 2U * done, w, part, sums);
            w += 2U * part;
        }
        scalar_write_4px(&writer, sums, out);
        if (left > 1U) {
            scalar_write_4px(&writer, sums + 4, out);
        }
    }
}

static inline int32_t join(int32_t first, int32_t second)
{
    return (int32_t)((uint32_t)first + ((uint32_t)second << 23));
}

static void pack(int32_t *x, const int8_t *const *pixels, uint32_t k)
{
    const int8_t *a = pixels[0], *b = pixels[1], *c = pixels[2], *d = pixels[3];
    const int8_t *const end = a + k;
    const int8_t *const whole = a + (k & ~3U);
    while (a != whole) {
        x[0] = join(a[0], b[0]);
        x[1] = join(c[0], d[0]);
        x[2] = join(a[1], b[1]);
        x[3] = join(c[1], d[1]);
        x[4] = join(a[2], b[2]);
        x[5] = join(c[2], d[2]);
        x[6] = join(a[3], b[3]);
        x[7] = join(c[3], d[3]);
        x += 8;
        a += 4, b += 4, c += 4, d += 4;
    }
    while (a != end) {
        x[0] = join(*a++, *b++);
        x[1] = join(*c++, *d++);
        x += 2;
    }
}

const scalar_tile_t scalar_tile_4px_wide = {4U, pack, multiply};
