#include "speed.h"

#include <stdbool.h>

#include "frame.h"
#include "port.h"

#ifndef PORT_BAUD
#define PORT_BAUD 115200
#endif

/* How long a new speed may stay without a frame that arrives whole. */
#ifndef MONITOR_BAUD_HOLD_MS
#define MONITOR_BAUD_HOLD_MS 500
#endif

static uint32_t proven = PORT_BAUD;
static uint32_t tried = PORT_BAUD;
static uint64_t tried_at;
static bool trying;

static void answer(uint16_t sequence, uint32_t baud, bool accepted)
{
    mon_put_u32(mon_frame_payload(), baud);
    mon_frame_payload()[4] = accepted;
    mon_frame_send(MON_SPEED, sequence, 5);
}

void mon_speed_change(uint16_t sequence, uint32_t baud)
{
    answer(sequence, baud, true);
    if (port_set_baud(baud) != 0) {
        answer(sequence, proven, false); /* still at the speed the host listens at */
        return;
    }
    tried = baud;
    tried_at = port_ticks();
    trying = true;
}

void mon_speed_confirm(void)
{
    if (trying) {
        proven = tried;
        trying = false;
    }
}

void mon_speed_poll(void)
{
    if (trying &&
        port_ticks() - tried_at > (uint64_t)port_tick_hz() * MONITOR_BAUD_HOLD_MS / 1000u) {
        (void)port_set_baud(proven);
        trying = false;
    }
}
