/* CAST between int8, int16, int32, float32 and bool. */
#include "kernels.h"

typedef struct {
    int32_t whole; /* of an integer */
    float real;    /* of either */
} value_t;

static value_t integer(int32_t whole)
{
    const value_t value = {.whole = whole, .real = (float)whole};
    return value;
}

static value_t read(const void *input, cast_type_t type, int32_t i)
{
    switch (type) {
    case CAST_INT8:
        return integer(((const int8_t *)input)[i]);
    case CAST_INT16:
        return integer(((const int16_t *)input)[i]);
    case CAST_INT32:
        return integer(((const int32_t *)input)[i]);
    case CAST_BOOL:
        return integer(((const uint8_t *)input)[i] != 0 ? 1 : 0);
    case CAST_FLOAT32:
    default: {
        const float real = ((const float *)input)[i];
        /* Beyond int32 the conversion has no meaning; the lowest value is what PCs give. */
        const int within = real >= -2147483648.0f && real < 2147483648.0f;
        const value_t value = {.whole = within ? (int32_t)real : INT32_MIN, .real = real};
        return value;
    }
    }
}

void cast(const void *input, cast_type_t from, void *output, cast_type_t to, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const value_t value = read(input, from, i);
        switch (to) {
        case CAST_INT8:
            ((int8_t *)output)[i] = (int8_t)value.whole;
            break;
        case CAST_INT16:
            ((int16_t *)output)[i] = (int16_t)value.whole;
            break;
        case CAST_INT32:
            ((int32_t *)output)[i] = value.whole;
            break;
        case CAST_BOOL:
            ((uint8_t *)output)[i] = value.real != 0.0f ? 1 : 0;
            break;
        case CAST_FLOAT32:
        default:
            ((float *)output)[i] = value.real;
            break;
        }
    }
}
