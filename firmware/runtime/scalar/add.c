#include "add.h"

void scalar_add_s8(const int32_t *a_table, const int32_t *b_table, uint32_t count, const int8_t *a,
                   const int8_t *b, int8_t *out)
{
    const int8_t *const end = a + count;
    while (a != end) {
        const int32_t sum = a_table[(uint8_t)*a++] + b_table[(uint8_t)*b++];
        int32_t y = sum >> SCALAR_ADD_FRACTION;
        if ((uint32_t)y + 128U > 255U) {
            y = (y >> 31) ^ 127;
        }
        *out++ = (int8_t)y;
    }
}
