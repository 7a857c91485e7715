/* The framed requests. */
#ifndef MON_REQUEST_H
#define MON_REQUEST_H

#include <stddef.h>

/* Carries out the request in mon_buffer. */
void mon_request(size_t payload_bytes);

/* A frame that did not arrive whole: counted, and nothing else; the host will ask again. */
void mon_request_broken(void);

#endif
