/* The text protocol: MLPerf Tiny's commands, and ours in the same grammar. */
#ifndef MON_TEXT_H
#define MON_TEXT_H

#include <stdint.h>

/* What the host reads when the chip has started. */
void mon_text_greet(void);

/* Drops the line so far. */
void mon_text_clear(void);

/* The next character of a command; '%' runs it. */
void mon_text_byte(uint8_t byte);

#endif
