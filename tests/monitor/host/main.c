#include "monitor.h"
#include "port.h"

int main(void)
{
    port_init();
    monitor_run();
    return 0;
}
