/* TagQueue, UntagQueue, ListQueueTags. */
#include "gateway/tags.h"

#include <string.h>
#include <strings.h>

#include "gateway/gateway.h"
#include "gateway/notes.h"

enum {
	TAGS_MAX = 50,
	KEY_MAX = 128, /* characters */
	VALUE_MAX = 256,
};

static bool refuse(struct call *call, const char *text)
{
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE, "%s", text);
}

/* Of UTF-8. */
static size_t characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static bool check_key(struct call *call, const char *key)
{
	size_t length = characters(key);

	if (length < 1 || length > KEY_MAX)
		return refuse(call, "Tag keys must be between 1 and 128 characters in length.");
	if (strncasecmp(key, "aws:", 4) == 0)
		return refuse(call, "aws: prefixed tag key names are not allowed for external use.");
	return true;
}

static bool refuse_number(struct call *call, const char *queue)
{
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE, "Too many tags added for queue %s.", queue);
}

bool tags_check(struct call *call, const char *queue, const json_t *tags)
{
	const char *key;
	json_t *value;

	if (json_object_size(tags) > TAGS_MAX)
		return refuse_number(call, queue);
	json_object_foreach((json_t *)tags, key, value)
	{
		if (!check_key(call, key))
			return false;
		if (characters(json_string_value(value)) > VALUE_MAX)
			return refuse(call, "Tag values must be between 0 and 256 characters in length.");
	}
	return true;
}

/* ---- durability ------------------------------------------------------------------------------- */

static const char *const durabilities[] = {[RLQ_MEMORY] = "memory", [RLQ_ASYNC] = "async", [RLQ_SYNC] = "sync"};

bool tags_durability(struct call *call, const json_t *tags, enum rlq_durability otherwise,
		     enum rlq_durability *ret_durability)
{
	const char *text = input_text(tags, TAG_DURABILITY);

	*ret_durability = otherwise;
	if (text == NULL)
		return true;
	for (int i = RLQ_MEMORY; i <= RLQ_SYNC; i++)
		if (strcmp(text, durabilities[i]) == 0) {
			*ret_durability = (enum rlq_durability)i;
			return true;
		}
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE,
			   "Value %.100s for tag " TAG_DURABILITY
			   " is invalid. Reason: Must be memory, async or sync.",
			   text);
}

/* It is fixed at creation; the tag may only say what is so. */
static bool check_durability(struct call *call, struct rlq_queue *queue, const json_t *tags)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	enum rlq_durability wanted;
	int error = rlq_queue_get_attributes(queue, &attributes);

	if (error)
		return failure_from_library(&call->failure, error);
	if (!tags_durability(call, tags, attributes.durability, &wanted))
		return false;
	if (wanted == attributes.durability)
		return true;
	return failure_set(
		&call->failure, INVALID_PARAMETER_VALUE,
		"Value %s for tag " TAG_DURABILITY
		" is invalid. Reason: The durability of a queue is fixed at its creation, and that of %s is "
		"%s.",
		durabilities[wanted], call->queue, durabilities[attributes.durability]);
}

/* ---- change ----------------------------------------------------------------------------------- */

struct change {
	const json_t *set;     /* an object */
	const json_t *removed; /* an array */
	bool is_too_many;
};

static bool change_tags(json_t *notes, void *context)
{
	struct change *change = context;
	json_t *tags = json_object_get(notes, "tags"), *key;
	size_t i;

	json_object_update(tags, (json_t *)change->set);
	json_array_foreach((json_t *)change->removed, i, key) json_object_del(tags, json_string_value(key));
	change->is_too_many = json_object_size(tags) > TAGS_MAX;
	return !change->is_too_many;
}

static bool apply(struct call *call, struct rlq_queue *queue, struct change *change)
{
	int error = notes_change(call->gateway->notes, queue, change_tags, change);

	if (change->is_too_many)
		return refuse_number(call, rlq_queue_name(queue));
	if (error < 0)
		return failure_set(&call->failure, INTERNAL_FAILURE,
				   "The tags of queue %s could not be written: %s", rlq_queue_name(queue),
				   strerror(-error));
	return true;
}

bool tags_write(struct call *call, struct rlq_queue *queue, const json_t *tags)
{
	struct change change = {.set = tags};

	return json_object_size(tags) == 0 || apply(call, queue, &change);
}

enum call_outcome action_tag_queue(struct call *call)
{
	struct change change = {.set = json_object_get(call->input, "Tags")};
	struct rlq_queue *queue = call_queue(call);

	if (queue == NULL)
		return CALL_FAILED;
	if (json_object_size(change.set) == 0) {
		failure_missing(&call->failure, "Tags");
		return CALL_FAILED;
	}
	return tags_check(call, call->queue, change.set) && check_durability(call, queue, change.set) &&
			       apply(call, queue, &change)
		       ? CALL_DONE
		       : CALL_FAILED;
}

enum call_outcome action_untag_queue(struct call *call)
{
	struct change change = {.removed = json_object_get(call->input, "TagKeys")};
	struct rlq_queue *queue = call_queue(call);
	size_t i;
	json_t *key;

	if (queue == NULL)
		return CALL_FAILED;
	if (json_array_size(change.removed) == 0)
		return refuse(call, "Tag keys must be between 1 and 128 characters in length.") ? CALL_DONE
												: CALL_FAILED;
	json_array_foreach((json_t *)change.removed, i,
			   key) if (!check_key(call, json_string_value(key))) return CALL_FAILED;
	return apply(call, queue, &change) ? CALL_DONE : CALL_FAILED;
}

enum call_outcome action_list_queue_tags(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	json_t *notes, *tags;
	int error;

	if (queue == NULL)
		return CALL_FAILED;
	error = notes_read(call->gateway->notes, queue, &notes);
	if (error) {
		failure_from_library(&call->failure, error);
		return CALL_FAILED;
	}
	tags = json_object_get(notes, "tags");
	if (json_object_size(tags) > 0)
		json_object_set_new(call->output, "Tags", json_copy(tags));
	json_decref(notes);
	return CALL_DONE;
}
