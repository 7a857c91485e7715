/* The Armv7E-M / Armv8-M DSP instructions the kernels are made of, and the same in plain C.
 *
 * A "pair" is a 32-bit word with two int16 lanes, the first element in the low half. Where the
 * core has no DSP extension (the host, for tests) each function is emulated without undefined
 * behaviour, so that the kernels run under sanitizers. */
#ifndef DSP_SIMD_H
#define DSP_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && !defined(DSP_EMULATE)
#define DSP_NATIVE 1
#else
#define DSP_NATIVE 0
#endif

#define DSP_INLINE static inline __attribute__((always_inline))

/* Four bytes from any address: one LDR, which these cores allow to be unaligned. */
DSP_INLINE int32_t dsp_load4(const void *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

DSP_INLINE void dsp_store4(void *p, int32_t word)
{
    memcpy(p, &word, sizeof word);
}

#if DSP_NATIVE

/* Bytes 0 and 2, sign-extended to a pair. */
DSP_INLINE int32_t dsp_sxtb16(int32_t x)
{
    int32_t r;
    __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(x));
    return r;
}

/* Bytes 1 and 3, sign-extended to a pair. */
DSP_INLINE int32_t dsp_sxtb16_odd(int32_t x)
{
    int32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
    return r;
}

/* acc + a.lo * b.lo + a.hi * b.hi, modulo 2^32. */
DSP_INLINE int32_t dsp_smlad(int32_t a, int32_t b, int32_t acc)
{
    int32_t r;
    __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
    return r;
}

/* acc + a.lo * b.lo. */
DSP_INLINE int32_t dsp_smlabb(int32_t a, int32_t b, int32_t acc)
{
    int32_t r;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
    return r;
}

/* acc + a.lo * b.hi. */
DSP_INLINE int32_t dsp_smlabt(int32_t a, int32_t b, int32_t acc)
{
    int32_t r;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
    return r;
}

/* acc + a.hi * b.lo. */
DSP_INLINE int32_t dsp_smlatb(int32_t a, int32_t b, int32_t acc)
{
    int32_t r;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
    return r;
}

/* acc + a.hi * b.hi. */
DSP_INLINE int32_t dsp_smlatt(int32_t a, int32_t b, int32_t acc)
{
    int32_t r;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
    return r;
}

/* The high word of (acc << 32) + a * b. */
DSP_INLINE int32_t dsp_smmla(int32_t a, int32_t b, int32_t acc)
{
    int32_t r;
    __asm__("smmla %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
    return r;
}

/* Lane-wise sum and difference, modulo 2^16. */
DSP_INLINE int32_t dsp_sadd16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("sadd16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

DSP_INLINE int32_t dsp_ssub16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* Lane-wise acc + the bytes 0 and 2 of x, or 1 and 3. */
DSP_INLINE int32_t dsp_sxtab16(int32_t acc, int32_t x)
{
    int32_t r;
    __asm__("sxtab16 %0, %1, %2" : "=r"(r) : "r"(acc), "r"(x));
    return r;
}

DSP_INLINE int32_t dsp_sxtab16_odd(int32_t acc, int32_t x)
{
    int32_t r;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(r) : "r"(acc), "r"(x));
    return r;
}

/* The larger of each two signed bytes. */
DSP_INLINE int32_t dsp_max8(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* {a.lo, b.lo} and {a.hi, b.hi}. */
DSP_INLINE int32_t dsp_pack_lo(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

DSP_INLINE int32_t dsp_pack_hi(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(r) : "r"(b), "r"(a));
    return r;
}

/* x >> bits, saturated to int8. bits: a constant. */
#define dsp_ssat8_asr(x, bits)                                                                     \
    __extension__({                                                                                \
        int32_t r__;                                                                               \
        __asm__("ssat %0, #8, %1, asr %2" : "=r"(r__) : "r"(x), "I"(bits));                        \
        r__;                                                                                       \
    })

#else

DSP_INLINE int32_t dsp_lo(int32_t x)
{
    return (int16_t)(uint16_t)(uint32_t)x;
}
DSP_INLINE int32_t dsp_hi(int32_t x)
{
    return (int16_t)(uint16_t)((uint32_t)x >> 16);
}
DSP_INLINE int32_t dsp_pair(int32_t lo, int32_t hi)
{
    return (int32_t)(((uint32_t)lo & 0xFFFFU) | ((uint32_t)hi << 16));
}
DSP_INLINE int32_t dsp_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}
DSP_INLINE int32_t dsp_byte(int32_t x, int i)
{
    return (int8_t)(uint8_t)((uint32_t)x >> (8 * i));
}

DSP_INLINE int32_t dsp_sxtb16(int32_t x)
{
    return dsp_pair(dsp_byte(x, 0), dsp_byte(x, 2));
}
DSP_INLINE int32_t dsp_sxtb16_odd(int32_t x)
{
    return dsp_pair(dsp_byte(x, 1), dsp_byte(x, 3));
}
DSP_INLINE int32_t dsp_smlabb(int32_t a, int32_t b, int32_t acc)
{
    return dsp_add(acc, dsp_lo(a) * dsp_lo(b));
}
DSP_INLINE int32_t dsp_smlabt(int32_t a, int32_t b, int32_t acc)
{
    return dsp_add(acc, dsp_lo(a) * dsp_hi(b));
}
DSP_INLINE int32_t dsp_smlatb(int32_t a, int32_t b, int32_t acc)
{
    return dsp_add(acc, dsp_hi(a) * dsp_lo(b));
}
DSP_INLINE int32_t dsp_smlatt(int32_t a, int32_t b, int32_t acc)
{
    return dsp_add(acc, dsp_hi(a) * dsp_hi(b));
}

DSP_INLINE int32_t dsp_smlad(int32_t a, int32_t b, int32_t acc)
{
    return dsp_add(dsp_smlabb(a, b, acc), dsp_hi(a) * dsp_hi(b));
}
DSP_INLINE int32_t dsp_smmla(int32_t a, int32_t b, int32_t acc)
{
    uint64_t sum = ((uint64_t)(uint32_t)acc << 32) + (uint64_t)((int64_t)a * b);
    return (int32_t)(uint32_t)(sum >> 32);
}
DSP_INLINE int32_t dsp_sadd16(int32_t a, int32_t b)
{
    return dsp_pair(dsp_lo(a) + dsp_lo(b), dsp_hi(a) + dsp_hi(b));
}
DSP_INLINE int32_t dsp_ssub16(int32_t a, int32_t b)
{
    return dsp_pair(dsp_lo(a) - dsp_lo(b), dsp_hi(a) - dsp_hi(b));
}
DSP_INLINE int32_t dsp_sxtab16(int32_t acc, int32_t x)
{
    return dsp_sadd16(acc, dsp_sxtb16(x));
}

DSP_INLINE int32_t dsp_sxtab16_odd(int32_t acc, int32_t x)
{
    return dsp_sadd16(acc, dsp_sxtb16_odd(x));
}

DSP_INLINE int32_t dsp_max8(int32_t a, int32_t b)
{
    uint32_t r = 0U;
    for (int i = 0; i < 4; i++) {
        const int32_t most = dsp_byte(a, i) > dsp_byte(b, i) ? dsp_byte(a, i) : dsp_byte(b, i);
        r |= ((uint32_t)most & 255U) << (8 * i);
    }
    return (int32_t)r;
}

DSP_INLINE int32_t dsp_pack_lo(int32_t a, int32_t b)
{
    return dsp_pair(a, b);
}
DSP_INLINE int32_t dsp_pack_hi(int32_t a, int32_t b)
{
    return dsp_pair(dsp_hi(a), dsp_hi(b));
}
DSP_INLINE int32_t dsp_ssat8_asr(int32_t x, int32_t bits)
{
    int32_t y = x >> bits;
    return y < -128 ? -128 : (y > 127 ? 127 : y);
}

#endif

/* Modulo 2^32, as the hardware does it and C does not promise. */
DSP_INLINE int32_t dsp_shl(int32_t x, uint32_t s)
{
    return (int32_t)((uint32_t)x << s);
}
DSP_INLINE int32_t dsp_wrap_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}
DSP_INLINE int32_t dsp_wrap_sub(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

#endif
