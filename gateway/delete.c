/* DeleteMessage and DeleteMessageBatch. */
#include "gateway/batch.h"
#include "gateway/call.h"
#include "gateway/fifo.h"
#include "gateway/in_flight.h"
#include "gateway/parameter.h"
#include "gateway/receipts.h"

/* Also when it is not known whether that lasts: tried again, it is stale. */
static bool was_deleted(int error)
{
	return error == 0 || error == RLQ_EUNKNOWN || error == RLQ_EJOURNAL;
}

/* What the library has answered, as AWS would have. */
static bool delete_settle(const json_t *input, struct rlq_queue *queue, const struct rlq_receipt *receipt,
			  int error, struct failure *failure)
{
	if (was_deleted(error)) {
		receipt_note_deleted(receipt);
		in_flight_add(queue, -1);
	}
	if (error == 0)
		return true;
	if (error != RLQ_ESTALE)
		return receipt_failure(failure, input, error);
	if (queue_is_fifo(queue) && !receipt_was_deleted(receipt))
		return parameter_failure(failure, "ReceiptHandle", input_text(input, "ReceiptHandle"),
					 "The receipt handle has expired.");
	return true; /* the message is gone, or another's by now, whom it is left to */
}

enum call_outcome action_delete_message(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	struct rlq_receipt receipt;
	int error;

	if (queue == NULL || !receipt_read(call->input, &receipt, &call->failure))
		return CALL_FAILED;
	error = rlq_delete(queue, &receipt);
	return delete_settle(call->input, queue, &receipt, error, &call->failure) ? CALL_DONE : CALL_FAILED;
}

/* The receipts of a batch that are some, and which entries they are of. */
struct deletes {
	struct rlq_receipt receipts[BATCH_MAX];
	const json_t *entries[BATCH_MAX];
	int results[BATCH_MAX];
	size_t count;
};

static bool receipts_collect(struct call *call, const json_t *entries, struct deletes *ret)
{
	size_t i;
	json_t *entry;

	*ret = (struct deletes){0};
	json_array_foreach(entries, i, entry)
	{
		if (receipt_read(entry, &ret->receipts[ret->count], &call->failure))
			ret->entries[ret->count++] = entry;
		else if (!batch_failed(call, entry, &call->failure))
			return false;
	}
	return true;
}

static bool results_write(struct call *call, struct rlq_queue *queue, const struct deletes *deletes)
{
	for (size_t i = 0; i < deletes->count; i++) {
		const json_t *entry = deletes->entries[i];

		if (!delete_settle(entry, queue, &deletes->receipts[i], deletes->results[i], &call->failure)) {
			if (!batch_failed(call, entry, &call->failure))
				return false;
		} else if (batch_succeeded(call, entry) == NULL) {
			return false;
		}
	}
	return true;
}

enum call_outcome action_delete_message_batch(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	const json_t *entries = queue ? batch_entries(call, "DeleteMessageBatchRequestEntry") : NULL;
	struct deletes deletes;
	int error = 0;

	if (entries == NULL)
		return CALL_FAILED;
	if (!receipts_collect(call, entries, &deletes))
		return call_out_of_memory(call);
	if (deletes.count > 0)
		error = rlq_delete_batch(queue, deletes.receipts, deletes.count, deletes.results);
	if (error == RLQ_EREMOVED)
		return call_fail_library(call, error);
	/* Of what was done it is not known whether it lasts. */
	for (size_t i = 0; error < 0 && i < deletes.count; i++)
		if (deletes.results[i] == 0)
			deletes.results[i] = error;
	return results_write(call, queue, &deletes) ? CALL_DONE : call_out_of_memory(call);
}
