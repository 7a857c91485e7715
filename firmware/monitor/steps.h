/* An inference layer by layer, with a look at the memory in between: the host compares every
 * tensor with its reference. Each request may come twice. */
#ifndef MON_STEPS_H
#define MON_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs layers until `count` of them have run since the engine was reset; 0 resets it. Gives the
 * ticks of those run now. False where the engine can't. */
bool mon_steps_to(uint32_t count, uint64_t *ticks);

/* Copies activation memory from `offset` on; gives how many bytes lie within it. */
size_t mon_steps_read(uint32_t offset, uint8_t *data, size_t bytes);

#endif
