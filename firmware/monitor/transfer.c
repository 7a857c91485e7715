#include "transfer.h"

#include <string.h>

#include "frame.h"

#define WINDOW MONITOR_WINDOW_CHUNKS
#if WINDOW < 8 || (WINDOW & (WINDOW - 1)) != 0
#error "MONITOR_WINDOW_CHUNKS must be a power of two, at least 8"
#endif

static uint32_t total;
static uint32_t base;
static uint8_t have[WINDOW / 8]; /* chunk c at bit c % WINDOW */

void mon_transfer_begin(uint32_t chunks)
{
    total = chunks;
    base = 0;
    memset(have, 0, sizeof have);
}

static bool bit(uint32_t chunk)
{
    return ((unsigned)have[chunk % WINDOW / 8] >> chunk % 8u & 1u) != 0;
}

static void flip(uint32_t chunk)
{
    have[chunk % WINDOW / 8] ^= (uint8_t)(1u << chunk % 8u);
}

bool mon_transfer_take(uint32_t chunk)
{
    if (chunk < base || chunk >= total || chunk >= base + WINDOW || bit(chunk)) {
        return false;
    }
    flip(chunk);
    while (base < total && bit(base)) {
        flip(base);
        base++;
    }
    return true;
}

bool mon_transfer_complete(void)
{
    return base == total;
}

size_t mon_transfer_missing(uint8_t *at, size_t room)
{
    mon_put_u16(at, (uint16_t)base);
    size_t bytes = 2;
    for (uint32_t i = 1; i < WINDOW && base + i < total && bytes < room; i += 8) {
        uint8_t bits = 0;
        for (uint32_t k = 0; k < 8 && i + k < WINDOW && base + i + k < total; k++) {
            bits |= (uint8_t)(bit(base + i + k) ? 1u << k : 0u);
        }
        at[bytes++] = bits;
    }
    return bytes;
}
