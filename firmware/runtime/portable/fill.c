/* One value everywhere. */
#include <string.h>

#include "kernels.h"

void fill(void *output, MCU_ROM void *element, int32_t size, int32_t count)
{
    uint8_t *to = output;
    for (int32_t i = 0; i < count; i++) {
        MCU_ROM_COPY(to, element, (size_t)size);
        to += size;
    }
}
