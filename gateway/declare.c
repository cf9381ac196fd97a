/* Queues that are declared in a file: the actions of the API, called with what the file says. */
#include "gateway/declare.h"

#include "gateway/address.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDLES_OPEN_MAX = 16 };

static int say(const char *path, const char *queue, const char *what)
{
	fprintf(stderr, "ringlease-sqs: %s: %s%s%s\n", path, queue ? queue : "", queue ? ": " : "", what);
	return EXIT_FAILURE;
}

/* One action, with this input; failures go to `ret_failure`. */
static bool act(struct gateway *gateway, struct handles *handles, const char *action, json_t *input,
		struct failure *ret_failure)
{
	struct call call = {.gateway = gateway,
			    .handles = handles,
			    .input = input,
			    .output = json_object(),
			    .base_url = "http://localhost",
			    .region = gateway->region};
	bool is_done = shape_check(shape_find(action), input, &call.failure) &&
		       action_find(action)->run(&call) == CALL_DONE;

	*ret_failure = call.failure;
	json_decref(call.output);
	return is_done;
}

/* With a part of what the file says of it, under the name that the action has for it. */
static bool set(struct gateway *gateway, struct handles *handles, const char *action, const json_t *queue,
		const char *part, const char *member, struct failure *ret_failure)
{
	json_t *value = json_object_get(queue, part), *input;
	bool is_done;

	if (json_object_size(value) == 0)
		return true;
	input = json_pack("{s:O, s:O}", "QueueUrl", json_object_get(queue, "QueueName"), member, value);
	is_done = act(gateway, handles, action, input, ret_failure);
	json_decref(input);
	return is_done;
}

/* Without what names other queues, which may come later in the file. */
static json_t *first_input(const json_t *queue)
{
	json_t *input = json_deep_copy(queue), *attributes = json_object_get(input, "Attributes");

	json_object_del(attributes, "RedrivePolicy");
	json_object_del(attributes, "RedriveAllowPolicy");
	return input;
}

static bool exists(struct handles *handles, const char *name)
{
	struct rlq_queue *queue;

	return handles_get(handles, name, &queue) == 0;
}

static bool make(struct gateway *gateway, struct handles *handles, const json_t *queue, struct failure *ret_failure)
{
	json_t *input;
	bool is_done;

	if (exists(handles, input_text(queue, "QueueName")))
		return true;
	input = first_input(queue);
	is_done = act(gateway, handles, "CreateQueue", input, ret_failure);
	json_decref(input);
	return is_done;
}

static bool settle(struct gateway *gateway, struct handles *handles, const json_t *queue,
		   struct failure *ret_failure)
{
	return set(gateway, handles, "SetQueueAttributes", queue, "Attributes", "Attributes", ret_failure) &&
	       set(gateway, handles, "TagQueue", queue, "tags", "Tags", ret_failure);
}

static int declare_all(struct gateway *gateway, struct handles *handles, const json_t *queues, const char *path)
{
	bool (*const passes[])(struct gateway *, struct handles *, const json_t *, struct failure *) = {make,
													settle};
	struct failure failure = {0};
	json_t *queue;
	size_t i;

	for (size_t pass = 0; pass < sizeof(passes) / sizeof(passes[0]); pass++)
		json_array_foreach(queues, i,
				   queue) if (!passes[pass](gateway, handles, queue,
							    &failure)) return say(path,
										  input_text(queue, "QueueName"),
										  failure.message);
	return 0;
}

/* Each an object with a name; what else is wrong the actions say. */
static int check(const json_t *queues, const char *path)
{
	const json_t *queue;
	size_t i;

	if (!json_is_array(queues))
		return say(path, NULL, "is no JSON list of queues: [{\"QueueName\": \"jobs\"}]");
	json_array_foreach(queues, i, queue) if (input_text(queue, "QueueName") ==
						 NULL) return say(path, NULL, "a queue has no \"QueueName\"");
	return 0;
}

int declare_queues(struct gateway *gateway, const char *path)
{
	json_error_t error;
	json_t *queues = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	struct handles *handles;
	char fault[300];
	int status;

	if (queues == NULL) {
		snprintf(fault, sizeof(fault), "line %d: %s", error.line, error.text);
		return say(path, NULL, fault);
	}
	handles = handles_open(gateway->directory, HANDLES_OPEN_MAX);
	status = handles ? check(queues, path) : say(path, NULL, "out of memory");
	if (status == 0)
		status = declare_all(gateway, handles, queues, path);
	handles_close(handles);
	json_decref(queues);
	return status;
}
