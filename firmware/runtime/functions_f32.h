/* Functions of one and of two floats, for unary_f32(), binary_f32() and reduce_f32(). */
#ifndef FUNCTIONS_F32_H
#define FUNCTIONS_F32_H

#include <math.h>

static inline float limit_f32(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static inline float negative_f32(float x)
{
    return -x;
}

static inline float square_f32(float x)
{
    return x * x;
}

static inline float rsqrt_f32(float x)
{
    return 1.0f / sqrtf(x);
}

static inline float logistic_f32(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static inline float hard_swish_f32(float x)
{
    return x * limit_f32(x + 3.0f, 0.0f, 6.0f) / 6.0f;
}

/* AVR's library has no expm1f(); there a few digits next to zero are lost. */
static inline float elu_f32(float x)
{
#if defined(__AVR__)
    return x < 0.0f ? expf(x) - 1.0f : x;
#else
    return x < 0.0f ? expm1f(x) : x;
#endif
}

static inline float add_f32(float a, float b)
{
    return a + b;
}

static inline float subtract_f32(float a, float b)
{
    return a - b;
}

static inline float multiply_f32(float a, float b)
{
    return a * b;
}

static inline float divide_f32(float a, float b)
{
    return a / b;
}

static inline float floor_divide_f32(float a, float b)
{
    return floorf(a / b);
}

/* The remainder with the divisor's sign. */
static inline float floor_modulo_f32(float a, float b)
{
    const float rest = fmodf(a, b);
    return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

static inline float squared_difference_f32(float a, float b)
{
    return (a - b) * (a - b);
}

static inline float maximum_f32(float a, float b)
{
    return a > b ? a : b;
}

static inline float minimum_f32(float a, float b)
{
    return a < b ? a : b;
}

/* LEAKY_RELU and PRELU: b is the slope below zero. */
static inline float prelu_f32(float a, float b)
{
    return a >= 0.0f ? a : a * b;
}

#endif
