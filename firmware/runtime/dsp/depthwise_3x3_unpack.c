#include "depthwise.h"

void dsp_depthwise_3x3_unpack(const dsp_depthwise_3x3_t *conv, uint32_t number,
                              dsp_depthwise_3x3_channel_t *channel, int32_t *room)
{
    const int8_t *bytes = conv->bytes + number * DSP_DEPTHWISE_3X3_BYTES;
    const int8_t *taps = bytes + 8;
    const uint32_t code = (uint8_t)taps[9];
    const uint32_t left = code & DSP_DEPTHWISE_LEFT;
    const int32_t unit = (code & DSP_DEPTHWISE_UNIT) != 0U ? (int32_t)(1U << left) >> 1 : 0;
    uint32_t own = 0U;
    channel->multiplier = dsp_load4(bytes + 4);
    channel->shift = (int32_t)left | unit << 8;
    channel->scaled = 0U;
    if ((code & DSP_DEPTHWISE_SCALED) != 0U) {
        own = left;
        channel->shift =
            (conv->output.base >> (DSP_FRACTION - DSP_DEPTHWISE_FRACTION)) + (unit >> 1);
        channel->scaled = 1U;
    }
    for (uint32_t line = 0; line < 3U; line++) {
        const int32_t w0 = dsp_shl(taps[0], own);
        const int32_t w1 = dsp_shl(taps[1], own);
        const int32_t w2 = dsp_shl(taps[2], own);
        room[line] = dsp_pack_lo(w0, w1);
        room[3U + line] = dsp_pack_lo(w1, w2);
        taps += 3;
    }
    room[6] = dsp_shl(dsp_load4(bytes), own);
    channel->weights = room;
}
