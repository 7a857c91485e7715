/* One pixel by four channels, two channels to a multiplication.
 *
 * A word of weights holds channels a and b at k and k+1, with v = w + 128:
 *     S = v_a(k) | v_a(k+1) << 8 | v_b(k) << 16 | v_b(k+1) << 24
 * With V = (S >> 8) & 0x00FF00FF, the lanes at k+1, S = U + 256 V has those at k in U, and
 *     U x + V x' = S x + V y,  y = x' - 256 x,
 * modulo 2^32, so that U needs no instruction. Adding z = 2^15 - 128 * 65537 * (x + x') turns v
 * into w in both lanes and keeps the low one from borrowing:
 *     P = S x + V y + z = (w_a x + w_a' x' + 2^15) + 2^16 (w_b x + w_b' x')
 * where |w x + w' x'| < 2^15 (the packer makes sure). Then, as in gemm_4px_lanes,
 *     R = sum of all P, modulo 2^32,    T = sum of all P >> 16,
 * T is b's sum and R - 2^16 T is a's, more by 2^15 per P.
 *
 * Words of the pixel: x, y, z for every two k.
 * Weights: per four channels, per two k, a word of channels 0 and 1 and one of 2 and 3. */
#include "gemm.h"

#define HALF 0x8000U
#define MASK 0x00FF00FFU

typedef struct {
    uint32_t r[2];
    int32_t t[2];
} lanes_t;

#if SCALAR_MULTIPLY_BY_PIECES

/* r2 pixel, r6 weights, r7 mask; r3 to r5 hold x, y, z. */
#define PAIR(r, t)                                                                                 \
    "ldmia r6!, {r0}\n\t"                                                                          \
    "lsrs r1, r0, #8\n\t"                                                                          \
    "ands r1, r7\n\t"                                                                              \
    "muls r0, r3, r0\n\t"                                                                          \
    "muls r1, r4, r1\n\t"                                                                          \
    "adds r0, r0, r1\n\t"                                                                          \
    "adds r0, r0, r5\n\t"                                                                          \
    "add " r ", r0\n\t"                                                                            \
    "asrs r0, r0, #16\n\t"                                                                         \
    "add " t ", r0\n\t"
#define STEP "ldmia r2!, {r3, r4, r5}\n\t" PAIR("r8", "r9") PAIR("r10", "r11")

/* 21 instructions for 8 MACs; GCC needs 4.5 a MAC for the C below, as it keeps sums in memory.
 * All low registers are taken, so it is a function of its own. */
static __attribute__((naked, noinline)) const uint32_t *
multiply_four(const int32_t *x __attribute__((unused)), const int32_t *end __attribute__((unused)),
              const uint32_t *w __attribute__((unused)), lanes_t *lanes __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5, r6, r7, lr}\n\t"
                     "mov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t"
                     "push {r3, r4, r5, r6, r7}\n\t"
                     "mov r12, r1\n\t"
                     "mov r6, r2\n\t"
                     "mov r2, r0\n\t"
                     "movs r7, #255\n\t" /* the mask */
                     "lsls r0, r7, #16\n\t"
                     "orrs r7, r0\n\t"
                     "movs r0, #0\n\t"
                     "mov r8, r0\n\tmov r9, r0\n\tmov r10, r0\n\tmov r11, r0\n"
                     "1:\n\t" STEP "cmp r2, r12\n\t"
                     "beq 2f\n\t" STEP "cmp r2, r12\n\t"
                     "bne 1b\n"
                     "2:\n\t"
                     "pop {r0}\n\t"
                     "mov r1, r8\n\tmov r2, r10\n\tmov r3, r9\n\tmov r4, r11\n\t"
                     "stmia r0!, {r1, r2, r3, r4}\n\t"
                     "mov r0, r6\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"
                     "pop {r4, r5, r6, r7, pc}\n\t");
}

#else

static inline const uint32_t *multiply_four(const int32_t *x, const int32_t *end, const uint32_t *w,
                                            lanes_t *lanes)
{
    uint32_t r0 = 0, r1 = 0;
    int32_t t0 = 0, t1 = 0;
    do {
        const uint32_t a = (uint32_t)x[0], b = (uint32_t)x[1], z = (uint32_t)x[2];
        const uint32_t s0 = w[0], s1 = w[1];
        const uint32_t p0 = s0 * a + ((s0 >> 8) & MASK) * b + z;
        const uint32_t p1 = s1 * a + ((s1 >> 8) & MASK) * b + z;
        r0 += p0, t0 += (int32_t)p0 >> 16;
        r1 += p1, t1 += (int32_t)p1 >> 16;
        x += 3;
        w += 2;
    } while (x != end);
    lanes->r[0] = r0, lanes->r[1] = r1;
    lanes->t[0] = t0, lanes->t[1] = t1;
    return w;
}

#endif

/* The sum of the low halves. */
static inline int32_t lower(uint32_t r, int32_t t)
{
    return (int32_t)(r - ((uint32_t)t << 16));
}

static void multiply(const scalar_gemm_t *gemm, const int32_t *x, int8_t *const *out)
{
    scalar_writer_t writer = scalar_writer(gemm);
    int8_t *to = out[0];
    const uint32_t *w = gemm->weights;
    const uint32_t pairs = (gemm->k + 1U) / 2U;
    const int32_t surplus = (int32_t)(pairs * HALF);
    for (uint32_t c = 0; c < gemm->channels; c += 4U) {
        lanes_t lanes;
        w = multiply_four(x, x + 3U * pairs, w, &lanes);
        const int32_t *b = gemm->bias + c;
        const int32_t sums[4] = {
            scalar_add(lower(lanes.r[0], lanes.t[0]), scalar_add(b[0], -surplus)),
            scalar_add(lanes.t[0], b[1]),
            scalar_add(lower(lanes.r[1], lanes.t[1]), scalar_add(b[2], -surplus)),
            scalar_add(lanes.t[1], b[3])};
        const uint32_t left = gemm->channels - c;
        for (uint32_t i = 0; i < 4U && i < left; i++) {
            scalar_write_1px(&writer, sums[i], to++);
        }
    }
}

static void pack(int32_t *x, const int8_t *const *pixels, uint32_t k)
{
    const int8_t *a = pixels[0];
    for (; k > 0U; k -= k > 1U ? 2U : 1U) {
        const int32_t first = a[0];
        const int32_t second = k > 1U ? a[1] : 0;
        const uint32_t both = (uint32_t)(first + second) << 7;
        x[0] = first;
        x[1] = second - first * 256;
        x[2] = (int32_t)(HALF - both - (both << 16));
        x += 3;
        a += 2;
    }
}

const scalar_tile_t scalar_tile_1px_lanes = {1U, pack, multiply};
