#include "gateway/outgoing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/fifo.h"
#include "gateway/gateway.h"
#include "gateway/message.h"
#include "gateway/parameter.h"

enum { DELAY_MAX_S = 900 };

#define ID_REASON(name) name " can only include alphanumeric and punctuation characters. 1 to 128 in length."

/* ---- reading ---------------------------------------------------------------------------------- */

static bool body_read(const json_t *input, struct outgoing *outgoing, struct failure *failure)
{
	const json_t *body = json_object_get(input, "MessageBody");

	outgoing->body = json_string_value(body);
	outgoing->body_bytes = json_string_length(body);
	if (outgoing->body_bytes == 0)
		return failure_missing(failure, "MessageBody");
	if (!text_is_allowed(outgoing->body, outgoing->body_bytes))
		return failure_set(failure, INVALID_MESSAGE_CONTENTS, "%s", TEXT_NOT_ALLOWED);
	return true;
}

static bool delay_read(const struct call *call, const json_t *input, bool is_fifo, struct outgoing *outgoing,
		       struct failure *failure)
{
	int64_t seconds = input_integer(input, "DelaySeconds", -1);
	int64_t most = call->gateway->relaxed_limits ? RLQ_DELAY_MAX_MS / 1000 : DELAY_MAX_S;
	char text[24], reason[64];

	outgoing->delay_ms = RLQ_DEFAULT;
	if (json_object_get(input, "DelaySeconds") == NULL)
		return true;
	snprintf(reason, sizeof(reason), "DelaySeconds must be >= 0 and <= %" PRId64 ".", most);
	if (!parameter_in_range(failure, "DelaySeconds", seconds, 0, most, reason))
		return false;
	outgoing->delay_ms = seconds * 1000;
	if (!is_fifo || seconds == 0)
		return true;
	snprintf(text, sizeof(text), "%" PRId64, seconds);
	return parameter_failure(failure, "DelaySeconds", text,
				 "The request include parameter that is not valid for this queue type.");
}

static bool ids_read(const json_t *input, bool is_fifo, struct outgoing *outgoing, struct failure *failure)
{
	outgoing->group = input_text(input, "MessageGroupId");
	outgoing->dedup_id = input_text(input, "MessageDeduplicationId");
	if (outgoing->dedup_id && !is_fifo)
		return parameter_failure(failure, "MessageDeduplicationId", outgoing->dedup_id,
					 "The request includes a parameter that is not valid for this queue type.");
	if (outgoing->group == NULL && is_fifo)
		return failure_missing(failure, "MessageGroupId");
	if (outgoing->group && !message_id_is_valid(outgoing->group))
		return parameter_failure(failure, "MessageGroupId", outgoing->group, ID_REASON("MessageGroupId"));
	if (outgoing->dedup_id && !message_id_is_valid(outgoing->dedup_id))
		return parameter_failure(failure, "MessageDeduplicationId", outgoing->dedup_id,
					 ID_REASON("MessageDeduplicationId"));
	return true;
}

size_t outgoing_bytes(const json_t *input)
{
	return json_string_length(json_object_get(input, "MessageBody")) +
	       attributes_bytes(json_object_get(input, "MessageAttributes"));
}

static uint64_t bytes_max_of(const struct call *call, struct rlq_queue *queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	rlq_queue_get_attributes(queue, &attributes);
	if (!call->gateway->relaxed_limits && attributes.message_bytes_max > MESSAGE_BYTES_MAX)
		return MESSAGE_BYTES_MAX;
	return attributes.message_bytes_max;
}

/* The request's own is asked for. The header of HTTP is not, and is left out if it can be none. */
static bool trace_find(const struct call *call, const json_t *input, struct outgoing *outgoing,
		       struct failure *failure)
{
	const char *header = call->trace_header;
	size_t bytes = header ? strlen(header) : 0;

	outgoing->system = (struct rlq_attribute){0};
	if (!trace_read(json_object_get(input, "MessageSystemAttributes"), &outgoing->system, failure))
		return false;
	outgoing->trace = outgoing->system.value;
	if (outgoing->trace == NULL && bytes > 0 && bytes <= RLQ_TRACE_MAX && text_is_allowed(header, bytes))
		outgoing->trace = header;
	return true;
}

bool outgoing_read(const struct call *call, struct rlq_queue *queue, const json_t *input,
		   struct outgoing *ret_outgoing, struct failure *failure)
{
	const bool is_fifo = queue_is_fifo(queue);

	return body_read(input, ret_outgoing, failure) && delay_read(call, input, is_fifo, ret_outgoing, failure) &&
	       ids_read(input, is_fifo, ret_outgoing, failure) && trace_find(call, input, ret_outgoing, failure) &&
	       attributes_read(json_object_get(input, "MessageAttributes"), &ret_outgoing->attributes, failure);
}

void outgoing_free(struct outgoing *outgoing)
{
	attributes_free(&outgoing->attributes);
}

/* ---- answering -------------------------------------------------------------------------------- */

bool outgoing_failure(const struct call *call, struct rlq_queue *queue, int error, const char *too_long,
		      struct failure *failure)
{
	switch (error) {
	case RLQ_ETOOBIG:
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "%s Reason: Message must be shorter than %" PRIu64 " bytes.", too_long,
				   bytes_max_of(call, queue));
	case RLQ_ENODEDUP:
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "The queue should either have ContentBasedDeduplication enabled or "
				   "MessageDeduplicationId provided explicitly");
	default:
		return failure_from_library(failure, error);
	}
}

static int set_digest(json_t *result, const char *name, struct rlq_attribute *attributes, size_t count)
{
	char md5[MD5_TEXT_BYTES];

	md5_of_attributes(attributes, count, md5);
	return json_object_set_new_nocheck(result, name, json_stringn_nocheck(md5, MD5_TEXT_BYTES - 1));
}

bool outgoing_result(struct outgoing *outgoing, const struct rlq_sent *sent, json_t *result)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES], md5[MD5_TEXT_BYTES], sequence[SEQUENCE_TEXT_BYTES];
	int failed;

	rlq_message_id_format(&sent->id, id);
	md5_of_body(outgoing->body, outgoing->body_bytes, md5);
	failed = json_object_set_new_nocheck(result, "MessageId", json_string_nocheck(id));
	failed |= json_object_set_new_nocheck(result, "MD5OfMessageBody",
					      json_stringn_nocheck(md5, MD5_TEXT_BYTES - 1));
	if (outgoing->attributes.count > 0)
		failed |= set_digest(result, "MD5OfMessageAttributes", outgoing->attributes.list,
				     outgoing->attributes.count);
	if (outgoing->system.value)
		failed |= set_digest(result, "MD5OfMessageSystemAttributes", &outgoing->system, 1);
	if (sent->sequence > 0) {
		sequence_format(sent->sequence, sequence);
		failed |= json_object_set_new_nocheck(result, "SequenceNumber", json_string_nocheck(sequence));
	}
	return !failed;
}
