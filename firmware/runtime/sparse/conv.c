#include "requantize.h"
#include "sparse.h"

/* Lays the receptive field of output pixel (row, column) into every fourth byte of fields. */
static void gather(MCU_ROM sparse_conv_s8_t *conv, const int8_t *input, int32_t row, int32_t column,
                   int8_t *fields)
{
    const int32_t top = row * conv->stride_height - conv->pad_top;
    const int32_t left = column * conv->stride_width - conv->pad_left;
    const int32_t channels = conv->in_channels;
    for (int32_t i = 0; i < conv->kernel_height; ++i) {
        const int32_t y = top + i * conv->dilation_height;
        for (int32_t j = 0; j < conv->kernel_width; ++j) {
            const int32_t x = left + j * conv->dilation_width;
            if (y < 0 || y >= conv->in_height || x < 0 || x >= conv->in_width) {
                for (int32_t c = 0; c < channels; ++c, fields += SPARSE_PIXELS) {
                    *fields = (int8_t)conv->input_zero;
                }
            } else {
                const int8_t *from = input + (y * conv->in_width + x) * channels;
                for (int32_t c = 0; c < channels; ++c, fields += SPARSE_PIXELS) {
                    *fields = *from++;
                }
            }
        }
    }
}

static int8_t finish(MCU_ROM sparse_conv_s8_t *conv, int32_t channel, int32_t sum)
{
    const int32_t i = conv->per_channel != 0 ? channel : 0;
    const int32_t scaled = requantize(sum, conv->multiplier[i], conv->shift[i]);
    return (int8_t)clamp(scaled + conv->output_zero, conv->min, conv->max);
}

void sparse_conv_s8(MCU_ROM sparse_conv_s8_t *conv, const int8_t *input, int8_t *output,
                    int8_t *scratch)
{
    const int32_t places = conv->kernel_height * conv->kernel_width * conv->in_channels;
    const int32_t channels = conv->out_channels;
    const int32_t pixels = conv->out_height * conv->out_width;
    for (int32_t batch = 0; batch < conv->batches; ++batch) {
        int32_t row = 0;
        int32_t column = 0;
        for (int32_t first = 0; first < pixels; first += SPARSE_PIXELS) {
            const int32_t left = pixels - first;
            const int32_t count = left < SPARSE_PIXELS ? left : SPARSE_PIXELS;
            for (int32_t p = 0; p < count; ++p) {
                gather(conv, input, row, column, scratch + p);
                if (++column == conv->out_width) {
                    column = 0;
                    ++row;
                }
            }
            /* Pixels that are not there are zero: what comes of them is dropped. */
            for (int32_t p = count; p < SPARSE_PIXELS; ++p) {
                for (int32_t k = 0; k < places; ++k) {
                    scratch[SPARSE_PIXELS * k + p] = 0;
                }
            }
            MCU_ROM uint8_t *stream = conv->stream;
            for (int32_t c = 0; c < channels; ++c) {
                const int32_t bias = conv->bias[c];
                int32_t sums[SPARSE_PIXELS] = {bias, bias, bias, bias};
                stream = conv->dot4(stream, scratch, places, sums);
                for (int32_t p = 0; p < count; ++p) {
                    output[p * channels + c] = finish(conv, c, sums[p]);
                }
            }
            output += count * channels;
        }
        input += conv->in_height * conv->in_width * conv->in_channels;
    }
}

void sparse_fully_connected_s8(MCU_ROM sparse_conv_s8_t *conv, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < conv->out_width; ++row) {
        MCU_ROM uint8_t *stream = conv->stream;
        for (int32_t c = 0; c < conv->out_channels; ++c) {
            int32_t sum = conv->bias[c];
            stream = conv->dot1(stream, input, conv->in_channels, &sum);
            *output++ = finish(conv, c, sum);
        }
        input += conv->in_channels;
    }
}
