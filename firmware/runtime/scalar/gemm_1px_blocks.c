/* One pixel by eight channels, two channels to a multiplication, for cores with many registers.
 *
 * As gemm_1px_lanes; but where four products in a row stay inside int16 for all eight channels,
 * as they do where large weights are few, their sum P is taken over four k instead of two, and
 * R and T are added to half as often.
 *
 * Words of the pixel: per four k, with two pairs (x0,x1), (x2,x3), and y, z as there:
 *     x0, y of the first, x2, y of the second, z for all four, z of the first, z of the second
 * Weights: per eight channels a word, 1 where P is taken over four k, else 0; then per four k the
 * words of the four pairs of channels at the first two k, and at the other two. */
#include "gemm.h"

#define HALF     0x8000U
#define MASK     0x00FF00FFU
#define CHANNELS 8U
#define WORDS    7U /* of the pixel, per four k */

typedef struct {
    uint32_t r[CHANNELS / 2U];
    int32_t t[CHANNELS / 2U];
} lanes_t;

SCALAR_INLINE uint32_t two(uint32_t s, uint32_t x, uint32_t y)
{
    return s * x + ((s >> 8) & MASK) * y;
}

static __attribute__((noinline)) void by_four(const uint32_t *x, const uint32_t *end,
                                              const uint32_t *w, lanes_t *lanes)
{
    uint32_t r0 = 0, r1 = 0, r2 = 0, r3 = 0;
    int32_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    while (x != end) {
        const uint32_t a = x[0], b = x[1], c = x[2], d = x[3], z = x[4];
        const uint32_t p0 = two(w[0], a, b) + two(w[4], c, d) + z;
        r0 += p0, t0 += (int32_t)p0 >> 16;
        const uint32_t p1 = two(w[1], a, b) + two(w[5], c, d) + z;
        r1 += p1, t1 += (int32_t)p1 >> 16;
        const uint32_t p2 = two(w[2], a, b) + two(w[6], c, d) + z;
        r2 += p2, t2 += (int32_t)p2 >> 16;
        const uint32_t p3 = two(w[3], a, b) + two(w[7], c, d) + z;
        r3 += p3, t3 += (int32_t)p3 >> 16;
        x += WORDS;
        w += 8;
    }
    lanes->r[0] = r0, lanes->r[1] = r1, lanes->r[2] = r2, lanes->r[3] = r3;
    lanes->t[0] = t0, lanes->t[1] = t1, lanes->t[2] = t2, lanes->t[3] = t3;
}

SCALAR_INLINE void add_two(uint32_t *r, int32_t *t, uint32_t p)
{
    *r += p;
    *t += (int32_t)p >> 16;
}

static __attribute__((noinline)) void by_two(const uint32_t *x, const uint32_t *end,
                                             const uint32_t *w, lanes_t *lanes)
{
    uint32_t r0 = 0, r1 = 0, r2 = 0, r3 = 0;
    int32_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    while (x != end) {
        uint32_t a = x[0], b = x[1], z = x[5];
        add_two(&r0, &t0, two(w[0], a, b) + z);
        add_two(&r1, &t1, two(w[1], a, b) + z);
        add_two(&r2, &t2, two(w[2], a, b) + z);
        add_two(&r3, &t3, two(w[3], a, b) + z);
        a = x[2], b = x[3], z = x[6];
        add_two(&r0, &t0, two(w[4], a, b) + z);
        add_two(&r1, &t1, two(w[5], a, b) + z);
        add_two(&r2, &t2, two(w[6], a, b) + z);
        add_two(&r3, &t3, two(w[7], a, b) + z);
        x += WORDS;
        w += 8;
    }
    lanes->r[0] = r0, lanes->r[1] = r1, lanes->r[2] = r2, lanes->r[3] = r3;
    lanes->t[0] = t0, lanes->t[1] = t1, lanes->t[2] = t2, lanes->t[3] = t3;
}

static void multiply(const scalar_gemm_t *gemm, const int32_t *pixel, int8_t *const *out)
{
    scalar_writer_t writer = scalar_writer(gemm);
    int8_t *to = out[0];
    const uint32_t *w = gemm->weights;
    const int32_t *bias = gemm->bias;
    const uint32_t quads = (gemm->k + 3U) / 4U;
    const uint32_t *const x = (const uint32_t *)pixel;
    for (uint32_t left = gemm->channels; left > 0U;) {
        const uint32_t count = left < CHANNELS ? left : CHANNELS;
        lanes_t lanes;
        int32_t surplus = (int32_t)(quads * HALF);
        if (*w != 0U) {
            by_four(x, x + quads * WORDS, w + 1, &lanes);
        } else {
            by_two(x, x + quads * WORDS, w + 1, &lanes);
            surplus *= 2;
        }
        w += 1U + quads * CHANNELS;
        left -= count;
        for (uint32_t i = 0; i < count; i += 2U) {
            const int32_t t = lanes.t[i / 2U];
            const int32_t low = (int32_t)(lanes.r[i / 2U] - ((uint32_t)t << 16));
            scalar_write_1px(&writer, scalar_add(low, scalar_add(bias[i], -surplus)), to++);
            if (i + 1U < count) {
                scalar_write_1px(&writer, scalar_add(t, bias[i + 1U]), to++);
            }
        }
        bias += count;
    }
}

/* x, y and the z, less 2^15, of two values. */
static inline uint32_t pack_two(int32_t *x, int32_t first, int32_t second)
{
    const uint32_t both = (uint32_t)(first + second) << 7;
    x[0] = first;
    x[1] = second - first * 256;
    return 0U - both - (both << 16);
}

static void pack(int32_t *x, const int8_t *const *pixels, uint32_t k)
{
    const int8_t *a = pixels[0];
    while (k > 0U) {
        const uint32_t first = pack_two(x, a[0], k > 1U ? a[1] : 0);
        const uint32_t second = pack_two(x + 2, k > 2U ? a[2] : 0, k > 3U ? a[3] : 0);
        x[4] = (int32_t)(first + second + HALF);
        x[5] = (int32_t)(first + HALF);
        x[6] = (int32_t)(second + HALF);
        x += WORDS;
        a += 4;
        k -= k < 4U ? k : 4U;
    }
}

const scalar_tile_t scalar_tile_1px_blocks = {1U, pack, multiply};
