#include "monitor.h"

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "model.h"
#include "port.h"
#include "request.h"
#include "speed.h"
#include "text.h"

/* What the bytes since the last 0x00 are. A frame's second byte has its top bit set, a
 * command's has not: two bytes decide, and a lost or an added 0x00 costs one frame. */
static enum { HEAD, TEXT, FRAME } segment = TEXT;
static uint8_t first; /* of the segment; 0: none yet */

static void end_of_segment(void)
{
    if (segment == FRAME) {
        size_t payload_bytes;
        if (mon_frame_end(&payload_bytes)) {
            mon_speed_confirm();
            mon_request(payload_bytes);
            mon_speed_served();
        } else {
            mon_request_broken();
        }
    }
    segment = HEAD;
    first = 0;
    mon_text_clear();
}

static void head(uint8_t byte)
{
    if (first == 0 && byte != '%') {
        first = byte;
    } else if (first > 1 && (byte & 0x80u) != 0) {
        segment = FRAME;
        mon_frame_begin();
        mon_frame_feed(first);
        mon_frame_feed(byte);
    } else {
        segment = TEXT;
        if (first != 0) {
            mon_text_byte(first);
        }
        mon_text_byte(byte);
    }
}

static void receive(uint8_t byte)
{
    if (byte == 0) {
        end_of_segment();
    } else if (segment == TEXT) {
        mon_text_byte(byte);
    } else if (segment == FRAME) {
        mon_frame_feed(byte);
    } else {
        head(byte);
    }
}

void monitor_start(void)
{
    (void)mon_model_start();
    mon_text_greet();
}

void monitor_poll(void)
{
    const int byte = port_getc();
    if (byte >= 0) {
        receive((uint8_t)byte);
    }
    mon_speed_poll();
}

void monitor_run(void)
{
    monitor_start();
    for (;;) {
        monitor_poll();
    }
}
