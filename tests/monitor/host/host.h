#ifndef HOST_H
#define HOST_H

#include <stdint.h>

/* The number in an environment variable. */
long host_option(const char *name, long otherwise);

/* Lets the virtual counter run on. */
void host_pass(uint64_t ticks);

#endif
