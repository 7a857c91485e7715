/* One pixel by four channels, two channels to a multiplication.
 *
 * A word of weights holds channels a and b at k and k+1, with v = w + 128:
 *     v_a(k) | w_b(k+1) << 8 | v_a(k+1) << 16 | w_b(k) << 24
 * Masked with 0xFF0000FF it is v_a + 2^24 w_b at k, rotated by 16 and masked the same at k+1.
 * Times x, summed in 64 bits, that is the sum of a in the low 24 bits and of b above, less a
 * borrow. |v_a x| <= 2^15, so K is taken in segments of 256. Channel a's sum has 128 times the
 * sum of x too much.
 *
 * Words of the pixel: x(0), x(1), ... to an even K, then 128 times their sum.
 * Weights: per four channels, per two k, a word of channels 0 and 1 and one of 2 and 3. */
#include "gemm.h"

#define SEGMENT 256U
#define MASK    0xFF0000FFU

#define STEP                                                                                       \
    "ldmia %[w]!, {r2, r3}\n\t"                                                                    \
    "ldmia %[x]!, {r4, r5}\n\t"                                                                    \
    "and r6, %[mask], r2\n\t"                                                                      \
    "smlal %Q[a], %R[a], r6, r4\n\t"                                                               \
    "and r2, %[mask], r2, ror #16\n\t"                                                             \
    "smlal %Q[a], %R[a], r2, r5\n\t"                                                               \
    "and r6, %[mask], r3\n\t"                                                                      \
    "smlal %Q[b], %R[b], r6, r4\n\t"                                                               \
    "and r3, %[mask], r3, ror #16\n\t"                                                             \
    "smlal %Q[b], %R[b], r3, r5\n\t"

/* Adds the two sums of an accumulator to sums[0] and sums[1]. */
static inline void split(int64_t acc, int32_t *sums)
{
    const uint32_t low = (uint32_t)acc;
    const uint32_t high = (uint32_t)((uint64_t)acc >> 32);
    const int32_t first = (int32_t)(low << 8) >> 8;
    sums[0] = scalar_add(sums[0], first);
    sums[1] = scalar_add(sums[1], (int32_t)((high << 8 | low >> 24) + ((uint32_t)first >> 31)));
}

/* k: even. Adds to sums[0..3]. */
static inline void multiply_segment(const int32_t *x, const uint32_t *w, uint32_t k, int32_t *sums)
{
    int64_t acc[2] = {0, 0};
#if defined(__ARM_ARCH_7M__) && defined(__OPTIMIZE__)
    /* 10 instructions for 8 MACs. */
    const uint32_t *end = w + (k & ~7U);
    __asm__("cmp %[w], %[end]\n\t"
            "beq 2f\n"
            "1:\n\t" STEP STEP STEP STEP "cmp %[w], %[end]\n\t"
            "bne 1b\n"
            "2:\n\t"
            : [x] "+r"(x), [w] "+r"(w), [a] "+r"(acc[0]), [b] "+r"(acc[1])
            : [end] "r"(end), [mask] "r"(MASK)
            : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
    k &= 7U;
#endif
    for (; k > 0U; k -= 2U) {
        for (uint32_t i = 0; i < 2U; i++) {
            acc[i] += (int64_t)(int32_t)(w[i] & MASK) * x[0];
            acc[i] += (int64_t)(int32_t)((w[i] >> 16 | w[i] << 16) & MASK) * x[1];
        }
        x += 2;
        w += 2;
    }
    split(acc[0], sums);
    split(acc[1], sums + 2);
}

static void multiply(const scalar_gemm_t *gemm, const int32_t *x, int8_t *const *out)
{
    scalar_writer_t writer = scalar_writer(gemm);
    int8_t *to = out[0];
    const uint32_t *w = gemm->weights;
    const uint32_t k = (gemm->k + 1U) & ~1U;
    const int32_t surplus = x[k];
    for (uint32_t c = 0; c < gemm->channels; c += 4U) {
        const int32_t *b = gemm->bias + c;
        int32_t sums[4] = {scalar_add(b[0], -surplus), b[1], scalar_add(b[2], -surplus), b[3]};
        for (uint32_t done = 0; done < k; done += SEGMENT) {
            const uint32_t part = k - done < SEGMENT ? k - done : SEGMENT;
            multiply_segment(x + done, w, part, sums);
            w += part;
        }
        const uint32_t left = gemm->channels - c;
        for (uint32_t i = 0; i < 4U && i < left; i++) {
            scalar_write_1px(&writer, sums[i], to++);
        }
    }
}

static void pack(int32_t *x, const int8_t *const *pixels, uint32_t k)
{
    const int8_t *a = pixels[0];
    const int8_t *end = a + k;
    int32_t sum = 0;
    while (a != end) {
        const int32_t value = *a++;
        *x++ = value;
        sum += value;
    }
    if (k % 2U != 0U) {
        *x++ = 0;
    }
    *x = sum * 128;
}

const scalar_tile_t scalar_tile_1px_wide = {1U, pack, multiply};
