/* From 32-bit accumulators to int8, four lanes at a time, equal to TFLite Micro bit for bit.
 *
 * TFLM rounds twice: h = acc * m / 2^31, half up, is what VQRDMULH computes. The right shift rounds
 * half away from zero; VRSHL rounds half up, so negative h are made smaller by one first. */
#ifndef MVE_REQUANT_H
#define MVE_REQUANT_H

#include <arm_mve.h>
#include <stdint.h>

#define MVE_INLINE static inline __attribute__((always_inline))

typedef enum {
    MVE_FLOOR, /* right shifts; the clamp's lower end is not below the zero point, so that the
                * rounding of negative values doesn't show */
    MVE_SIGN,  /* right shifts */
    MVE_ANY    /* left shifts too */
} mve_mode_t;

/* What the outputs of a layer have in common. */
typedef struct {
    int32_t zero; /* of the output */
    int32_t low;  /* clamp */
    int32_t high;
} mve_output_t;

/* shift: TFLM's, to the left where positive. */
MVE_INLINE int32x4_t mve_scale(int32x4_t acc, int32x4_t multiplier, int32x4_t shift,
                               mve_mode_t mode)
{
    int32x4_t right = shift;
    if (mode == MVE_ANY) {
        const int32x4_t none = vdupq_n_s32(0);
        acc = vshlq_s32(acc, vmaxq_s32(shift, none)); /* wraps, as TFLM */
        right = vminq_s32(shift, none);
    }
    acc = vqrdmulhq_s32(acc, multiplier);
    if (mode != MVE_FLOOR) {
        /* -1 where negative and shifted at all */
        acc = vqaddq_s32(acc, vshrq_n_s32(vandq_s32(acc, right), 31));
    }
    return vrshlq_s32(acc, right);
}

MVE_INLINE int32x4_t mve_requant(int32x4_t acc, int32x4_t multiplier, int32x4_t shift,
                                 const mve_output_t *output, mve_mode_t mode)
{
    const int32x4_t y = vaddq_n_s32(mve_scale(acc, multiplier, shift, mode), output->zero);
    return vminq_s32(vmaxq_s32(y, vdupq_n_s32(output->low)), vdupq_n_s32(output->high));
}

#endif
