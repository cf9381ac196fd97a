/* DeleteQueue and PurgeQueue. */
#include "gateway/clock.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/notes.h"

enum call_outcome action_delete_queue(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	int error;

	if (queue == NULL)
		return CALL_FAILED;
	error = rlq_queue_remove(call->gateway->directory, call->queue);
	if (error) {
		failure_from_library(&call->failure, error);
		return CALL_FAILED;
	}
	recent_begin(&call->gateway->deleted, call->queue, clock_now_ms());
	notes_drop(call->gateway->notes, queue);
	handles_drop(call->handles, call->queue);
	return CALL_DONE;
}

enum call_outcome action_purge_queue(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	int error;

	if (queue == NULL)
		return CALL_FAILED;
	if (!recent_begin(&call->gateway->purged, call->queue, clock_now_ms()))
		return call_fail(call, PURGE_IN_PROGRESS,
				 "Only one PurgeQueue operation on %s is allowed every 60 seconds.", call->queue);
	error = rlq_purge(queue, NULL);
	if (error == 0)
		return CALL_DONE;
	recent_undo(&call->gateway->purged, call->queue);
	failure_from_library(&call->failure, error);
	return CALL_FAILED;
}
