#include "winograd4_output.h"

/* The matrix A^T of winograd4.h with its rows divided by 1, 2, 4 and 4, and the products' scale:
 *
 *     y0 = 6 m0 - 4 (m1 + m2) + (m3 + m4)
 *     y1 = -2 (m1 - m2) + (m3 - m4)
 *     y2 = -(m1 + m2) + (m3 + m4)
 *     y3 = -(m1 - m2) + 2 (m3 - m4) + 6 m5
 *
 * The output in row i and column j is 2^(e[i] + e[j]) times the result, e = (0, 1, 2, 2); the
 * factor that takes 576 out puts that in. The product in row 1 and column 1 counts 16 times in
 * every output: the start value goes there. */

#if DSP_NATIVE

/* clang-format off */
/* m0..m5 in r2-r7 to y0..y3 in r6, r2, r4, r3; lr = 6, r8 is free. */
#define TRANSFORM                                                                                  \
    "add    r8, r3, r4\n\t"                                                                        \
    "sub    r3, r3, r4\n\t"                                                                        \
    "add    r4, r5, r6\n\t"                                                                        \
    "sub    r5, r5, r6\n\t"                                                                        \
    "sub    r6, r4, r8, lsl #2\n\t"                                                                \
    "mla    r6, r2, lr, r6\n\t"                                                                    \
    "sub    r2, r5, r3, lsl #1\n\t"                                                                \
    "sub    r4, r4, r8\n\t"                                                                        \
    "rsb    r3, r3, r5, lsl #1\n\t"                                                                \
    "mla    r3, r7, lr, r3\n\t"

/* Column x of the products, r0, to column x of the intermediates, sp. */
#define COLUMN(x, START)                                                                           \
    "ldr    r2, [r0, #32 * " x "]\n\t"                                                             \
    "ldr    r3, [r0, #32 * " x " + 192]\n\t"                                                       \
    "ldr    r4, [r0, #32 * " x " + 384]\n\t"                                                       \
    "ldr    r5, [r0, #32 * " x " + 576]\n\t"                                                       \
    "ldr    r6, [r0, #32 * " x " + 768]\n\t"                                                       \
    "ldr    r7, [r0, #32 * " x " + 960]\n\t"                                                       \
    START TRANSFORM                                                                                \
    "str    r6, [sp, #4 * " x "]\n\t"                                                              \
    "str    r2, [sp, #4 * " x " + 24]\n\t"                                                         \
    "str    r4, [sp, #4 * " x " + 48]\n\t"                                                         \
    "str    r3, [sp, #4 * " x " + 72]\n\t"

/* r10 multiplier, r11 offset, r12 unit. */
#define FLOOR(y, factor)                                                                           \
    "mul    " y ", " factor "\n\t"                                                                 \
    "smmla  " y ", " y ", r10, r11\n\t"                                                            \
    "ssat   " y ", #8, " y ", asr #17\n\t"
#define SIGN(y, factor)                                                                            \
    "mul    " y ", " factor "\n\t"                                                                 \
    "and    r5, r12, " y ", asr #31\n\t"                                                           \
    "sub    r5, r11, r5\n\t"                                                                       \
    "smmla  " y ", " y ", r10, r5\n\t"                                                             \
    "ssat   " y ", #8, " y ", asr #17\n\t"

/* A row of outputs. r0 intermediates, r1 out, r9 the row's factor. */
#define ROW(QUANTISE)                                                                              \
    "ldmia  r0!, {r2-r7}\n\t"                                                                      \
    TRANSFORM                                                                                      \
    "lsl    r7, r9, #1\n\t"                                                                        \
    "lsl    r8, r9, #2\n\t"                                                                        \
    QUANTISE("r6", "r9")                                                                           \
    QUANTISE("r2", "r7")                                                                           \
    QUANTISE("r4", "r8")                                                                           \
    QUANTISE("r3", "r8")                                                                           \
    "ldrd   r5, r7, [sp, #96]\n\t"                                                                 \
    "strb   r6, [r1]\n\t"                                                                          \
    "strb   r2, [r1, r5]\n\t"                                                                      \
    "strb   r4, [r1, r5, lsl #1]\n\t"                                                              \
    "add    r5, r5, r5, lsl #1\n\t"                                                                \
    "strb   r3, [r1, r5]\n\t"                                                                      \
    "add    r1, r7\n\t"

/* r0 m, r1 scale, r2 out, r3 step and row. */
#define STORE(QUANTISE)                                                                            \
    "push   {r4-r11, lr}\n\t"                                                                      \
    "ldrd   r4, r5, [r3]\n\t"                                                                      \
    "sub    sp, #104\n\t"                                                                          \
    "ldmia  r1, {r8-r12}\n\t"                                                                      \
    "strd   r4, r5, [sp, #96]\n\t"                                                                 \
    "mov    r1, r2\n\t"                                                                            \
    "movs   lr, #6\n\t"                                                                            \
    COLUMN("1", "add r3, r8\n\t")                                                                  \
    COLUMN("0", "") COLUMN("2", "") COLUMN("3", "") COLUMN("4", "") COLUMN("5", "")                \
    "mov    r0, sp\n\t"                                                                            \
    ROW(QUANTISE)                                                                                  \
    "lsl    r9, #1\n\t"                                                                            \
    ROW(QUANTISE)                                                                                  \
    "lsl    r9, #1\n\t"                                                                            \
    ROW(QUANTISE)                                                                                  \
    ROW(QUANTISE)                                                                                  \
    "add    sp, #104\n\t"                                                                          \
    "pop    {r4-r11, pc}\n\t"
/* clang-format on */

__attribute__((naked)) void dsp_winograd4_store_floor(const int32_t *m __attribute__((unused)),
                                                      const dsp_winograd4_scale_t *scale
                                                      __attribute__((unused)),
                                                      int8_t *out __attribute__((unused)),
                                                      const uint32_t step_row[2]
                                                      __attribute__((unused)))
{
    __asm__ volatile(STORE(FLOOR));
}

__attribute__((naked)) void dsp_winograd4_store_sign(const int32_t *m __attribute__((unused)),
                                                     const dsp_winograd4_scale_t *scale
                                                     __attribute__((unused)),
                                                     int8_t *out __attribute__((unused)),
                                                     const uint32_t step_row[2]
                                                     __attribute__((unused)))
{
    __asm__ volatile(STORE(SIGN));
}

#else

/* Modulo 2^32. */
static void transform(const uint32_t m[6], uint32_t *y, uint32_t step)
{
    const uint32_t a = m[1] + m[2], b = m[1] - m[2];
    const uint32_t c = m[3] + m[4], d = m[3] - m[4];
    y[0] = 6U * m[0] - 4U * a + c;
    y[step] = d - 2U * b;
    y[2U * step] = c - a;
    y[3U * step] = 2U * d - b + 6U * m[5];
}

static void store(const int32_t *m, const dsp_winograd4_scale_t *scale, int8_t *out,
                  const uint32_t step_row[2], uint32_t sign)
{
    static const uint8_t shift[4] = {0U, 1U, 2U, 2U};
    uint32_t across[4][6];
    for (uint32_t x = 0; x < 6U; x++) {
        uint32_t column[6];
        for (uint32_t i = 0; i < 6U; i++) {
            column[i] = (uint32_t)m[48U * i + 8U * x];
        }
        column[1] += x == 1U ? (uint32_t)scale->start : 0U;
        transform(column, &across[0][x], 6U);
    }
    for (uint32_t i = 0; i < 4U; i++) {
        uint32_t y[4];
        transform(across[i], y, 1U);
        for (uint32_t j = 0; j < 4U; j++) {
            const int32_t acc = (int32_t)(y[j] * ((uint32_t)scale->shift << (shift[i] + shift[j])));
            const int32_t unit = sign != 0U ? scale->unit & (acc >> 31) : 0;
            out[j * step_row[0]] = (int8_t)dsp_ssat8_asr(
                dsp_smmla(acc, scale->multiplier, scale->offset - unit), DSP_WINOGRAD4_FRACTION);
        }
        out += step_row[1];
    }
}

void dsp_winograd4_store_floor(const int32_t *m, const dsp_winograd4_scale_t *scale, int8_t *out,
                               const uint32_t step_row[2])
{
    store(m, scale, out, step_row, 0U);
}

void dsp_winograd4_store_sign(const int32_t *m, const dsp_winograd4_scale_t *scale, int8_t *out,
                              const uint32_t step_row[2])
{
    store(m, scale, out, step_row, 1U);
}

#endif
