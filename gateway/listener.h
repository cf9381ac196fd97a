/* The socket that clients connect to. */
#ifndef GATEWAY_LISTENER_H
#define GATEWAY_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

enum { LISTENER_URL_BYTES = 128 };

/* `host`: an address, or a name of one; `port` 0: any that is free. The descriptor, or a negative errno, with
 * `ret_fault` saying what could not be done. */
int listener_open(const char *host, uint16_t port, char ret_fault[256]);

/* "http://127.0.0.1:9324": where it really listens. */
void listener_url(int fd, bool is_tls, char ret_url[LISTENER_URL_BYTES]);

#endif
