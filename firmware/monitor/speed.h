/* Changing the line's speed, and going back where the new one does not work. */
#ifndef MON_SPEED_H
#define MON_SPEED_H

#include <stdint.h>

/* Answers the request `sequence`, then changes the line to `baud`. */
void mon_speed_change(uint16_t sequence, uint32_t baud);

/* A whole frame has arrived: the new speed works. */
void mon_speed_confirm(void);

/* Its request is carried out: what that took does not count as the host's silence. */
void mon_speed_served(void);

/* Goes back when no frame has come for a while: to the last speed that worked, or from one that
 * did to the one of the start. */
void mon_speed_poll(void);

#endif
