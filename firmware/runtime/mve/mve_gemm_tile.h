/* The tiles of 4 channels x 2 pixels and 4 x 1; each mode of mve_gemm.h is a file of its own. */
#ifndef MVE_GEMM_TILE_H
#define MVE_GEMM_TILE_H

#include "mve_gemm.h"

/* In assembly: eight accumulators take all registers that VMLADAVA may add to, so the compiler
 * would spill. Returns the end of the weights. */
MVE_INLINE const int8_t *mve_dot_4x2(const int8_t *w, const int8_t *x, const int8_t *y,
                                     uint32_t chunks, int32_t a[8])
{
    int32_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
    int32_t b0 = a0, b1 = a1, b2 = a2, b3 = a3;
    __asm__ volatile("1:\n\t"
                     "vldrb.8 q0, [%[x]], #16\n\t"
                     "vldrb.8 q2, [%[w]], #16\n\t"
                     "vmladava.s8 %[a0], q0, q2\n\t"
                     "vldrb.8 q1, [%[y]], #16\n\t"
                     "vmladava.s8 %[b0], q1, q2\n\t"
                     "vldrb.8 q3, [%[w]], #16\n\t"
                     "vmladava.s8 %[a1], q0, q3\n\t"
                     "vldrb.8 q2, [%[w]], #16\n\t"
                     "vmladava.s8 %[b1], q1, q3\n\t"
                     "vmladava.s8 %[a2], q0, q2\n\t"
                     "vldrb.8 q3, [%[w]], #16\n\t"
                     "vmladava.s8 %[b2], q1, q2\n\t"
                     "vmladava.s8 %[a3], q0, q3\n\t"
                     "subs %[n], %[n], #1\n\t"
                     "vmladava.s8 %[b3], q1, q3\n\t"
                     "bne 1b\n\t"
                     : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3),
                       [b0] "+Te"(b0), [b1] "+Te"(b1), [b2] "+Te"(b2), [b3] "+Te"(b3), [w] "+r"(w),
                       [x] "+r"(x), [y] "+r"(y), [n] "+r"(chunks)
                     :
                     : "q0", "q1", "q2", "q3", "cc", "memory");
    a[0] = a0, a[1] = a1, a[2] = a2, a[3] = a3;
    a[4] = b0, a[5] = b1, a[6] = b2, a[7] = b3;
    return w;
}

MVE_INLINE const int8_t *mve_dot_4x1(const int8_t *w, const int8_t *x, uint32_t chunks,
                                     int32_t a[4])
{
    int32_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
    __asm__ volatile(
        "dls lr, %[n]\n\t"
        "1:\n\t"
        "vldrb.8 q0, [%[x]], #16\n\t"
        "vldrb.8 q1, [%[w]], #16\n\t"
        "vmladava.s8 %[a0], q0, q1\n\t"
        "vldrb.8 q2, [%[w]], #16\n\t"
        "vmladava.s8 %[a1], q0, q2\n\t"
        "vldrb.8 q1, [%[w]], #16\n\t"
        "vmladava.s8 %[a2], q0, q1\n\t"
        "vldrb.8 q2, [%[w]], #16\n\t"
        "vmladava.s8 %[a3], q0, q2\n\t"
        "le lr, 1b\n\t"
        : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [w] "+r"(w), [x] "+r"(x)
        : [n] "r"(chunks)
        : "q0", "q1", "q2", "lr", "cc", "memory");
    a[0] = a0, a[1] = a1, a[2] = a2, a[3] = a3;
    return w;
}

MVE_INLINE int32x4_t mve_lanes(const int32_t a[4])
{
    int32x4_t v = vuninitializedq_s32();
    v = vsetq_lane_s32(a[0], v, 0);
    v = vsetq_lane_s32(a[1], v, 1);
    v = vsetq_lane_s32(a[2], v, 2);
    return vsetq_lane_s32(a[3], v, 3);
}

MVE_INLINE void mve_gemm_row(const mve_gemm_t *g, const int8_t *in, uint32_t pixels,
                             uint32_t stride, int8_t *out, mve_mode_t mode)
{
    const mve_output_t output = g->output;
    const uint32_t channels = g->channels;
    for (; pixels >= 2U; pixels -= 2U) {
        const int32_t *s = g->stream;
        for (uint32_t c = 0; c < channels; c += 4U) {
            int32_t a[8] = {s[0], s[1], s[2], s[3]};
            const int32_t *scale = s + 4;
            s = (const int32_t *)(const void *)mve_dot_4x2((const int8_t *)(s + 12), in,
                                                           in + stride, g->chunks, a);
            const int32x4_t multiplier = vld1q_s32(scale);
            const int32x4_t shift = vld1q_s32(scale + 4);
            const mve_pred16_t p = vctp32q(channels - c);
            vstrbq_p_s32(out + c, mve_requant(mve_lanes(a), multiplier, shift, &output, mode), p);
            vstrbq_p_s32(out + channels + c,
                         mve_requant(mve_lanes(a + 4), multiplier, shift, &output, mode), p);
        }
        in += 2U * stride;
        out += 2U * channels;
    }
    if (pixels != 0U) {
        const int32_t *s = g->stream;
        for (uint32_t c = 0; c < channels; c += 4U) {
            int32_t a[4] = {s[0], s[1], s[2], s[3]};
            const int32_t *scale = s + 4;
            s = (const int32_t *)(const void *)mve_dot_4x1((const int8_t *)(s + 12), in, g->chunks,
                                                           a);
            const int32x4_t y =
                mve_requant(mve_lanes(a), vld1q_s32(scale), vld1q_s32(scale + 4), &output, mode);
            vstrbq_p_s32(out + c, y, vctp32q(channels - c));
        }
    }
}

#endif
