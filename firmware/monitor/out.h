/* Writes text, numbers and lines without stdio. */
#ifndef MON_OUT_H
#define MON_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "rom.h"

/* Where text goes; NULL: to the serial line. */
typedef void (*mon_sink_t)(const char *text, size_t length);
void mon_out_to(mon_sink_t sink);

/* A literal, which stays in flash; and text from elsewhere. */
#define mon_out(literal) mon_out_rom(MCU_TEXT(literal))
void mon_out_rom(MCU_ROM char *text);
#ifdef MCU_FLASH_IS_APART
void mon_out_text(const char *text);
#else
#define mon_out_text mon_out_rom
#endif
void mon_out_n(const char *text, size_t length);
void mon_out_u64(uint64_t value);
void mon_out_i32(int32_t value);

/* "0x" and eight digits. */
void mon_out_hex32(uint32_t value);

/* Two digits. */
void mon_out_hex8(uint8_t value);

/* As printf's "%.3f", rounded half to even; beyond 2^63 it is "inf". */
void mon_out_milli(float value);

/* A literal, CR and LF; the second with a number between. */
#define mon_out_line(literal) mon_out_line_rom(MCU_TEXT(literal))
#define mon_out_number_line(before, value, after)                                                  \
    mon_out_number_line_rom(MCU_TEXT(before), (value), MCU_TEXT(after))
void mon_out_line_rom(MCU_ROM char *text);
void mon_out_number_line_rom(MCU_ROM char *before, uint64_t value, MCU_ROM char *after);

#endif
