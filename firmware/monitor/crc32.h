/* CRC-32 as in zlib, PNG and Ethernet (polynomial 0xEDB88320, reflected). */
#ifndef MON_CRC32_H
#define MON_CRC32_H

#include <stddef.h>
#include <stdint.h>

#define MON_CRC32_START 0xFFFFFFFFu

/* What remains after a message that is followed by its own CRC, little-endian. */
#define MON_CRC32_RESIDUE 0xDEBB20E3u

/* Continues `crc` (MON_CRC32_START at first) over bytes; the CRC is the complement at the end. */
uint32_t mon_crc32_byte(uint32_t crc, uint8_t byte);
uint32_t mon_crc32(uint32_t crc, const void *data, size_t bytes);

#endif
