/* The tiles of 4 channels x 2 pixels and 4 x 1; each mode of gemm.h is a file of its own.
 *
 * In assembly: eight sums take all registers that VMLADAV may add to, so the compiler would spill
 * them. Numeric labels may be repeated, as the compiler repeats the code. */
#ifndef MVE_GEMM_TILE_H
#define MVE_GEMM_TILE_H

/* Without optimisation GCC keeps a register for the frame, which the assembly needs. */
#pragma GCC optimize("O2")

#include "gemm.h"

/* Kept in memory, where registers are short. */
typedef struct {
    uint32_t chunks;
    const int8_t *x; /* two pixels */
    const int8_t *y;
} mve_pair_t;

/* Four channels for two pixels; returns the stream beyond the weights. */
MVE_INLINE const int32_t *mve_dot_4x2(const int32_t *s, const mve_pair_t *pair, int32x4_t sums[2])
{
    int32x4_t f, g;
    int32_t a0, a1, a2, a3, b0, b1, b2, b3;
    uint32_t n;
    const int8_t *p;
    const int8_t *q;
    __asm__ volatile(
        "ldr %[n], %[chunks]\n\t"
        "ldr %[p], %[x]\n\t"
        "ldr %[q], %[y]\n\t"
        "ldrd %[a0], %[a1], [%[s]], #8\n\t"
        "ldrd %[a2], %[a3], [%[s]], #8\n\t"
        "mov %[b0], %[a0]\n\t"
        "mov %[b1], %[a1]\n\t"
        "mov %[b2], %[a2]\n\t"
        "mov %[b3], %[a3]\n"
        "1:\n\t"
        "vldrb.8 %q[f], [%[p]], #16\n\t"
        "vldrb.8 q2, [%[s]], #16\n\t"
        "vmladava.s8 %[a0], %q[f], q2\n\t"
        "vldrb.8 %q[g], [%[q]], #16\n\t"
        "vmladava.s8 %[b0], %q[g], q2\n\t"
        "vldrb.8 q3, [%[s]], #16\n\t"
        "vmladava.s8 %[a1], %q[f], q3\n\t"
        "vldrb.8 q2, [%[s]], #16\n\t"
        "vmladava.s8 %[b1], %q[g], q3\n\t"
        "vmladava.s8 %[a2], %q[f], q2\n\t"
        "vldrb.8 q3, [%[s]], #16\n\t"
        "vmladava.s8 %[b2], %q[g], q2\n\t"
        "vmladava.s8 %[a3], %q[f], q3\n\t"
        "subs %[n], %[n], #1\n\t"
        "vmladava.s8 %[b3], %q[g], q3\n\t"
        "bne 1b\n\t"
        "vmov %q[f][2], %q[f][0], %[a0], %[a2]\n\t"
        "vmov %q[f][3], %q[f][1], %[a1], %[a3]\n\t"
        "vmov %q[g][2], %q[g][0], %[b0], %[b2]\n\t"
        "vmov %q[g][3], %q[g][1], %[b1], %[b3]"
        : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3), [b0] "=&Te"(b0),
          [b1] "=&Te"(b1), [b2] "=&Te"(b2), [b3] "=&Te"(b3), [s] "+&r"(s), [p] "=&r"(p),
          [q] "=&r"(q), [n] "=&r"(n), [f] "=&w"(f), [g] "=&w"(g)
        : [x] "m"(pair->x), [y] "m"(pair->y), [chunks] "m"(pair->chunks)
        : "q2", "q3", "cc", "memory");
    sums[0] = f;
    sums[1] = g;
    return s;
}

MVE_INLINE const int32_t *mve_dot_4x1(const int32_t *s, const int8_t *x, uint32_t chunks,
                                      int32x4_t *sums)
{
    int32x4_t f;
    int32_t a0, a1, a2, a3;
    __asm__ volatile("ldrd %[a0], %[a1], [%[s]], #8\n\t"
                     "ldrd %[a2], %[a3], [%[s]], #8\n\t"
                     "dls lr, %[n]\n"
                     "1:\n\t"
                     "vldrb.8 %q[f], [%[x]], #16\n\t"
                     "vldrb.8 q2, [%[s]], #16\n\t"
                     "vmladava.s8 %[a0], %q[f], q2\n\t"
                     "vldrb.8 q3, [%[s]], #16\n\t"
                     "vmladava.s8 %[a1], %q[f], q3\n\t"
                     "vldrb.8 q2, [%[s]], #16\n\t"
                     "vmladava.s8 %[a2], %q[f], q2\n\t"
                     "vldrb.8 q3, [%[s]], #16\n\t"
                     "vmladava.s8 %[a3], %q[f], q3\n\t"
                     "le lr, 1b\n\t"
                     "vmov %q[f][2], %q[f][0], %[a0], %[a2]\n\t"
                     "vmov %q[f][3], %q[f][1], %[a1], %[a3]"
                     : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3),
                       [s] "+&r"(s), [x] "+&r"(x), [f] "=&w"(f)
                     : [n] "r"(chunks)
                     : "q2", "q3", "lr", "cc", "memory");
    *sums = f;
    return s;
}

/* The first `left` lanes, as bytes; no more than there are. */
MVE_INLINE void mve_store_2(int8_t *a, int8_t *b, int32x4_t x, int32x4_t y, uint32_t left)
{
    mve_pred16_t p;
    __asm__ volatile("vctp.32 %[left]\n\t"
                     "vpstt\n\t"
                     "vstrbt.32 %q[x], [%[a]]\n\t"
                     "vstrbt.32 %q[y], [%[b]]"
                     : [p] "=&Up"(p)
                     : [left] "r"(left), [a] "r"(a), [b] "r"(b), [x] "w"(x), [y] "w"(y)
                     : "memory");
}

MVE_INLINE void mve_gemm_row(const mve_gemm_t *gemm, const int8_t *in, uint32_t pixels,
                             uint32_t stride, int8_t *out, mve_mode_t mode)
{
    const uint32_t channels = gemm->channels;
    const uint32_t chunks = gemm->chunks;
    const int32x4_t zero = vdupq_n_s32(gemm->output.zero);
    const int32x4_t low = vdupq_n_s32(gemm->output.low);
    const int32x4_t high = vdupq_n_s32(gemm->output.high);
    for (; pixels >= 2U; pixels -= 2U) {
        const int32_t *s = gemm->stream;
        int32_t left = (int32_t)channels;
        const mve_pair_t pair = {chunks, in, in + stride};
        do {
            int32x4_t y[2];
            s = mve_dot_4x2(s, &pair, y);
            const int32x4_t multiplier = vld1q_s32(s);
            const int32x4_t shift = vld1q_s32(s + 4);
            s += 8;
            y[0] = vaddq_s32(mve_scale(y[0], multiplier, shift, mode), zero);
            y[1] = vaddq_s32(mve_scale(y[1], multiplier, shift, mode), zero);
            y[0] = vminq_s32(vmaxq_s32(y[0], low), high);
            y[1] = vminq_s32(vmaxq_s32(y[1], low), high);
            mve_store_2(out, out + channels, y[0], y[1], (uint32_t)left);
            out += 4;
            left -= 4;
        } while (left > 0);
        in += 2U * stride;
        out += (int32_t)channels + left; /* steps went past the end by -left */
    }
    if (pixels != 0U) {
        const int32_t *s = gemm->stream;
        int32_t left = (int32_t)channels;
        do {
            int32x4_t y;
            s = mve_dot_4x1(s, in, chunks, &y);
            y = vaddq_s32(mve_scale(y, vld1q_s32(s), vld1q_s32(s + 4), mode), zero);
            s += 8;
            vstrbq_p_s32(out, vminq_s32(vmaxq_s32(y, low), high), vctp32q((uint32_t)left));
            out += 4;
            left -= 4;
        } while (left > 0);
    }
}

MVE_INLINE void mve_dense_row(const mve_dense_t *dense, const int8_t *in, int8_t *out,
                              mve_mode_t mode)
{
    const mve_gemm_t *const gemm = &dense->gemm;
    const uint32_t chunks = gemm->chunks;
    const int32x4_t multiplier = vdupq_n_s32(dense->multiplier);
    const int32x4_t shift = vdupq_n_s32(dense->shift);
    const int32_t *s = gemm->stream;
    int32_t left = (int32_t)gemm->channels;
    do {
        int32x4_t y;
        s = mve_dot_4x1(s, in, chunks, &y);
        y = mve_requant(y, multiplier, shift, &gemm->output, mode);
        vstrbq_p_s32(out, y, vctp32q((uint32_t)left));
        out += 4;
        left -= 4;
    } while (left > 0);
}

#endif
