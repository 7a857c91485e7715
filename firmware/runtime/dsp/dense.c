#include "dense_tile.h"
#include "widen.h"

#if DSP_NATIVE

/* 8 inputs by 4 outputs: 32 MACs in 27 instructions of 4 bytes. All registers are taken: with the
 * loop in C, GCC spills. */
#define STEP       "ldmia.w r1!, {r10-r12, lr}\n\t" PRODUCTS("r10", "r11") PRODUCTS("r12", "lr")
#define STEP_BYTES 108U
#define UNROLL     8U

static __attribute__((naked, noinline)) void tiles(const int32_t *w __attribute__((unused)),
                                                   const dsp_dense_frame_t *frame
                                                   __attribute__((unused)))
{
    __asm__ volatile(TILES(FOUR(STEP) FOUR(STEP)));
}

#endif

void dsp_dense_s8(const dsp_dense_t *dense, uint32_t rows, uint32_t inputs, const int8_t *in,
                  int8_t *out, void *scratch)
{
    int32_t *const wide = scratch;
    for (; rows > 0U; rows--) {
#if DSP_NATIVE
        if (dense->output.mode <= (uint8_t)DSP_SIGN) {
            const dsp_dense_frame_t frame = {
                .x = wide,
                .skip = (0U - dense->steps) % UNROLL * STEP_BYTES,
                .x_end = wide + 4U * dense->steps,
            };
            /* What lies between the end and a multiple of 8 is multiplied by zero weights. */
            (void)dsp_widen_tail(wide, 1U, in, inputs);
            dsp_dense_row(dense, frame, tiles, out);
        } else
#endif
        {
            dsp_dense_any(dense, inputs, in, out);
        }
        in += inputs;
        out += dense->outputs;
    }
    (void)wide;
}
