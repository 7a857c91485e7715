/* tiny on the Arduino Uno: start the chip, then answer the host. */
#include "monitor.h"
#include "port.h"

#ifndef PIO_UNIT_TESTING
int main(void)
{
    port_init();
    monitor_run();
}
#endif
