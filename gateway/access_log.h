/* One line for each request, to stderr. */
#ifndef GATEWAY_ACCESS_LOG_H
#define GATEWAY_ACCESS_LOG_H

#include <stdint.h>

#include "gateway/exchange.h"

/* Time, client, request, action, queue, status, bytes, milliseconds, request id, code of a failure. */
void access_log(const struct exchange *exchange, int64_t took_ms);

#endif
