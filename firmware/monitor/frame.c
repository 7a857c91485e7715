#include "frame.h"

#include "crc32.h"
#include "port.h"

uint8_t mon_buffer[MON_FRAME_BYTES];

static struct {
    size_t length; /* bytes decoded so far */
    uint32_t crc;  /* over them, kept up with each byte: no pause when the frame ends */
    uint8_t code;  /* of the current COBS block, 0 before the first */
    uint8_t left;  /* bytes until the next code */
    bool overlong;
} in;

void mon_frame_begin(void)
{
    in.length = 0;
    in.crc = MON_CRC32_START;
    in.code = 0;
    in.left = 0;
    in.overlong = false;
}

static void store(uint8_t byte)
{
    if (in.length == sizeof mon_buffer) {
        in.overlong = true;
        return;
    }
    mon_buffer[in.length++] = byte;
    in.crc = mon_crc32_byte(in.crc, byte);
}

void mon_frame_feed(uint8_t byte)
{
    if (in.left > 0) {
        in.left--;
        store(byte);
        return;
    }
    if (in.code != 0 && in.code != 0xFF) {
        store(0);
    }
    in.code = byte;
    in.left = (uint8_t)(byte - 1u);
}

bool mon_frame_end(size_t *payload_bytes)
{
    if (in.left != 0 || in.overlong || in.length < MON_HEADER_BYTES + MON_CRC_BYTES ||
        in.crc != MON_CRC32_RESIDUE) {
        return false;
    }
    *payload_bytes = in.length - MON_HEADER_BYTES - MON_CRC_BYTES;
    return true;
}

static void write_cobs(const uint8_t *data, size_t bytes)
{
    size_t start = 0;
    for (;;) {
        size_t run = 0;
        while (run < 254u && start + run < bytes && data[start + run] != 0) {
            run++;
        }
        const uint8_t code = (uint8_t)(run + 1u);
        port_write(&code, 1);
        if (run > 0) {
            port_write(data + start, run);
        }
        start += run;
        if (start == bytes) {
            return;
        }
        if (run < 254u) {
            start++; /* the zero that the code stands for */
        }
    }
}

void mon_frame_send(uint8_t type, uint16_t sequence, size_t payload_bytes)
{
    static const uint8_t delimiter = 0;
    const size_t body = MON_HEADER_BYTES + payload_bytes;
    mon_buffer[0] = type;
    mon_put_u16(mon_buffer + 1, sequence);
    mon_put_u32(mon_buffer + body, ~mon_crc32(MON_CRC32_START, mon_buffer, body));
    port_write(&delimiter, 1);
    write_cobs(mon_buffer, body + MON_CRC_BYTES);
    port_write(&delimiter, 1);
}

void mon_put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void mon_put_u32(uint8_t *at, uint32_t value)
{
    mon_put_u16(at, (uint16_t)value);
    mon_put_u16(at + 2, (uint16_t)(value >> 16));
}

void mon_put_u64(uint8_t *at, uint64_t value)
{
    mon_put_u32(at, (uint32_t)value);
    mon_put_u32(at + 4, (uint32_t)(value >> 32));
}

uint16_t mon_get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (uint16_t)(at[1] << 8));
}

uint32_t mon_get_u32(const uint8_t *at)
{
    return mon_get_u16(at) | (uint32_t)mon_get_u16(at + 2) << 16;
}
