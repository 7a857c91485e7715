#include "sparse.h"

MCU_ROM uint8_t *sparse_bitmap_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums)
{
    int32_t a = sums[0];
    int32_t b = sums[1];
    int32_t c = sums[2];
    int32_t d = sums[3];
    MCU_ROM uint8_t *const masks_end = stream + (places + 7) / 8;
    MCU_ROM uint8_t *weights = masks_end;
    for (; stream < masks_end; ++stream, fields += 8 * SPARSE_PIXELS) {
        const int8_t *x = fields;
        for (uint32_t mask = *stream; mask != 0u; mask >>= 1, x += SPARSE_PIXELS) {
            if ((mask & 1u) != 0u) {
                const int32_t weight = (int8_t)*weights++;
                a += weight * x[0];
                b += weight * x[1];
                c += weight * x[2];
                d += weight * x[3];
            }
        }
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return weights;
}

MCU_ROM uint8_t *sparse_bitmap_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum)
{
    int32_t a = *sum;
    MCU_ROM uint8_t *const masks_end = stream + (places + 7) / 8;
    MCU_ROM uint8_t *weights = masks_end;
    for (; stream < masks_end; ++stream, field += 8) {
        const int8_t *x = field;
        for (uint32_t mask = *stream; mask != 0u; mask >>= 1, ++x) {
            if ((mask & 1u) != 0u) {
                a += (int8_t)*weights++ * *x;
            }
        }
    }
    *sum = a;
    return weights;
}
