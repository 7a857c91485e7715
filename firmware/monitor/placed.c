#include "placed.h"

#include "engine.h"
#include "model.h"
#include "out.h"

/* Looks at the count until it is given up: some seconds on the cores there are. */
#ifndef MOST_LOOKS
#define MOST_LOOKS 0x20000000u
#endif

mon_placed_t mon_placed;

/* Memory alone is looked at: a look at a register costs an emulator more. */
static bool wait_for_input(uint32_t index)
{
    for (uint32_t looks = 0; looks < MOST_LOOKS; looks++) {
        if (mon_placed.inputs > index) {
            return true;
        }
    }
    return false;
}

int mon_placed_run(uint32_t count, uint64_t *sum)
{
    *sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!wait_for_input(i)) {
            return -1;
        }
        engine_reset();
        const int status = mon_infer(&mon_placed.ticks);
        if (status != 0) {
            return status;
        }
        *sum += mon_placed.ticks;
        mon_placed.done = i + 1u;
        mon_out_line("!"); /* as short as a line can be: each byte costs an emulator much */
    }
    return 0;
}
