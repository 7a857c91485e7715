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

/* How long one that works may: a host that went away must find the chip again. */
#ifndef MONITOR_BAUD_IDLE_MS
#define MONITOR_BAUD_IDLE_MS 5000
#endif

static uint32_t proven = PORT_BAUD;
static uint32_t tried = PORT_BAUD;
static uint64_t last_frame; /* or when the new speed was set */
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
    last_frame = port_ticks();
    trying = true;
}

void mon_speed_confirm(void)
{
    if (trying) {
        proven = tried;
        trying = false;
    }
}

void mon_speed_served(void)
{
    if (proven != PORT_BAUD && !trying) {
        last_frame = port_ticks();
    }
}

void mon_speed_poll(void)
{
    if (!trying && proven == PORT_BAUD) {
        return;
    }
    const uint32_t ms = trying ? MONITOR_BAUD_HOLD_MS : MONITOR_BAUD_IDLE_MS;
    if (port_ticks() - last_frame > (uint64_t)port_tick_hz() * ms / 1000u) {
        proven = trying ? proven : PORT_BAUD;
        tried = proven;
        trying = false;
        (void)port_set_baud(proven);
        last_frame = port_ticks();
    }
}
