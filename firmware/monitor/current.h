/* The framed request that owns the engine's input and output. Its answer is kept where the engine
 * left it, so a request that comes twice is answered twice and run once. */
#ifndef MON_CURRENT_H
#define MON_CURRENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool known;    /* `sequence` is valid */
    bool answered; /* RUN has been carried out, its output is still there */
    uint16_t sequence;
    uint32_t input_crc;
    uint32_t output_crc;
    uint64_t ticks;
} mon_current_t;

extern mon_current_t mon_current;

/* The text commands have written into the engine's input: no transfer is under way. */
void mon_current_forget(void);

#endif
