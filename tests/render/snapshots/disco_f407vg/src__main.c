/* tiny on the STM32F407 Discovery (STM32F407G-DISC1): start the chip, then answer the host. */
#include "monitor.h"
#include "port.h"

#ifndef PIO_UNIT_TESTING
int main(void)
{
    port_init();
    monitor_run();
}
#endif
