/* ReceiveMessage. */
#include <string.h>

#include "gateway/batch.h"
#include "gateway/call.h"
#include "gateway/clock.h"
#include "gateway/fifo.h"
#include "gateway/gateway.h"
#include "gateway/in_flight.h"
#include "gateway/incoming.h"
#include "gateway/message.h"
#include "gateway/parameter.h"

enum { WAIT_MAX_S = 20, VISIBILITY_MAX_S = 43200 };

static bool receive_check(const json_t *input, struct failure *failure)
{
	return parameter_in_range(failure, "MaxNumberOfMessages", input_integer(input, "MaxNumberOfMessages", 1), 1,
				  BATCH_MAX, "Must be between 1 and 10, if provided.") &&
	       parameter_in_range(failure, "WaitTimeSeconds", input_integer(input, "WaitTimeSeconds", 0), 0,
				  WAIT_MAX_S, "Must be >= 0 and <= 20, if provided.") &&
	       parameter_in_range(failure, "VisibilityTimeout", input_integer(input, "VisibilityTimeout", 0), 0,
				  VISIBILITY_MAX_S, "Must be >= 0 and <= 43200, if provided.");
}

static bool attempt_check(const json_t *input, const struct rlq_queue *queue, struct failure *failure)
{
	const char *name = "ReceiveRequestAttemptId", *id = input_text(input, name);

	if (id && !queue_is_fifo(queue))
		return parameter_failure(failure, name, id,
					 "The request includes a parameter that is not valid for this queue type.");
	if (id && !message_id_is_valid(id))
		return parameter_failure(failure, name, id,
					 "ReceiveRequestAttemptId can only include alphanumeric and punctuation "
					 "characters. 1 to 128 in length.");
	return true;
}

static int receive(const json_t *input, struct rlq_queue *queue, struct rlq_message *ret_messages)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	const int64_t seconds = input_integer(input, "VisibilityTimeout", -1);
	int count;

	options.wait_ms = 0;
	options.visibility_ms = seconds < 0 ? RLQ_DEFAULT : seconds * 1000;
	options.attempt_id = input_text(input, "ReceiveRequestAttemptId");
	count = rlq_receive(queue, ret_messages, (size_t)input_integer(input, "MaxNumberOfMessages", 1), &options);
	if (count > 0)
		in_flight_add(queue, count);
	return count;
}

/* The leases are the call's from here on. */
static enum call_outcome answer(struct call *call, struct rlq_queue *queue, const struct rlq_message *messages,
				int count)
{
	const struct selection selection = selection_read(call->input);
	json_t *list = json_array();
	int failed = json_object_set_new_nocheck(call->output, "Messages", list);

	for (int i = 0; i < count; i++)
		call->leased[i] = messages[i].receipt;
	call->leased_count = (uint32_t)count;
	for (int i = 0; i < count && !failed; i++)
		failed = json_array_append_new(list, incoming_to_json(call, &messages[i], &selection));
	if (!failed)
		return CALL_DONE;
	/* From the last on, so that a FIFO group begins with its first one again. */
	while (call->leased_count > 0)
		rlq_release(queue, &call->leased[--call->leased_count], 0);
	return call_out_of_memory(call);
}

static int64_t wait_ms_of(const json_t *input, struct rlq_queue *queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	if (json_object_get(input, "WaitTimeSeconds"))
		return input_integer(input, "WaitTimeSeconds", 0) * 1000;
	rlq_queue_get_attributes(queue, &attributes);
	return attributes.wait_ms;
}

/* Nothing there. A short poll of a queue that is at its limit is told so. */
static enum call_outcome wait_or_end(struct call *call, struct rlq_queue *queue, bool is_at_limit)
{
	const int64_t now_ms = clock_now_ms();

	if (call->wait_until_ms == 0) {
		call->wait_until_ms = now_ms + wait_ms_of(call->input, queue);
		if (is_at_limit && call->wait_until_ms == now_ms && !queue_is_fifo(queue))
			return call_fail(call, OVER_LIMIT,
					 "Too many messages in flight: %d of a queue at most. Delete what is done.",
					 IN_FLIGHT_MAX);
	}
	if (call->is_last || now_ms >= call->wait_until_ms)
		return CALL_DONE;
	strcpy(call->queue, rlq_queue_name(queue));
	return CALL_WAITS;
}

enum call_outcome action_receive_message(struct call *call)
{
	struct rlq_message messages[BATCH_MAX];
	struct rlq_queue *queue = call_queue(call);
	bool is_at_limit;
	int count = 0;

	if (queue == NULL || !receive_check(call->input, &call->failure) ||
	    !attempt_check(call->input, queue, &call->failure))
		return CALL_FAILED;
	is_at_limit = !call->gateway->relaxed_limits && !in_flight_allows(queue);
	if (!is_at_limit)
		count = receive(call->input, queue, messages);
	if (count > 0)
		return answer(call, queue, messages, count);
	return count < 0 ? call_fail_library(call, count) : wait_or_end(call, queue, is_at_limit);
}
