/* ChangeMessageVisibility and ChangeMessageVisibilityBatch. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/batch.h"
#include "gateway/call.h"
#include "gateway/fifo.h"
#include "gateway/parameter.h"
#include "gateway/receipts.h"

enum { VISIBILITY_MAX_S = 43200 };

static bool is_too_long(int64_t seconds, struct failure *failure)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, seconds);
	return parameter_failure(failure, "VisibilityTimeout", text,
				 "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
}

/* What the library has answered, as AWS would have. */
static bool change_settle(const json_t *input, struct rlq_queue *queue, const struct rlq_receipt *receipt,
			  int error, int64_t seconds, struct failure *failure)
{
	if (error == 0)
		return true;
	if (error == RLQ_EATTRIBUTE)
		return is_too_long(seconds, failure);
	if (error != RLQ_ESTALE)
		return receipt_failure(failure, input, error);
	if (queue_is_fifo(queue) || receipt_was_deleted(receipt))
		return parameter_failure(
			failure, "ReceiptHandle", input_text(input, "ReceiptHandle"),
			"Message does not exist or is not available for visibility timeout change.");
	return true; /* another's by now, whom it is left to */
}

/* `input`: the call's, or an entry of a batch. */
static bool change(const json_t *input, struct rlq_queue *queue, struct failure *failure)
{
	const int64_t seconds = input_integer(input, "VisibilityTimeout", -1);
	struct rlq_receipt receipt;

	if (json_object_get(input, "VisibilityTimeout") == NULL)
		return failure_missing(failure, "VisibilityTimeout");
	if (!receipt_read(input, &receipt, failure) ||
	    !parameter_in_range(failure, "VisibilityTimeout", seconds, 0, VISIBILITY_MAX_S,
				"VisibilityTimeout must be >= 0 and <= 43200."))
		return false;
	return change_settle(input, queue, &receipt, rlq_extend(queue, &receipt, seconds * 1000), seconds, failure);
}

enum call_outcome action_change_message_visibility(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);

	return queue && change(call->input, queue, &call->failure) ? CALL_DONE : CALL_FAILED;
}

enum call_outcome action_change_message_visibility_batch(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	const json_t *entries = queue ? batch_entries(call, "ChangeMessageVisibilityBatchRequestEntry") : NULL;
	size_t i;
	json_t *entry;

	if (entries == NULL)
		return CALL_FAILED;
	json_array_foreach(entries, i, entry)
	{
		if (!change(entry, queue, &call->failure)) {
			if (!batch_failed(call, entry, &call->failure))
				return call_out_of_memory(call);
		} else if (batch_succeeded(call, entry) == NULL) {
			return call_out_of_memory(call);
		}
	}
	return CALL_DONE;
}
