/* tiny on the Espressif ESP32-C3-DevKitM-1: start the chip, then answer the host. */
#include "monitor.h"
#include "port.h"

#ifndef PIO_UNIT_TESTING
int main(void)
{
    port_init();
    monitor_run();
}
#endif
