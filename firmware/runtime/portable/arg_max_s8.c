/* ARG_MAX and ARG_MIN. */
#include "kernels.h"

void arg_max_s8(MCU_ROM arg_max_s8_t *p, const int8_t *input, int32_t *output)
{
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->inner; i++) {
            int32_t best = 0;
            for (int32_t k = 1; k < p->size; k++) {
                const int32_t value = p->sign * input[k * p->inner + i];
                if (value > p->sign * input[best * p->inner + i]) {
                    best = k;
                }
            }
            *output++ = best;
        }
        input += p->size * p->inner;
    }
}
