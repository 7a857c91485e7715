/* Inferences over inputs that a debugger puts into memory: for emulators, whose serial line costs
 * more than the inference. */
#ifndef MON_PLACED_H
#define MON_PLACED_H

#include <stdbool.h>
#include <stdint.h>

/* What the debugger writes and reads. */
typedef struct {
    volatile uint32_t inputs; /* put in place since the request: the debugger counts them */
    uint32_t done;            /* inferences since the request */
    uint64_t ticks;           /* of the last one */
} mon_placed_t;

extern mon_placed_t mon_placed;

/* Runs `count` inferences, each as soon as its input is there, and says a line after each.
 * Returns 0, or -1 where an input does not come for seconds, as without a debugger, or else what
 * the engine returned; `sum`: ticks of all. */
int mon_placed_run(uint32_t count, uint64_t *sum);

#endif
