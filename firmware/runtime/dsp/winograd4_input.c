#include "winograd4_input.h"

#if DSP_NATIVE

/* clang-format off */
/* B^T of the lanes d0..d5 in r2-r7, in place. r8-r10 are free. */
#define TRANSFORM                                                                                  \
    "ssub16 r8, r6, r4\n\t"                                                                        \
    "ssub16 r9, r5, r3\n\t"                                                                        \
    "ssub16 r2, r2, r4\n\t"                                                                        \
    "sadd16 r3, r3, r3\n\t"                                                                        \
    "sadd16 r4, r4, r4\n\t"                                                                        \
    "sadd16 r2, r2, r2\n\t"                                                                        \
    "sadd16 r3, r3, r3\n\t"                                                                        \
    "sadd16 r4, r4, r4\n\t"                                                                        \
    "sadd16 r2, r2, r2\n\t"                                                                        \
    "ssub16 r10, r5, r3\n\t"                                                                       \
    "ssub16 r4, r6, r4\n\t"                                                                        \
    "sadd16 r2, r2, r8\n\t"                                                                        \
    "ssub16 r7, r7, r5\n\t"                                                                        \
    "sadd16 r9, r9, r9\n\t"                                                                        \
    "sadd16 r3, r4, r10\n\t"                                                                       \
    "ssub16 r4, r4, r10\n\t"                                                                       \
    "sadd16 r5, r8, r9\n\t"                                                                        \
    "ssub16 r6, r8, r9\n\t"                                                                        \
    "sadd16 r9, r9, r9\n\t"                                                                        \
    "ssub16 r7, r7, r9\n\t"

/* r0 rows, r1 step, r2 count, r3 to. */
#define COLUMNS(TURN)                                                                              \
    "push   {r4-r11, lr}\n\t"                                                                      \
    "mov    r11, r3\n\t"                                                                           \
    "mov    lr, r1\n\t"                                                                            \
    "mul    r12, r1, r2\n\t"                                                                       \
    "movs   r1, #0\n"                                                                              \
    "1:\n\t"                                                                                       \
    "ldmia  r0, {r2-r7}\n\t"                                                                       \
    "ldr    r2, [r2, r1]\n\t"                                                                      \
    "ldr    r3, [r3, r1]\n\t"                                                                      \
    "ldr    r4, [r4, r1]\n\t"                                                                      \
    "ldr    r5, [r5, r1]\n\t"                                                                      \
    "ldr    r6, [r6, r1]\n\t"                                                                      \
    "ldr    r7, [r7, r1]\n\t"                                                                      \
    "add    r1, lr\n\t"                                                                            \
    "sxtb16 r2, r2" TURN                                                                           \
    "sxtb16 r3, r3" TURN                                                                           \
    "sxtb16 r4, r4" TURN                                                                           \
    "sxtb16 r5, r5" TURN                                                                           \
    "sxtb16 r6, r6" TURN                                                                           \
    "sxtb16 r7, r7" TURN                                                                           \
    TRANSFORM                                                                                      \
    "cmp    r1, r12\n\t"                                                                           \
    "stmia  r11!, {r2-r7}\n\t"                                                                     \
    "bne    1b\n\t"                                                                                \
    "pop    {r4-r11, pc}\n\t"

/* A row of V. r0: its first column, `at` bytes away; r1: v; r11: 3 * step, r12: step. */
#define ROW(at)                                                                                    \
    "ldr    r2, [r0, #" at "]\n\t"                                                                 \
    "ldr    r3, [r0, #" at " + 24]\n\t"                                                            \
    "ldr    r4, [r0, #" at " + 48]\n\t"                                                            \
    "ldr    r5, [r0, #" at " + 72]\n\t"                                                            \
    "ldr    r6, [r0, #" at " + 96]\n\t"                                                            \
    "ldr    r7, [r0, #" at " + 120]\n\t"                                                           \
    TRANSFORM                                                                                      \
    "str    r2, [r1]\n\t"                                                                          \
    "str    r3, [r1, r12]\n\t"                                                                     \
    "str    r4, [r1, r12, lsl #1]\n\t"                                                             \
    "str    r6, [r1, r12, lsl #2]\n\t"                                                             \
    "add    r1, r11\n\t"                                                                           \
    "str    r5, [r1]\n\t"                                                                          \
    "str    r7, [r1, r12, lsl #1]\n\t"                                                             \
    "add    r1, r11\n\t"
/* clang-format on */

__attribute__((naked)) void dsp_winograd4_columns_even(const int8_t *const rows[6]
                                                       __attribute__((unused)),
                                                       uint32_t step __attribute__((unused)),
                                                       uint32_t count __attribute__((unused)),
                                                       int32_t *to __attribute__((unused)))
{
    __asm__ volatile(COLUMNS("\n\t"));
}

__attribute__((naked)) void dsp_winograd4_columns_odd(const int8_t *const rows[6]
                                                      __attribute__((unused)),
                                                      uint32_t step __attribute__((unused)),
                                                      uint32_t count __attribute__((unused)),
                                                      int32_t *to __attribute__((unused)))
{
    __asm__ volatile(COLUMNS(", ror #8\n\t"));
}

__attribute__((naked)) void dsp_winograd4_rows(const int32_t *columns __attribute__((unused)),
                                               uint32_t step __attribute__((unused)),
                                               uint32_t tiles __attribute__((unused)),
                                               int32_t *v __attribute__((unused)))
{
    /* A tile's rows by two: lr counts down 12, 8, 4 bytes of rows above, tiles above those. */
    __asm__ volatile("push   {r4-r11, lr}\n\t"
                     "lsl    r12, r1, #2\n\t"
                     "add    r11, r12, r12, lsl #1\n\t"
                     "mov    r1, r3\n\t"
                     "push   {r1, r2}\n"
                     "1:\n\t"
                     "movs   lr, #3\n"
                     "2:\n\t" ROW("0") ROW("4") "adds   r0, #8\n\t"
                                                "subs   lr, #1\n\t"
                                                "bne.w  2b\n\t"
                                                "ldrd   r1, r2, [sp]\n\t"
                                                "adds   r0, #72\n\t"
                                                "adds   r1, #4\n\t"
                                                "subs   r2, #1\n\t"
                                                "strd   r1, r2, [sp]\n\t"
                                                "bne.w  1b\n\t"
                                                "add    sp, #8\n\t"
                                                "pop    {r4-r11, pc}\n\t");
}

#else

/* B^T d of one row or column. */
static void transform(const int32_t d[6], int32_t *v, uint32_t step)
{
    const int32_t d31 = dsp_ssub16(d[3], d[1]);
    const int32_t d42 = dsp_ssub16(d[4], d[2]);
    const int32_t twice31 = dsp_sadd16(d31, d31);
    const int32_t twice1 = dsp_sadd16(d[1], d[1]), twice2 = dsp_sadd16(d[2], d[2]);
    const int32_t p = dsp_ssub16(d[4], dsp_sadd16(twice2, twice2));
    const int32_t q = dsp_ssub16(d[3], dsp_sadd16(twice1, twice1));
    const int32_t d02 = dsp_ssub16(d[0], d[2]);
    const int32_t twice02 = dsp_sadd16(d02, d02);
    v[0] = dsp_sadd16(dsp_sadd16(twice02, twice02), d42);
    v[step] = dsp_sadd16(p, q);
    v[2U * step] = dsp_ssub16(p, q);
    v[3U * step] = dsp_sadd16(d42, twice31);
    v[4U * step] = dsp_ssub16(d42, twice31);
    v[5U * step] = dsp_ssub16(dsp_ssub16(d[5], d[3]), dsp_sadd16(twice31, twice31));
}

static void columns(const int8_t *const rows[6], uint32_t odd, uint32_t step, uint32_t count,
                    int32_t *to)
{
    for (uint32_t x = 0; x < count; x++) {
        int32_t d[6];
        for (uint32_t i = 0; i < 6U; i++) {
            const int32_t word = dsp_load4(rows[i] + x * step);
            d[i] = odd != 0U ? dsp_sxtb16_odd(word) : dsp_sxtb16(word);
        }
        transform(d, to + 6U * x, 1U);
    }
}

void dsp_winograd4_columns_even(const int8_t *const rows[6], uint32_t step, uint32_t count,
                                int32_t *to)
{
    columns(rows, 0U, step, count, to);
}

void dsp_winograd4_columns_odd(const int8_t *const rows[6], uint32_t step, uint32_t count,
                               int32_t *to)
{
    columns(rows, 1U, step, count, to);
}

void dsp_winograd4_rows(const int32_t *columns, uint32_t step, uint32_t tiles, int32_t *v)
{
    for (uint32_t t = 0; t < tiles; t++) {
        for (uint32_t i = 0; i < 6U; i++) {
            int32_t d[6];
            for (uint32_t x = 0; x < 6U; x++) {
                d[x] = columns[24U * t + 6U * x + i];
            }
            transform(d, v + 6U * i * step + t, step);
        }
    }
}

#endif
