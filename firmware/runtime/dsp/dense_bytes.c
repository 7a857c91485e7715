#include "dense_tile.h"

#if DSP_NATIVE

/* 8 inputs by 4 outputs: 32 MACs in 31 instructions of 4 bytes. */
#define STEP                                                                                       \
    "ldmia.w r1!, {r10, r12}\n\t"                                                                  \
    "sxtb16 r11, r10, ror #8\n\t"                                                                  \
    "sxtb16 r10, r10\n\t"                                                                          \
    "sxtb16 lr, r12, ror #8\n\t"                                                                   \
    "sxtb16 r12, r12\n\t" PRODUCTS("r10", "r11") PRODUCTS("r12", "lr")
#define STEP_BYTES 124U
#define UNROLL     4U

static __attribute__((naked, noinline)) void tiles(const int32_t *w __attribute__((unused)),
                                                   const dsp_dense_frame_t *frame
                                                   __attribute__((unused)))
{
    __asm__ volatile(TILES(FOUR(STEP)));
}

#endif

void dsp_dense_bytes_s8(const dsp_dense_t *dense, uint32_t rows, uint32_t inputs, const int8_t *in,
                        int8_t *out)
{
    for (; rows > 0U; rows--) {
#if DSP_NATIVE
        if (dense->output.mode <= (uint8_t)DSP_SIGN && ((uintptr_t)in & 3U) == 0U) {
            const dsp_dense_frame_t frame = {
                .x = in,
                .skip = (0U - dense->steps) % UNROLL * STEP_BYTES,
                .x_end = in + 8U * dense->steps,
            };
            dsp_dense_row(dense, frame, tiles, out);
        } else
#endif
        {
            dsp_dense_any(dense, inputs, in, out);
        }
        in += inputs;
        out += dense->outputs;
    }
}
