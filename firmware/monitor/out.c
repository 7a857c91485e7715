#include "out.h"

#include <string.h>

#include "port.h"

static mon_sink_t sink;

void mon_out_to(mon_sink_t to)
{
    sink = to;
}

void mon_out_n(const char *text, size_t length)
{
    if (length == 0) {
        return;
    }
    if (sink) {
        sink(text, length);
    } else {
        port_write((const uint8_t *)text, length);
    }
}

#ifdef MCU_FLASH_IS_APART
void mon_out_text(const char *text)
{
    mon_out_n(text, strlen(text));
}

void mon_out_rom(MCU_ROM char *text)
{
    for (char c = *text; c != '\0'; c = *++text) {
        mon_out_n(&c, 1);
    }
}
#else
void mon_out_rom(MCU_ROM char *text)
{
    mon_out_n(text, strlen(text));
}
#endif

void mon_out_line_rom(MCU_ROM char *text)
{
    mon_out_rom(text);
    mon_out("\r\n");
}

void mon_out_u64(uint64_t value)
{
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + (int)(value % 10u));
        value /= 10u;
    } while (value != 0);
    mon_out_n(digits + first, sizeof digits - first);
}

void mon_out_i32(int32_t value)
{
    if (value < 0) {
        mon_out("-");
    }
    mon_out_u64(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

static MCU_ROM char hex_digits[] = "0123456789abcdef";

void mon_out_hex8(uint8_t value)
{
    const char text[2] = {hex_digits[value >> 4], hex_digits[value & 15u]};
    mon_out_n(text, sizeof text);
}

void mon_out_hex32(uint32_t value)
{
    mon_out("0x");
    for (int shift = 24; shift >= 0; shift -= 8) {
        mon_out_hex8((uint8_t)(value >> shift));
    }
}

/* mantissa * 2^exponent, rounded half to even. */
static uint64_t scaled(uint64_t mantissa, int exponent)
{
    if (exponent >= 0) {
        return mantissa << exponent;
    }
    const int shift = -exponent;
    if (shift > 40) {
        return 0; /* the mantissa has at most 34 bits */
    }
    const uint64_t whole = mantissa >> shift;
    const uint64_t rest = mantissa - (whole << shift);
    const uint64_t half = (uint64_t)1 << (shift - 1);
    return whole + (rest > half || (rest == half && (whole & 1u)) ? 1u : 0u);
}

void mon_out_milli(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int biased = (int)(bits >> 23 & 0xFFu);
    const uint32_t fraction = bits & 0x7FFFFFu;
    if (biased == 0xFF && fraction != 0) {
        mon_out("nan");
        return;
    }
    if (bits >> 31) {
        mon_out("-");
    }
    const uint64_t mantissa = biased == 0 ? fraction : fraction | 0x800000u;
    const int exponent = (biased == 0 ? 1 : biased) - 150;
    if (exponent >= 39) {
        mon_out("inf");
        return;
    }
    /* Above 2^24 a float has no fraction; below, times 1000 still fits. */
    const uint64_t milli = exponent > 0 ? 0 : scaled(mantissa * 1000u, exponent);
    mon_out_u64(exponent > 0 ? mantissa << exponent : milli / 1000u);
    const uint32_t rest = (uint32_t)(milli % 1000u);
    const char text[4] = {'.', (char)('0' + (int)(rest / 100u)),
                          (char)('0' + (int)(rest / 10u % 10u)), (char)('0' + (int)(rest % 10u))};
    mon_out_n(text, sizeof text);
}

void mon_out_number_line_rom(MCU_ROM char *before, uint64_t value, MCU_ROM char *after)
{
    mon_out_rom(before);
    mon_out_u64(value);
    mon_out_line_rom(after);
}
