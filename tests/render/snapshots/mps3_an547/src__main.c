/* tiny on the Arm MPS3 with the AN547 image (virtual): start the chip, then answer the host. */
#include "monitor.h"
#include "port.h"

#ifndef PIO_UNIT_TESTING
int main(void)
{
    port_init();
    monitor_run();
}
#endif
