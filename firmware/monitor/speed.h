/* Changing the line's speed, and going back where the new one does not work. */
#ifndef MON_SPEED_H
#define MON_SPEED_H

#include <stdint.h>

/* Answers the request `sequence`, then changes the line to `baud`. */
void mon_speed_change(uint16_t sequence, uint32_t baud);

/* A whole frame has arrived: the new speed works. */
void mon_speed_confirm(void);

/* Goes back to the last speed that worked when no frame has come for a while. */
void mon_speed_poll(void);

#endif
