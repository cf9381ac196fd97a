/* A message that is to be sent: what SendMessage, or an entry of SendMessageBatch, says of it. */
#ifndef GATEWAY_OUTGOING_H
#define GATEWAY_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <ringlease.h>

#include "gateway/attributes.h"
#include "gateway/call.h"

struct outgoing {
	const char *body;
	size_t body_bytes;
	struct attributes attributes;
	const char *group, *dedup_id;
	int64_t delay_ms;
	struct rlq_attribute system; /* AWSTraceHeader; its value is NULL if it was not given */
	const char *trace;	     /* that, else the header of HTTP; NULL: none */
};

/* Reads `input` and checks all that the library does not. False: `failure` has why, and there is nothing to free.
 * The texts are those of `input`. */
bool outgoing_read(const struct call *call, struct rlq_queue *queue, const json_t *input,
		   struct outgoing *ret_outgoing, struct failure *failure);
void outgoing_free(struct outgoing *outgoing);

/* Of a message that may be anything. */
size_t outgoing_bytes(const json_t *input);

/* Sets the failure for a code of the library; `too_long` is what it says first of a message that is. */
bool outgoing_failure(const struct call *call, struct rlq_queue *queue, int error, const char *too_long,
		      struct failure *failure);

/* Adds to the result: the message's id, its digests, its sequence number. False: out of memory. */
bool outgoing_result(struct outgoing *outgoing, const struct rlq_sent *sent, json_t *result);

#endif
