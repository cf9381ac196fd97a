/* Looks into a queue: the messages that could be received, as ReceiveMessage would answer them, but for receipts.
 * JSON if the client accepts it, else XML, as the API answers. */
#include "gateway/inspect.h"

#include "gateway/answer.h"
#include "gateway/call.h"
#include "gateway/incoming.h"

enum {
	MESSAGES_A_TIME = 64,
	MESSAGES_MAX = 10000, /* of an answer */
	BYTES_MAX = 64 << 20, /* of bodies in an answer */
};

static const char everything[] = "All";

/* All that is visible, but not more than an answer holds. False: call->failure has why. */
static bool list_messages(struct call *call, struct rlq_queue *queue, const struct selection *selection,
			  json_t *list)
{
	struct rlq_message messages[MESSAGES_A_TIME];
	uint64_t cursor = 0;
	size_t bytes = 0;
	int count;

	while (json_array_size(list) < MESSAGES_MAX && bytes < BYTES_MAX &&
	       (count = rlq_peek(queue, messages, MESSAGES_A_TIME, &cursor)) != 0) {
		if (count < 0)
			return failure_from_library(&call->failure, count);
		for (int i = 0; i < count; i++) {
			json_t *message = incoming_to_json(call, &messages[i], selection);

			json_object_del(message, "ReceiptHandle");
			if (json_array_append_new(list, message) < 0)
				return failure_set(&call->failure, INTERNAL_FAILURE,
						   "The server is out of memory.");
			bytes += messages[i].body_bytes;
		}
	}
	return true;
}

enum call_outcome inspect_messages(struct call *call)
{
	json_t *all =
		json_pack("{s:[s], s:[s]}", "AttributeNames", everything, "MessageAttributeNames", everything);
	json_t *list = json_array();
	struct rlq_queue *queue = call_queue(call);
	bool is_done = false;

	if (queue) {
		struct selection selection = selection_read(all);

		is_done = list_messages(call, queue, &selection, list);
	}
	json_object_set_new(call->output, "Messages", list);
	json_decref(all);
	return is_done ? CALL_DONE : CALL_FAILED;
}
