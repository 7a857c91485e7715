/* Inferences over inputs that a debugger puts into memory: for emulators, whose serial line costs
 * more than the inference. */
#ifndef MON_PLACED_H
#define MON_PLACED_H

#include <stdbool.h>
#include <stdint.h>

/* Inputs that a debugger has put in place since the request; it counts them here. */
extern volatile uint32_t mon_placed_inputs;

/* Before a request. */
void mon_placed_begin(void);

/* Waits for input `index`; false where none comes for seconds, as without a debugger. */
bool mon_placed_wait(uint32_t index);

#endif
