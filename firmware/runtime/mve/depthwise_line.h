/* A line of depthwise outputs; each mode of depthwise.h is a file of its own. */
#ifndef MVE_DEPTHWISE_LINE_H
#define MVE_DEPTHWISE_LINE_H

#include "depthwise.h"

/* Four sums to the outputs of a place. */
MVE_INLINE void mve_place(const mve_output_t *output, int32_t a0, int32_t a1, int32_t a2,
                          int32_t a3, const int32_t *start, const int32_t *scale,
                          uint32x4_t offsets, mve_pred16_t lanes, int8_t *out, mve_mode_t mode)
{
    int32x4_t acc;
    __asm__("vmov %q0[2], %q0[0], %1, %2\n\t"
            "vmov %q0[3], %q0[1], %3, %4"
            : "=&w"(acc)
            : "r"(a0), "r"(a2), "r"(a1), "r"(a3));
    acc = vaddq_s32(acc, vld1q_s32(start));
    acc = mve_requant(acc, vld1q_s32(scale), vld1q_s32(scale + 4), output, mode);
    vstrbq_scatter_offset_p_s32(out, offsets, acc, lanes);
}

/* A line of a kernel of any number of taps. */
MVE_INLINE void mve_depthwise_line_chunks(const mve_depthwise_t *d, const int32_t *stream,
                                          const int8_t *band, uint32_t lanes, int8_t *out,
                                          mve_mode_t mode)
{
    const uint32_t pitch = (uint32_t)d->places * d->kernel_lines;
    const uint32_t step = (uint32_t)d->stride_along * d->kernel_lines;
    const uint32_t chunks = d->chunks;
    const int32_t *const scale = stream + 4U + 16U * chunks;
    const uint32x4_t offsets = vmulq_n_u32(vidupq_n_u32(0, 1), d->multiplier);
    const mve_pred16_t some = vctp32q(lanes);
    const mve_output_t output = d->output;
    for (uint32_t left = d->out_places; left > 0U; left--) {
        const int8_t *w = (const int8_t *)(stream + 4);
        const int8_t *b0 = band;
        int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
        for (uint32_t n = chunks; n > 0U; n--) {
            const int8_t *const b2 = b0 + 2U * pitch;
            a0 = vmladavaq_s8(a0, vld1q_s8(b0), vld1q_s8(w));
            a1 = vmladavaq_s8(a1, vld1q_s8(b0 + pitch), vld1q_s8(w + 16));
            a2 = vmladavaq_s8(a2, vld1q_s8(b2), vld1q_s8(w + 32));
            a3 = vmladavaq_s8(a3, vld1q_s8(b2 + pitch), vld1q_s8(w + 48));
            b0 += 16;
            w += 64;
        }
        mve_place(&output, a0, a1, a2, a3, stream, scale, offsets, some, out, mode);
        band += step;
        out += d->out_along;
    }
}

/* `step`, bytes from field to field, is a constant where it is a usual one. */
MVE_INLINE void mve_fields(const mve_depthwise_t *d, const int32_t *stream, const int8_t *band,
                           uint32_t lanes, int8_t *out, uint32_t step, mve_mode_t mode)
{
    const uint32_t pitch = (uint32_t)d->places * d->kernel_lines;
    const int8_t *b0 = band;
    const int8_t *b1 = b0 + pitch;
    const int8_t *b2 = b1 + pitch;
    const int8_t *b3 = b2 + pitch;
    const int8_t *weights = (const int8_t *)(stream + 4);
    const int8x16_t w0 = vld1q_s8(weights);
    const int8x16_t w1 = vld1q_s8(weights + 16);
    const int8x16_t w2 = vld1q_s8(weights + 32);
    const int8x16_t w3 = vld1q_s8(weights + 48);
    const mve_output_t output = d->output;
    const int32_t along = d->out_along;
    for (uint32_t left = d->out_places; left > 0U; left--) {
        int32_t a0 = vmladavq_s8(vld1q_s8(b0), w0);
        int32_t a1 = vmladavq_s8(vld1q_s8(b1), w1);
        int32_t a2 = vmladavq_s8(vld1q_s8(b2), w2);
        int32_t a3 = vmladavq_s8(vld1q_s8(b3), w3);
        int32x4_t acc;
        __asm__("vmov %q0[2], %q0[0], %1, %2\n\t"
                "vmov %q0[3], %q0[1], %3, %4"
                : "=&w"(acc)
                : "r"(a0), "r"(a2), "r"(a1), "r"(a3));
        acc = vaddq_s32(acc, vld1q_s32(stream));
        acc = mve_requant(acc, vld1q_s32(stream + 20), vld1q_s32(stream + 24), &output, mode);
        if (lanes >= 4U) {
            vstrbq_s32(out, acc);
        } else {
            vstrbq_p_s32(out, acc, vctp32q(lanes));
        }
        b0 += step, b1 += step, b2 += step, b3 += step;
        out += along;
    }
}

MVE_INLINE void mve_depthwise_line(const mve_depthwise_t *d, const int32_t *stream,
                                   const int8_t *band, uint32_t lanes, int8_t *out, mve_mode_t mode)
{
    const uint32_t step = (uint32_t)d->stride_along * d->kernel_lines;
    if (step == 3U) {
        mve_fields(d, stream, band, lanes, out, 3U, mode);
    } else {
        mve_fields(d, stream, band, lanes, out, step, mode);
    }
}

#endif
