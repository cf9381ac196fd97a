/* GET /_aws/sqs/messages?QueueUrl=...: what can be received of a queue, without receiving it. */
#ifndef GATEWAY_INSPECT_H
#define GATEWAY_INSPECT_H

#include <stdbool.h>

#include "gateway/exchange.h"

struct gateway;
struct handles;

/* Fills in the answer; true. */
bool inspect_messages(struct gateway *gateway, struct handles *handles, struct exchange *exchange);

#endif
