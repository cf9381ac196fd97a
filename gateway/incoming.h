/* A message that was received, as ReceiveMessage answers it. */
#ifndef GATEWAY_INCOMING_H
#define GATEWAY_INCOMING_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <ringlease.h>

#include "gateway/call.h"

/* What is asked for of each message. */
struct selection {
	uint32_t system;     /* bits of system attributes */
	const json_t *names; /* MessageAttributeNames; NULL: none */
};

/* Names that are unknown, or say nothing of messages, select nothing. */
struct selection selection_read(const json_t *input);

/* NULL: out of memory. */
json_t *incoming_to_json(const struct call *call, const struct rlq_message *message,
			 const struct selection *selection);

#endif
