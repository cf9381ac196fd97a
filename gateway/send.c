/* SendMessage and SendMessageBatch. */
#include <string.h>

#include "gateway/batch.h"
#include "gateway/call.h"
#include "gateway/fifo.h"
#include "gateway/gateway.h"
#include "gateway/message.h"
#include "gateway/outgoing.h"

/* Even an empty list is one; a batch is refused as a whole. */
static bool lists_check(const json_t *input, const char *action, struct failure *failure)
{
	if (!attributes_have_lists(json_object_get(input, "MessageAttributes")))
		return true;
	return failure_set(failure, UNSUPPORTED_OPERATION,
			   "Message attribute list values in %s operation are not supported.", action);
}

/* ---- one -------------------------------------------------------------------------------------- */

static int send_one(const struct call *call, struct rlq_queue *queue, const struct outgoing *outgoing,
		    struct rlq_sent *ret_sent)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	if (!call->gateway->relaxed_limits && outgoing_bytes(call->input) > MESSAGE_BYTES_MAX)
		return RLQ_ETOOBIG;
	options.delay_ms = outgoing->delay_ms;
	options.attributes = outgoing->attributes.list;
	options.attribute_count = outgoing->attributes.count;
	options.group = outgoing->group;
	options.dedup_id = outgoing->dedup_id;
	options.trace = outgoing->trace;
	options.ret_sent = ret_sent;
	return rlq_send(queue, outgoing->body, outgoing->body_bytes, &options, NULL);
}

enum call_outcome action_send_message(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	enum call_outcome outcome = CALL_DONE;
	struct outgoing outgoing;
	struct rlq_sent sent;
	int error;

	if (queue == NULL || !lists_check(call->input, "SendMessage", &call->failure) ||
	    !outgoing_read(call, queue, call->input, &outgoing, &call->failure))
		return CALL_FAILED;
	error = send_one(call, queue, &outgoing, &sent);
	if (error) {
		outgoing_failure(call, queue, error, "One or more parameters are invalid.", &call->failure);
		outcome = CALL_FAILED;
	} else if (!outgoing_result(&outgoing, &sent, call->output)) {
		outcome = call_out_of_memory(call);
	}
	outgoing_free(&outgoing);
	return outcome;
}

/* ---- a batch: the request as a whole ---------------------------------------------------------- */

static bool total_check(const struct call *call, const json_t *entries, struct failure *failure)
{
	size_t i, bytes = 0;
	json_t *entry;

	json_array_foreach(entries, i, entry) bytes += outgoing_bytes(entry);
	if (call->gateway->relaxed_limits || bytes <= MESSAGE_BYTES_MAX)
		return true;
	return failure_set(failure, BATCH_REQUEST_TOO_LONG,
			   "Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
			   MESSAGE_BYTES_MAX, bytes);
}

static bool makes_dedup_ids(struct rlq_queue *queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	return rlq_queue_get_attributes(queue, &attributes) == 0 && attributes.content_dedup;
}

static bool entries_lists_check(const json_t *entries, struct failure *failure)
{
	size_t i;
	json_t *entry;

	json_array_foreach(entries, i, entry)
	{
		if (!lists_check(entry, "SendMessageBatch", failure))
			return false;
	}
	return true;
}

/* Of a FIFO queue: ids that are missing in one entry refuse all of them. */
static bool fifo_ids_check(struct call *call, struct rlq_queue *queue, const json_t *entries)
{
	size_t i;
	json_t *entry;

	if (!queue_is_fifo(queue))
		return true;
	json_array_foreach(entries, i, entry)
	{
		if (input_text(entry, "MessageGroupId") == NULL)
			return failure_set(&call->failure, INVALID_PARAMETER_VALUE,
					   "The request must contain the parameter MessageGroupId.");
		if (input_text(entry, "MessageDeduplicationId") == NULL && !makes_dedup_ids(queue))
			return outgoing_failure(call, queue, RLQ_ENODEDUP, NULL, &call->failure);
	}
	return true;
}

/* ---- a batch: its entries --------------------------------------------------------------------- */

/* The entries that are good so far. */
struct sends {
	struct outgoing outgoing[BATCH_MAX];
	const json_t *entries[BATCH_MAX];
	struct rlq_send_entry native[BATCH_MAX];
	struct rlq_sent sent[BATCH_MAX];
	size_t count;
};

static struct rlq_send_entry native_of(const struct outgoing *outgoing)
{
	return (struct rlq_send_entry){
		.body = outgoing->body,
		.body_bytes = outgoing->body_bytes,
		.attributes = outgoing->attributes.list,
		.attribute_count = outgoing->attributes.count,
		.delay_ms = outgoing->delay_ms,
		.group = outgoing->group,
		.dedup_id = outgoing->dedup_id,
		.trace = outgoing->trace,
	};
}

static bool sends_collect(struct call *call, struct rlq_queue *queue, const json_t *entries, struct sends *sends)
{
	size_t i;
	json_t *entry;

	json_array_foreach(entries, i, entry)
	{
		struct outgoing *outgoing = &sends->outgoing[sends->count];

		if (!outgoing_read(call, queue, entry, outgoing, &call->failure)) {
			if (!batch_failed(call, entry, &call->failure))
				return false;
			continue;
		}
		sends->native[sends->count] = native_of(outgoing);
		sends->entries[sends->count++] = entry;
	}
	return true;
}

/* Of those from `at` on, `count` were sent. */
static bool sends_succeeded(struct call *call, struct sends *sends, size_t at, size_t count)
{
	for (size_t i = at; i < at + count; i++) {
		json_t *result = batch_succeeded(call, sends->entries[i]);

		if (result == NULL || !outgoing_result(&sends->outgoing[i], &sends->sent[i], result))
			return false;
	}
	return true;
}

/* Tells of each entry what has become of it. Where one is refused the library ends, and says why once that one is
 * the first; the others go on. False: out of memory. */
static bool sends_go(struct call *call, struct rlq_queue *queue, struct sends *sends)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	bool is_unknown = false; /* sent again, it could be there twice */
	int result = 0;

	for (size_t at = 0; at < sends->count;) {
		options.ret_sent = &sends->sent[at];
		if (!is_unknown)
			result = rlq_send_batch(queue, &sends->native[at], sends->count - at, &options, NULL);
		if (result > 0) {
			if (!sends_succeeded(call, sends, at, (size_t)result))
				return false;
			at += (size_t)result;
			continue;
		}
		is_unknown = result == RLQ_EUNKNOWN;
		outgoing_failure(call, queue, result, "One or more parameters cannot be validated.",
				 &call->failure);
		if (!batch_failed(call, sends->entries[at++], &call->failure))
			return false;
	}
	return true;
}

enum call_outcome action_send_message_batch(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	const json_t *entries = queue ? batch_entries(call, "SendMessageBatchRequestEntry") : NULL;
	struct sends sends;
	bool is_told;

	if (entries == NULL || !entries_lists_check(entries, &call->failure) ||
	    !fifo_ids_check(call, queue, entries) || !total_check(call, entries, &call->failure))
		return CALL_FAILED;
	sends.count = 0;
	is_told = sends_collect(call, queue, entries, &sends) && sends_go(call, queue, &sends);
	for (size_t i = 0; i < sends.count; i++)
		outgoing_free(&sends.outgoing[i]);
	return is_told ? CALL_DONE : call_out_of_memory(call);
}
