#include "sparse.h"

MCU_ROM uint8_t *sparse_codes4_dot4(MCU_ROM uint8_t *stream, const int8_t *fields, int32_t places,
                                    int32_t *sums)
{
    int32_t a = sums[0];
    int32_t b = sums[1];
    int32_t c = sums[2];
    int32_t d = sums[3];
    MCU_ROM uint8_t *const values = stream + 1;
    stream = values + *stream;
    for (int32_t k = 0; k < places; ++k) {
        const uint32_t code = (k & 1) != 0 ? (uint32_t)*stream++ >> 4 : *stream & 15u;
        const int32_t weight = (int8_t)values[code];
        a += weight * fields[0];
        b += weight * fields[1];
        c += weight * fields[2];
        d += weight * fields[3];
        fields += SPARSE_PIXELS;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return stream + (places & 1);
}

MCU_ROM uint8_t *sparse_codes4_dot1(MCU_ROM uint8_t *stream, const int8_t *field, int32_t places,
                                    int32_t *sum)
{
    int32_t a = *sum;
    MCU_ROM uint8_t *const values = stream + 1;
    stream = values + *stream;
    MCU_ROM uint8_t *const end = stream + places / 2;
    for (; stream != end; ++stream) {
        const uint32_t codes = *stream;
        a += (int8_t)values[codes & 15u] * field[0];
        a += (int8_t)values[codes >> 4] * field[1];
        field += 2;
    }
    if ((places & 1) != 0) {
        a += (int8_t)values[*stream++ & 15u] * field[0];
    }
    *sum = a;
    return stream;
}
