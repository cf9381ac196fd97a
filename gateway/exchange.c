/* Requests, as they come in. */
#include "gateway/exchange.h"

#include "gateway/clock.h"
#include "gateway/front.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_FIRST_BYTES = 4096 };

struct exchange *exchange_make(const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	const char *question = strchr(uri, '?');

	if (exchange == NULL)
		return NULL;
	exchange->connection = connection;
	exchange->path = question ? strndup(uri, (size_t)(question - uri)) : strdup(uri);
	exchange->query = strdup(question ? question + 1 : "");
	exchange->begun_ms = clock_now_ms();
	if (exchange->path && exchange->query)
		return exchange;
	exchange_free(exchange);
	return NULL;
}

void exchange_free(struct exchange *exchange)
{
	front_drop(exchange);
	free(exchange->path);
	free(exchange->query);
	free(exchange->body);
	free(exchange);
}

bool exchange_add(struct exchange *exchange, const char *data, size_t bytes, size_t bytes_max)
{
	if (bytes > bytes_max - exchange->body_bytes)
		exchange->is_too_large = true;
	if (exchange->is_too_large)
		return true;
	if (exchange->body_room - exchange->body_bytes < bytes) {
		size_t room = exchange->body_room ? exchange->body_room : BODY_FIRST_BYTES;
		char *larger;

		while (room - exchange->body_bytes < bytes)
			room *= 2;
		larger = realloc(exchange->body, room);
		if (larger == NULL)
			return false;
		exchange->body = larger;
		exchange->body_room = room;
	}
	memcpy(exchange->body + exchange->body_bytes, data, bytes);
	exchange->body_bytes += bytes;
	return true;
}
