/* Frames in and out: COBS, CRC-32, one buffer for both directions and for command lines. */
#ifndef MON_FRAME_H
#define MON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* The one buffer. A request is read out of it before an answer is built in it. */
extern uint8_t mon_buffer[MON_FRAME_BYTES];

/* Receiving: begin, feed every byte up to the closing zero, then end. */
void mon_frame_begin(void);
void mon_frame_feed(uint8_t byte);

/* True for a whole frame with a right CRC; its payload's length is then in *payload_bytes. */
bool mon_frame_end(size_t *payload_bytes);

/* Sending: fill the payload at mon_frame_payload(), then send. */
static inline uint8_t *mon_frame_payload(void)
{
    return mon_buffer + MON_HEADER_BYTES;
}
void mon_frame_send(uint8_t type, uint16_t sequence, size_t payload_bytes);

/* Little-endian numbers anywhere in memory. */
void mon_put_u16(uint8_t *at, uint16_t value);
void mon_put_u32(uint8_t *at, uint32_t value);
void mon_put_u64(uint8_t *at, uint64_t value);
uint16_t mon_get_u16(const uint8_t *at);
uint32_t mon_get_u32(const uint8_t *at);

#endif
