/* Words of a command line. */
#ifndef MON_WORDS_H
#define MON_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rom.h"

/* Cuts the next word off; NULL where there is none. */
char *mon_next_word(char **rest);

/* The word is that literal. */
#define mon_word_is(word, literal) (MCU_ROM_COMPARE((word), MCU_TEXT(literal)) == 0)

/* Digits only, below 10^9. */
bool mon_to_number(const char *word, uint32_t *value);

/* The value of a hexadecimal digit, or -1. */
int mon_nibble(char c);

#endif
