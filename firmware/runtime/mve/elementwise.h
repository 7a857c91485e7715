/* ADD and SUB of tensors of one shape, for cores with Helium. */
#ifndef MVE_ELEMENTWISE_H
#define MVE_ELEMENTWISE_H

#include "requant.h"

/* out = clamp((a * a_factor + b * b_factor + offset) >> fraction): exact where the packer has tried
 * all pairs. */
typedef struct {
    int32_t a_factor;
    int32_t b_factor;
    int32_t offset;
    int32_t fraction;
    int32_t low; /* clamp */
    int32_t high;
} mve_add_t;

/* The output may take over an operand's memory. */
void mve_add_s8(const mve_add_t *add, uint32_t count, const int8_t *a, const int8_t *b,
                int8_t *out);

#endif
