/* DEPTHWISE_CONV_2D for cores with Helium.
 *
 * Eight channels at a time are transposed to a band ordered (channel, place, kernel line), with the
 * padding: a field of a channel is one run of bytes, and one VMLADAV per 16 of them an output.
 * "Along" is the image's longer axis, "across" the other one; lines run along. A kernel that is
 * dilated along has weights of zero between. Output channel c * multiplier + m is the m-th of input
 * channel c. The stream is that of gemm.h, its K ordered (kernel place, kernel line), for each
 * eight input channels (m, channel). */
#ifndef MVE_DEPTHWISE_H
#define MVE_DEPTHWISE_H

#include "requant.h"

typedef struct mve_depthwise mve_depthwise_t;

/* One line of outputs of `lanes` input channels, 4 at most. */
typedef void mve_depthwise_line_t(const mve_depthwise_t *depthwise, const int32_t *stream,
                                  const int8_t *band, uint32_t lanes, int8_t *out);

struct mve_depthwise {
    const int32_t *stream;
    mve_depthwise_line_t *line;
    mve_output_t output;
    int32_t in_along, in_across;   /* bytes from place to place, from line to line */
    int32_t out_along, out_across; /* of the output */
    uint32_t in_batch, out_batch;  /* bytes of an image */
    uint16_t batches, channels;    /* of the input */
    uint16_t multiplier;
    uint16_t chunks;              /* K in units of 16 */
    uint16_t in_places, in_lines; /* along, across */
    uint16_t out_places, out_lines;
    uint16_t places; /* of the band: that a line of outputs reads, padding included */
    uint8_t kernel_lines;
    uint8_t stride_along, stride_across;
    uint8_t dilation_across;
    uint16_t pad_along, pad_across;
    int8_t in_zero; /* what padding reads as */
};

/* scratch: 8 * places * kernel_lines + 16 * chunks - 1 bytes. Up to 7 bytes beyond the input are
 * read. Lines along the width with a multiplier of 1: the output may reach into the input from
 * before it, a whole number of pixels (codegen/memory/overlap.py). */
void mve_depthwise_s8(const mve_depthwise_t *depthwise, const int8_t *in, int8_t *out,
                      void *scratch);

/* One for each mve_mode_t, for kernels of one chunk and of any. */
mve_depthwise_line_t mve_depthwise_floor;
mve_depthwise_line_t mve_depthwise_sign;
mve_depthwise_line_t mve_depthwise_any;
mve_depthwise_line_t mve_depthwise_chunks_floor;
mve_depthwise_line_t mve_depthwise_chunks_sign;
mve_depthwise_line_t mve_depthwise_chunks_any;

#endif
