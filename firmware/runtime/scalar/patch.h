/* Receptive fields: the bytes an output pixel is computed from. */
#ifndef SCALAR_PATCH_H
#define SCALAR_PATCH_H

#include <stdint.h>

typedef struct {
    uint16_t in_height, in_width, in_channels;
    uint16_t kernel_height, kernel_width;
    uint16_t dilation_height, dilation_width;
    int8_t in_zero; /* what padding reads as */
} scalar_field_t;

/* The field with its corner at (y, x), above or left of the image with padding, as kernel height *
 * kernel width * channels bytes in a row: in place where they lie so, else copied to `copy`. */
const int8_t *scalar_patch(const scalar_field_t *field, const int8_t *in, int32_t y, int32_t x,
                           int8_t *copy);

#endif
