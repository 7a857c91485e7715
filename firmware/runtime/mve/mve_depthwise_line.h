/* A line of depthwise outputs; each mode of mve_depthwise.h is a file of its own. */
#ifndef MVE_DEPTHWISE_LINE_H
#define MVE_DEPTHWISE_LINE_H

#include "mve_depthwise.h"

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
