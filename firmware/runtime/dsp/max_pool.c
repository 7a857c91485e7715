#include "pool_window.h"
#include "simd.h"

void dsp_max_pool_s8(const pool_s8_t *p, const int8_t *in, int8_t *out)
{
    const int32_t channels = p->input.channels;
    const int32_t width = p->input.width * channels;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t i = 0; i < p->output.height * p->output.width; i++) {
            const pool_window_t w = pool_window(p, in, i / p->output.width, i % p->output.width);
            for (int32_t c = 0; c < channels; c += 4) {
                const int8_t *row = w.from + c;
                int32_t most = (int32_t)0x80808080U;
                for (uint32_t y = w.rows; y > 0U; y--) {
                    const int8_t *from = row;
                    for (uint32_t x = w.columns; x > 0U; x--) {
                        most = dsp_max8(most, dsp_load4(from));
                        from += channels;
                    }
                    row += width;
                }
                for (int32_t k = 0; k < 4 && c + k < channels; k++) {
                    *out++ = (int8_t)pool_clamp(p, (int8_t)(uint8_t)((uint32_t)most >> (8 * k)));
                }
            }
        }
        in += p->input.height * width;
    }
}
