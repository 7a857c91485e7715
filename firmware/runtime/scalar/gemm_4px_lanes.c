/* Four pixels by four channels, two pixels to a multiplication.
 *
 * A word holds two pixels 16 bits apart: x0 + 2^16 x1. Times a weight it is two products of 16
 * bits; the sum P of two such, k and k+1, still has |x0 w + x0' w'| < 2^15 in its low half (the
 * packer makes sure). With 2^15 added, so that the low half never borrows,
 *     R = sum of all P, modulo 2^32,    T = sum of all P >> 16,
 * T is pixel 1's sum and R - 2^16 T is pixel 0's, more by 2^15 per P: the bias knows.
 *
 * Words: per k, even K, the pixels (0,1), then (2,3). Weights: int8, per four channels per k
 * four bytes. */
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

/* Sums of one channel: pixels 0 and 1, pixels 2 and 3. */
typedef struct {
    uint32_t r0;
    int32_t t0;
    uint32_t r1;
    int32_t t1;
} lanes_t;

/* Without optimisation s0 is the frame pointer. */
#if defined(__riscv_mul) && !defined(__riscv_32e) && defined(__OPTIMIZE__)

/* Two k of one channel; a0 pixels, a1 weights, a3 2^15. */
#define PRODUCTS(w, next, r0, t0, r1, t1)                                                          \
    "lb t4, " #w "(a1)\n\t"                                                                        \
    "lb t5, " #next "(a1)\n\t"                                                                     \
    "mul t6, t0, t4\n\t"                                                                           \
    "mul a4, t2, t5\n\t"                                                                           \
    "add t6, t6, a4\n\t"                                                                           \
    "add t6, t6, a3\n\t"                                                                           \
    "add " #r0 ", " #r0 ", t6\n\t"                                                                 \
    "srai t6, t6, 16\n\t"                                                                          \
    "add " #t0 ", " #t0 ", t6\n\t"                                                                 \
    "mul t4, t1, t4\n\t"                                                                           \
    "mul t5, t3, t5\n\t"                                                                           \
    "add t4, t4, t5\n\t"                                                                           \
    "add t4, t4, a3\n\t"                                                                           \
    "add " #r1 ", " #r1 ", t4\n\t"                                                                 \
    "srai t4, t4, 16\n\t"                                                                          \
    "add " #t1 ", " #t1 ", t4\n\t"
#define PIXELS(a, b, c, d)                                                                         \
    "lw t0, " #a "(a0)\n\t"                                                                        \
    "lw t1, " #b "(a0)\n\t"                                                                        \
    "lw t2, " #c "(a0)\n\t"                                                                        \
    "lw t3, " #d "(a0)\n\t"

/* Takes 28 registers: GCC spills in the C below and needs 2.7 instructions a MAC, this 2.16.
 * Two k of four channels are 68 instructions; the loop has two of them. */
SCALAR_INLINE void multiply_four(const int32_t *x, const int8_t *w, const int32_t *end,
                                 lanes_t *lanes)
{
    register const int32_t *a0 __asm__("a0") = x;
    register const int8_t *a1 __asm__("a1") = w;
    register const int32_t *a2 __asm__("a2") = end;
    lanes_t *const place = lanes;
    __asm__ volatile(
        "li s0, 0\n\tli s1, 0\n\tli s2, 0\n\tli s3, 0\n\tli s4, 0\n\tli s5, 0\n\t"
        "li s6, 0\n\tli s7, 0\n\tli s8, 0\n\tli s9, 0\n\tli s10, 0\n\tli s11, 0\n\t"
        "li a5, 0\n\tli a6, 0\n\tli a7, 0\n\tli ra, 0\n\t"
        "lui a3, 8\n\t"
        "sub t0, a2, a0\n\t"
        "andi t0, t0, 16\n\t"
        "beqz t0, 1f\n\t"
        "addi a0, a0, -16\n\t"
        "addi a1, a1, -8\n\t"
        "j 2f\n"
        "1:\n\t" PIXELS(0, 4, 8, 12) PRODUCTS(0, 4, s0, s1, s2, s3) PRODUCTS(1, 5, s4, s5, s6, s7)
            PRODUCTS(2, 6, s8, s9, s10, s11) PRODUCTS(3, 7, a5, a6, a7, ra) "2:\n\t" PIXELS(
                16, 20, 24, 28) PRODUCTS(8, 12, s0, s1, s2, s3) PRODUCTS(9, 13, s4, s5, s6, s7)
                PRODUCTS(10, 14, s8, s9, s10, s11) PRODUCTS(
                    11, 15, a5, a6, a7,
                    ra) "addi a0, a0, 32\n\t"
                        "addi a1, a1, 16\n\t"
                        "bne a0, a2, 1b\n\t"
                        "lw a3, %[place]\n\t"
                        "sw s0, 0(a3)\n\tsw s1, 4(a3)\n\tsw s2, 8(a3)\n\tsw s3, 12(a3)\n\t"
                        "sw s4, 16(a3)\n\tsw s5, 20(a3)\n\tsw s6, 24(a3)\n\tsw s7, 28(a3)\n\t"
                        "sw s8, 32(a3)\n\tsw s9, 36(a3)\n\tsw s10, 40(a3)\n\tsw s11, 44(a3)\n\t"
                        "sw a5, 48(a3)\n\tsw a6, 52(a3)\n\tsw a7, 56(a3)\n\tsw ra, 60(a3)\n\t"
        : "+r"(a0), "+r"(a1)
        : "r"(a2), [place] "m"(place)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "s0", "s1", "s2", "s3", "s4", "s5", "s6",
          "s7", "s8", "s9", "s10", "s11", "a3", "a4", "a5", "a6", "a7", "memory");
}

#else

/* Sums of four channels. */
static void multiply_four(const int32_t *x, const int8_t *w, const int32_t *end, lanes_t *lanes)
{
    for (uint32_t c = 0; c < 4U; c++) {
        const int8_t *at = w + c;
        lanes_t sum = {0};
        for (const int32_t *pixels = x; pixels != end; pixels += 4) {
            const uint32_t p0 = times(pixels[0], at[0]) + times(pixels[2], at[4]) + HALF;
            const uint32_t p1 = times(pixels[1], at[0]) + times(pixels[3], at[4]) + HALF;
            sum.r0 += p0, sum.t0 += upper(p0);
            sum.r1 += p1, sum.t1 += upper(p1);
            at += 8;
        }
        lanes[c] = sum;
    }
}

#endif

static void multiply(const scalar_gemm_t *gemm, const int32_t *x, int8_t *const *out)
{
    scalar_writer_t writer = scalar_writer(gemm);
    const int8_t *w = gemm->weights;
    const int32_t *bias = gemm->bias;
    const uint32_t pairs = (gemm->k + 1U) / 2U;
    const int32_t surplus = (int32_t)(pairs * HALF);
    for (uint32_t left = gemm->channels; left > 0U;) {
        const uint32_t count = left < 4U ? left : 4U;
        lanes_t lanes[4];
        multiply_four(x, w, x + 4U * pairs, lanes);
        w += 8U * pairs;
        left -= count;
        for (const lanes_t *l = lanes; l != lanes + count; l++) {
            const int32_t b = *bias++, low = scalar_add(b, -surplus);
            const int32_t sums[4] = {scalar_add(lower(l->r0, l->t0), low), scalar_add(l->t0, b),
                                     scalar_add(lower(l->r1, l->t1), low), scalar_add(l->t1, b)};
            scalar_write_4px(&writer, sums, out);
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
    if (k % 2U != 0U) {
        x[0] = 0;
        x[1] = 0;
    }
}

const scalar_tile_t scalar_tile_4px_lanes = {4U, pack, multiply};
