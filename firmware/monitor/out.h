/* Writes text, numbers and lines without stdio. */
#ifndef MON_OUT_H
#define MON_OUT_H

#include <stddef.h>
#include <stdint.h>

/* Where text goes; NULL: to the serial line. */
typedef void (*mon_sink_t)(const char *text, size_t length);
void mon_out_to(mon_sink_t sink);

void mon_out(const char *text);
void mon_out_n(const char *text, size_t length);
void mon_out_u64(uint64_t value);
void mon_out_i32(int32_t value);

/* "0x" and eight digits. */
void mon_out_hex32(uint32_t value);

/* Two digits. */
void mon_out_hex8(uint8_t value);

/* As printf's "%.3f", rounded half to even; beyond 2^63 it is "inf". */
void mon_out_milli(float value);

/* text, CR and LF; the second with a number between. */
void mon_out_line(const char *text);
void mon_out_number_line(const char *before, uint64_t value, const char *after);

#endif
