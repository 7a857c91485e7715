/* The numbers of the framed transfer; docs/protocol.md describes it, pipeline/measure/frames.py
 * has the same list (a test compares the two).
 *
 * A frame on the line: 0x00, COBS(type, seq lo, seq hi, payload, CRC-32 little-endian), 0x00.
 * Types have their top bit set, so the second byte of a frame is never a character of a command. */
#ifndef MON_PROTOCOL_H
#define MON_PROTOCOL_H

#define MON_PROTOCOL_VERSION 1u

/* Payload bytes of one input chunk; all chunks but the last have this length. */
#ifndef MONITOR_CHUNK_BYTES
#define MONITOR_CHUNK_BYTES 256
#endif

/* A decoded frame: type and sequence number (3), the largest header of a payload (20), CRC (4). */
#define MON_FRAME_BYTES   (MONITOR_CHUNK_BYTES + 27)
#define MON_HEADER_BYTES  3
#define MON_CRC_BYTES     4
#define MON_PAYLOAD_BYTES (MON_FRAME_BYTES - MON_HEADER_BYTES - MON_CRC_BYTES)

#if MONITOR_CHUNK_BYTES < 64
#error                                                                                             \
    "MONITOR_CHUNK_BYTES must be at least 64: a command of MLPerf Tiny's runner has 65 characters"
#endif

/* Chunks after the first missing one that can be held; a power of two. */
#ifndef MONITOR_WINDOW_CHUNKS
#define MONITOR_WINDOW_CHUNKS 128
#endif

/* Host to chip. */
#define MON_HELLO   0x81u /* starts a session: answered by INFO */
#define MON_PING    0x82u /* any payload: answered by PONG with the same */
#define MON_CHUNK   0x83u /* u16 index, bytes of the input: no answer */
#define MON_RUN     0x84u /* u32 CRC of the input: BUSY, then RESULT and OUTPUT; or NAK */
#define MON_PROFILE 0x85u /* one inference, layer by layer: BUSY, TICKS per layer, DONE */
#define MON_BENCH   0x86u /* u16 n: BUSY, TICKS per inference, DONE */
#define MON_STATUS  0x87u /* answered by STATE */
#define MON_BAUD    0x88u /* u32 bits per second: answered by SPEED, then the line changes */
#define MON_RESET   0x89u /* answered by RESETTING, then the chip restarts */
#define MON_PLACED  0x8Au /* u16 n, over inputs a debugger puts in place: BUSY, lines, DONE */
#define MON_STEPS   0x8Bu /* u16 n: layers until n have run, 0 resets: BUSY, DONE */
#define MON_INPUT   0x8Cu /* u32 offset, bytes of the input: answered by an empty MEMORY */
#define MON_READ    0x8Du /* u32 offset, u16 bytes of activation memory: answered by MEMORY */

/* Chip to host; the sequence number is the request's. */
#define MON_INFO      0xC1u /* u8 index, u8 last, text: lines of key=value */
#define MON_PONG      0xC2u /* the PING's payload */
#define MON_BUSY      0xC3u /* u32 microseconds until the next frame, 0 where not known */
#define MON_RESULT    0xC4u /* u64 ticks, u32 input CRC, u32 output bytes, u32 output CRC */
#define MON_OUTPUT    0xC5u /* u32 offset, bytes of the output */
#define MON_NAK       0xC6u /* u8 reason, then what the reason says */
#define MON_TICKS     0xC7u /* u16 index, u64 ticks */
#define MON_DONE      0xC8u /* u16 count of TICKS frames, u64 their sum */
#define MON_STATE     0xC9u /* u32 stack, stack peak, arena, frames accepted, frames broken */
#define MON_SPEED     0xCAu /* u32 bits per second, u8 accepted */
#define MON_RESETTING 0xCBu
#define MON_MEMORY    0xCCu /* u32 offset, bytes */

/* Reasons of a NAK. */
#define MON_NAK_MISSING  1u /* u16 first missing chunk, then a bit for each that follows it */
#define MON_NAK_MISMATCH 2u /* the input's CRC is not the one RUN names: all again */
#define MON_NAK_ENGINE   3u /* text: what the engine says */
#define MON_NAK_TYPE     4u /* unknown type of request */
#define MON_NAK_LENGTH   5u /* the payload has a length the request can't have */
#define MON_NAK_STALE    6u /* an older request whose answer is not held any more */

#endif
