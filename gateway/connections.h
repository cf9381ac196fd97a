/* Connections that are open. A client that sends its request too slowly, byte by byte or not at all, is cut off,
 * for each holds one of the connections that there may be. (libmicrohttpd ends those that say nothing; it begins to
 * count anew with each byte.) */
#ifndef GATEWAY_CONNECTIONS_H
#define GATEWAY_CONNECTIONS_H

#include <stdint.h>

struct connections;
struct connection;

/* A client has so long for a request, from the connection's begin or the answer to the one before. 0 or a negative
 * errno. Thread-safe, all of it. */
int connections_open(uint32_t seconds, struct connections **ret_connections);
/* All connections have ended. NULL is fine. */
void connections_close(struct connections *connections);

/* NULL: out of memory; such a one is not looked after, and the others take NULL. */
struct connection *connection_begin(struct connections *connections, int fd);
/* Before the descriptor is closed. */
void connection_end(struct connections *connections, struct connection *connection);

/* A request is whole: from here on the time is ours. */
void connection_is_asked(struct connections *connections, struct connection *connection);
/* It is answered: the client's time begins again. */
void connection_is_answered(struct connections *connections, struct connection *connection);

#endif
