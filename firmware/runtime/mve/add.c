#include "elementwise.h"

MVE_INLINE int32x4_t sum(const mve_add_t *p, int32x4_t x, int32x4_t y)
{
    x = vmulq_n_s32(x, p->a_factor);
    x = vmlaq_n_s32(x, y, p->b_factor);
    x = vshlq_r_s32(vaddq_n_s32(x, p->offset), -p->fraction);
    return vminq_s32(vmaxq_s32(x, vdupq_n_s32(p->low)), vdupq_n_s32(p->high));
}

void mve_add_s8(const mve_add_t *add, uint32_t count, const int8_t *a, const int8_t *b, int8_t *out)
{
    const mve_add_t p = *add;
    for (uint32_t i = count / 4U; i > 0U; i--) {
        vstrbq_s32(out, sum(&p, vldrbq_s32(a), vldrbq_s32(b)));
        a += 4, b += 4, out += 4;
    }
    if (count % 4U != 0U) {
        const mve_pred16_t rest = vctp32q(count % 4U);
        const int32x4_t y = sum(&p, vldrbq_z_s32(a, rest), vldrbq_z_s32(b, rest));
        vstrbq_p_s32(out, y, rest);
    }
}
