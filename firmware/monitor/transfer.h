/* Which chunks of an input have come: all before a base, and a window of bits from there. */
#ifndef MON_TRANSFER_H
#define MON_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void mon_transfer_begin(uint32_t chunks);

/* True for a chunk that is new and in the window; it is then counted as there. */
bool mon_transfer_take(uint32_t chunk);

bool mon_transfer_complete(void);

/* The first missing chunk, then a bit for each chunk that follows it, set where it is there.
 * Returns the bytes written, at most `room`. */
size_t mon_transfer_missing(uint8_t *at, size_t room);

#endif
