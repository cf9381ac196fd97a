/* CreateQueue. */
#include <string.h>

#include "gateway/address.h"
#include "gateway/clock.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/settings.h"
#include "gateway/tags.h"

enum { CREATE_TRIES = 8 };

struct creation {
	const char *name;
	const json_t *attributes, *tags;
	enum rlq_type type;
	enum rlq_durability durability;
};

/* ---- what is asked for ------------------------------------------------------------------------ */

static bool refuse_name(struct call *call)
{
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE,
			   "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

/* The name says the type, and FifoQueue must say the same. */
static bool read_name(struct call *call, struct creation *ret)
{
	size_t length = strlen(ret->name),
	       stem = strspn(ret->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
					"wxyz0123456789_-");
	bool is_named_fifo = strcmp(ret->name + stem, ".fifo") == 0, is_fifo = false;
	const char *given = input_text(ret->attributes, "FifoQueue");

	if (stem == 0 || length > RLQ_NAME_MAX || (stem != length && !is_named_fifo))
		return refuse_name(call);
	if (given && !settings_boolean(given, &is_fifo))
		return settings_refuse(call, "FifoQueue");
	ret->type = is_fifo ? RLQ_FIFO : RLQ_STANDARD;
	return is_fifo == is_named_fifo ? true : refuse_name(call);
}

static bool read_creation(struct call *call, struct creation *ret)
{
	*ret = (struct creation){
		.name = input_text(call->input, "QueueName"),
		.attributes = json_object_get(call->input, "Attributes"),
		.tags = json_object_get(call->input, "tags"),
	};
	return read_name(call, ret) && tags_check(call, ret->name, ret->tags) &&
	       tags_durability(call, ret->tags, call->gateway->durability, &ret->durability);
}

/* ---- one that is there ------------------------------------------------------------------------ */

/* As texts, and of policies what they mean. */
static bool is_same(const json_t *a, const json_t *b)
{
	json_t *document_a, *document_b;
	bool is;

	if (json_equal(a, b) || a == NULL || b == NULL)
		return json_equal(a, b) || a == b;
	document_a = json_loads(json_string_value(a), 0, NULL);
	document_b = json_loads(json_string_value(b), 0, NULL);
	is = document_a && document_b && json_equal(document_a, document_b);
	json_decref(document_a);
	json_decref(document_b);
	return is;
}

static bool is_same_value(const struct call *call, const struct settings *a, const struct settings *b,
			  const char *name)
{
	json_t *value_a = settings_value(call, a, name), *value_b = settings_value(call, b, name);
	bool is = is_same(value_a, value_b);

	json_decref(value_a);
	json_decref(value_b);
	return is;
}

static bool refuse_difference(struct call *call, const char *kind, const char *name)
{
	return failure_set(&call->failure, QUEUE_NAME_EXISTS,
			   "A queue already exists with the same name and a different value for %s %s", kind, name);
}

/* What is given is as it is; what is not given does not matter. */
static bool compare_to(struct call *call, const struct creation *creation, const struct settings *is,
		       struct settings *wanted)
{
	const char *name;
	json_t *value;

	if (!settings_take(call, wanted, creation->attributes))
		return false;
	json_object_foreach((json_t *)creation->attributes, name,
			    value) if (!is_same_value(call, is, wanted,
						      name)) return refuse_difference(call, "attribute", name);
	if (input_text(creation->tags, TAG_DURABILITY) && creation->durability != is->native.durability)
		return refuse_difference(call, "tag", TAG_DURABILITY);
	return true;
}

static bool compare(struct call *call, struct rlq_queue *queue, const struct creation *creation)
{
	struct settings is, wanted;
	bool is_good = settings_read(call, queue, &is);

	if (!is_good)
		return false;
	is_good = settings_read(call, queue, &wanted);
	if (is_good) {
		is_good = compare_to(call, creation, &is, &wanted);
		settings_free(&wanted);
	}
	settings_free(&is);
	return is_good;
}

/* ---- a new one -------------------------------------------------------------------------------- */

static bool refuse_creation(struct call *call, const struct creation *creation, int error)
{
	const char *directory = rlq_directory_path(call->gateway->directory);

	if (error != RLQ_EENGINE)
		return failure_from_library(&call->failure, error);
	return failure_set(
		&call->failure, SERVICE_UNAVAILABLE,
		"Queue %s is to be durable, and no engine that keeps a journal serves %s: start ringleased "
		"--dir %s, or this endpoint with --data DIR, or tag the queue " TAG_DURABILITY "=memory",
		creation->name, directory, directory);
}

/* What the library does not keep. Without it the queue is not what was asked for: it goes again. */
static bool write_notes(struct call *call, const struct creation *creation, struct settings *settings)
{
	struct rlq_queue *queue;
	int error = handles_get(call->handles, creation->name, &queue);

	if (error)
		return failure_from_library(&call->failure, error);
	settings->is_native_changed = false; /* it was made so */
	if (settings_write(call, queue, settings) && tags_write(call, queue, creation->tags))
		return true;
	rlq_queue_remove(call->gateway->directory, creation->name);
	handles_drop(call->handles, creation->name);
	return false;
}

/* 1: it is made, 0: it was there, -1: neither. */
static int create_with(struct call *call, const struct creation *creation, struct settings *settings)
{
	int result;

	settings->native.durability = creation->durability;
	if (!settings_take(call, settings, creation->attributes))
		return -1;
	if (call->gateway->waits_after_delete &&
	    recent_was(&call->gateway->deleted, creation->name, clock_now_ms())) {
		call_fail(call, QUEUE_DELETED_RECENTLY,
			  "You must wait 60 seconds after deleting a queue before you can create another with the "
			  "same "
			  "name.");
		return -1;
	}
	result = rlq_queue_create(call->gateway->directory, creation->name, &settings->native);
	if (result == 0 || result == RLQ_EEXISTS)
		return 0;
	if (result < 0)
		return refuse_creation(call, creation, result) ? 1 : -1;
	return write_notes(call, creation, settings) ? 1 : -1;
}

static int create(struct call *call, const struct creation *creation)
{
	struct settings settings;
	int result;

	if (!settings_new(call, creation->name, creation->type, &settings))
		return -1;
	result = create_with(call, creation, &settings);
	settings_free(&settings);
	return result;
}

static bool create_or_compare(struct call *call, const struct creation *creation)
{
	struct rlq_queue *queue;

	for (int tries = 0; tries < CREATE_TRIES; tries++) {
		int error = handles_get(call->handles, creation->name, &queue), result;

		if (error == 0)
			return compare(call, queue, creation);
		if (error != RLQ_ENOQUEUE)
			return failure_from_library(&call->failure, error);
		result = create(call, creation);
		if (result != 0)
			return result > 0;
	}
	return failure_from_library(&call->failure, RLQ_EBUSY);
}

enum call_outcome action_create_queue(struct call *call)
{
	struct creation creation;
	char url[ADDRESS_TEXT_BYTES];

	if (!read_creation(call, &creation) || !create_or_compare(call, &creation))
		return CALL_FAILED;
	snprintf(call->queue, sizeof(call->queue), "%s", creation.name);
	address_url(call, creation.name, url);
	json_object_set_new(call->output, "QueueUrl", json_string(url));
	return CALL_DONE;
}
