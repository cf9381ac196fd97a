/* StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>

#include "gateway/address.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/moves.h"
#include "gateway/sources.h"

enum { HANDLE_BYTES = 1024 }; /* of its JSON */

static bool refuse(struct call *call, const char *text)
{
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE, "%s", text);
}

/* An error of moves.h. */
static bool fail(struct call *call, int error)
{
	if (error <= RLQ_EFULL)
		return failure_from_library(&call->failure, error);
	return failure_set(&call->failure, INTERNAL_FAILURE, "The task could not be written: %s", strerror(-error));
}

static bool copy_arn(char ret_arn[ADDRESS_TEXT_BYTES], const char *arn)
{
	return snprintf(ret_arn, ADDRESS_TEXT_BYTES, "%s", arn) < ADDRESS_TEXT_BYTES;
}

/* The queue of an ARN in the input. */
static bool find(struct call *call, const char *parameter, const char *arn, char ret_name[NAME_TEXT_BYTES],
		 struct rlq_queue **ret_queue)
{
	int error;

	if (strlen(arn) >= ADDRESS_TEXT_BYTES || !address_from_arn(arn, ret_name))
		return failure_set(&call->failure, INVALID_PARAMETER_VALUE,
				   "You must use this format to specify the %s: "
				   "arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
				   parameter);
	error = handles_get(call->handles, ret_name, ret_queue);
	if (error == RLQ_ENOQUEUE || error == RLQ_ENAME)
		return failure_set(&call->failure, RESOURCE_NOT_FOUND,
				   "The resource that you specified for the %s parameter doesn't exist.",
				   parameter);
	return error ? failure_from_library(&call->failure, error) : true;
}

/* ---- task handles: base64 of {"taskId":...,"sourceArn":...} ----------------------------------- */

static json_t *handle_format(const struct move *move)
{
	json_t *object = json_pack("{s:s, s:s}", "taskId", move->id, "sourceArn", move->source_arn);
	char *text = json_dumps(object, JSON_COMPACT);
	char handle[BASE64_ENCODE_RAW_LENGTH(HANDLE_BYTES) + 1] = "";
	size_t bytes = text ? strlen(text) : 0;

	if (bytes <= HANDLE_BYTES) {
		base64_encode_raw(handle, bytes, (const uint8_t *)text);
		handle[BASE64_ENCODE_RAW_LENGTH(bytes)] = '\0';
	}
	free(text);
	json_decref(object);
	return json_string(handle);
}

/* NULL: it is none. */
static json_t *handle_parse(const char *handle)
{
	struct base64_decode_ctx decode;
	uint8_t text[HANDLE_BYTES + 3];
	size_t length = strlen(handle), bytes = sizeof(text);
	json_t *object;

	if (length > BASE64_ENCODE_RAW_LENGTH(HANDLE_BYTES))
		return NULL;
	base64_decode_init(&decode);
	if (!base64_decode_update(&decode, &bytes, text, length, handle) || !base64_decode_final(&decode))
		return NULL;
	object = json_loadb((const char *)text, bytes, 0, NULL);
	if (input_text(object, "taskId") && input_text(object, "sourceArn"))
		return object;
	json_decref(object);
	return NULL;
}

/* ---- start ------------------------------------------------------------------------------------ */

static bool read_source(struct call *call, struct move *ret)
{
	const char *arn = input_text(call->input, "SourceArn");
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	struct rlq_queue *queue;
	int error;

	if (!find(call, "SourceArn", arn, ret->source, &queue))
		return false;
	copy_arn(ret->source_arn, arn);
	snprintf(call->queue, sizeof(call->queue), "%s", ret->source);
	if (!source_exists(call->gateway->directory, ret->source))
		return refuse(call, "Source queue must be configured as a Dead Letter Queue.");
	error = rlq_queue_stat(queue, &stat);
	ret->to_move = stat.visible;
	return error ? failure_from_library(&call->failure, error) : true;
}

static bool is_fifo(const char *name)
{
	return strchr(name, '.') != NULL;
}

static bool read_destination(struct call *call, struct move *ret)
{
	const char *arn = input_text(call->input, "DestinationArn");
	struct rlq_queue *queue;

	if (arn == NULL)
		return true;
	if (!find(call, "DestinationArn", arn, ret->destination, &queue))
		return false;
	copy_arn(ret->destination_arn, arn);
	if (strcmp(ret->destination, ret->source) == 0)
		return refuse(call, "Source queue arn and destination queue arn cannot be the same.");
	if (is_fifo(ret->destination) != is_fifo(ret->source))
		return refuse(call, "The source queue and destination queue must be of the same queue type.");
	return true;
}

static bool read_rate(struct call *call, struct move *ret)
{
	if (json_object_get(call->input, "MaxNumberOfMessagesPerSecond") == NULL)
		return true;
	ret->rate = input_integer(call->input, "MaxNumberOfMessagesPerSecond", 0);
	if (ret->rate >= 1 && ret->rate <= MOVE_RATE_MAX)
		return true;
	return refuse(call, "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a "
			    "number that's between 1 and 500.");
}

static bool start(struct call *call, struct move *move)
{
	int error = moves_start(call->gateway->moves, move);

	switch (error) {
	case 0:
		return true;
	case -EBUSY:
		return refuse(call,
			      "There is already a task running. Only one active task is allowed for a source queue "
			      "arn at a given time.");
	case -EDQUOT:
		return failure_set(&call->failure, OVER_LIMIT, "At most %d message move tasks can run at a time.",
				   MOVES_ACTIVE_MAX);
	default:
		return fail(call, error);
	}
}

enum call_outcome action_start_message_move_task(struct call *call)
{
	struct move move = {0};

	if (!read_source(call, &move) || !read_destination(call, &move) || !read_rate(call, &move) ||
	    !start(call, &move))
		return CALL_FAILED;
	json_object_set_new(call->output, "TaskHandle", handle_format(&move));
	return CALL_DONE;
}

/* ---- list ------------------------------------------------------------------------------------- */

static json_t *describe(const struct move *move)
{
	json_t *entry = json_pack("{s:s, s:s, s:I, s:I, s:I}", "Status", move_state_text(move->state), "SourceArn",
				  move->source_arn, "ApproximateNumberOfMessagesMoved", (json_int_t)move->moved,
				  "ApproximateNumberOfMessagesToMove", (json_int_t)move->to_move,
				  "StartedTimestamp", (json_int_t)move->started_ms);

	if (move->state == MOVE_RUNNING)
		json_object_set_new(entry, "TaskHandle", handle_format(move));
	if (move->destination_arn[0])
		json_object_set_new(entry, "DestinationArn", json_string(move->destination_arn));
	if (move->rate)
		json_object_set_new(entry, "MaxNumberOfMessagesPerSecond", json_integer(move->rate));
	if (move->state == MOVE_FAILED)
		json_object_set_new(entry, "FailureReason", json_string(move->failure));
	return entry;
}

enum call_outcome action_list_message_move_tasks(struct call *call)
{
	int64_t max = input_integer(call->input, "MaxResults", 1);
	struct move found[MOVES_OF_SOURCE_MAX];
	char name[NAME_TEXT_BYTES];
	struct rlq_queue *queue;
	json_t *results;
	int count;

	if (!find(call, "SourceArn", input_text(call->input, "SourceArn"), name, &queue))
		return CALL_FAILED;
	snprintf(call->queue, sizeof(call->queue), "%s", name);
	if (max < 1 || max > MOVES_OF_SOURCE_MAX)
		return call_fail(
			call, INVALID_PARAMETER_VALUE,
			"Value for parameter MaxResults is invalid. Reason: You must enter a number that's "
			"between 1 and 10.");
	count = moves_list(call->gateway->moves, queue, found, (size_t)max);
	if (count < 0) {
		failure_from_library(&call->failure, count);
		return CALL_FAILED;
	}
	results = json_array();
	for (int i = 0; i < count; i++)
		json_array_append_new(results, describe(&found[i]));
	json_object_set_new(call->output, "Results", results);
	return CALL_DONE;
}

/* ---- cancel ----------------------------------------------------------------------------------- */

static bool cancel(struct call *call, const json_t *handle)
{
	struct rlq_queue *queue;
	uint64_t moved;
	int error;

	if (!find(call, "SourceArn", input_text(handle, "sourceArn"), call->queue, &queue))
		return false;
	error = moves_cancel(call->gateway->moves, queue, input_text(handle, "taskId"), &moved);
	if (error == -ESRCH)
		return failure_set(&call->failure, RESOURCE_NOT_FOUND, "Task does not exist.");
	if (error)
		return fail(call, error);
	json_object_set_new(call->output, "ApproximateNumberOfMessagesMoved", json_integer((json_int_t)moved));
	return true;
}

enum call_outcome action_cancel_message_move_task(struct call *call)
{
	json_t *handle = handle_parse(input_text(call->input, "TaskHandle"));
	bool is_good;

	if (handle == NULL)
		return call_fail(call, INVALID_PARAMETER_VALUE, "Value for parameter TaskHandle is invalid.");
	is_good = cancel(call, handle);
	json_decref(handle);
	return is_good ? CALL_DONE : CALL_FAILED;
}
