/* Attributes as people and as programs read them. */
#include <stdio.h>
#include <string.h>

#include "attribute_table.h"
#include "attributes.h"
#include "duration.h"
#include "output.h"
#include "redrive_policy.h"

void placement_format(const struct rlq_queue_attributes *attributes, char *ret_text, size_t text_bytes)
{
	if (attributes->placement == RLQ_PLACE_NODE)
		snprintf(ret_text, text_bytes, "%u", attributes->placement_node);
	else
		snprintf(ret_text, text_bytes, "%s",
			 attributes->placement == RLQ_PLACE_INTERLEAVE ? "interleave" : "local");
}

/* Appends to a text that may be cut; returns the new length. */
static size_t append(char *text, size_t text_bytes, size_t at, const char *first, const char *second,
		     const char *third)
{
	const int more = snprintf(text + at, text_bytes - at, "%s%s%s", first, second, third);

	at += more > 0 ? (size_t)more : 0;
	return at < text_bytes ? at : text_bytes - 1;
}

static void spec_format(const struct rlq_queue_attributes *attributes, const struct attribute_spec *spec,
			char *ret_text, size_t text_bytes)
{
	switch (spec->kind) {
	case KIND_DLQ:
		snprintf(ret_text, text_bytes, "%s", *attributes->dlq ? attributes->dlq : "none");
		break;
	case KIND_MODE:
		snprintf(ret_text, text_bytes, "%04o", attributes->mode);
		break;
	case KIND_PLACE:
		placement_format(attributes, ret_text, text_bytes);
		break;
	case KIND_TYPE:
		snprintf(ret_text, text_bytes, "%s", type_name(attributes->type));
		break;
	case KIND_CONTENT:
		snprintf(ret_text, text_bytes, "%s", attributes->content_dedup ? "true" : "false");
		break;
	case KIND_SCOPE:
		snprintf(ret_text, text_bytes, "%s", scope_name(attributes->dedup_scope));
		break;
	case KIND_POLICY:
		break;
	default:
		attribute_value_format(spec, attribute_get(attributes, spec), ret_text);
	}
}

/* Is it said in the line of a queue's attributes? */
static bool is_said(const struct rlq_queue_attributes *attributes, const struct attribute_spec *spec)
{
	if (spec->said_with_dlq || (spec->said_unless_0 && attribute_get(attributes, spec) == 0))
		return false;
	if (spec->fifo)
		return attributes->type == RLQ_FIFO;
	return spec->kind == KIND_DURATION || spec->kind == KIND_NUMBER;
}

void attributes_format(const struct rlq_queue_attributes *attributes, char *ret_text, size_t text_bytes)
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		char value[RLQ_NAME_MAX + 1];

		if (!is_said(attributes, &attribute_specs[i]))
			continue;
		spec_format(attributes, &attribute_specs[i], value, sizeof(value));
		at = append(ret_text, text_bytes, at, at ? ", " : "", attribute_specs[i].name, " ");
		at = append(ret_text, text_bytes, at, value, "", "");
	}
	if (*attributes->dlq) {
		char receives[16];

		snprintf(receives, sizeof(receives), "%u", attributes->receives_max);
		at = append(ret_text, text_bytes, at, ", dlq ", attributes->dlq, " after ");
		append(ret_text, text_bytes, at, receives, " receives", "");
	}
}

void attributes_difference(const struct rlq_queue_attributes *is, const struct rlq_queue_attributes *asked,
			   char *ret_text, size_t text_bytes)
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		char old[RLQ_NAME_MAX + 1] = "", new[RLQ_NAME_MAX + 1] = "";

		/* "The creator's group" and that group's number are the same. */
		if (attribute_specs[i].kind == KIND_GROUP && asked->group == UINT32_MAX)
			continue;
		spec_format(is, &attribute_specs[i], old, sizeof(old));
		spec_format(asked, &attribute_specs[i], new, sizeof(new));
		if (!strcmp(old, new))
			continue;
		at = append(ret_text, text_bytes, at, at ? ", " : "", attribute_specs[i].name, " is ");
		at = append(ret_text, text_bytes, at, old, ", not ", new);
	}
}

static int duration_to_json(const struct attribute_spec *spec, uint64_t duration_ms, json_t *object)
{
	/* Rounded up: a timeout of 500 ms must not read as none. */
	return json_object_set_new(object, spec->sqs, output_number((duration_ms + 999) / 1000)) ||
	       json_object_set_new(object, spec->sqs_ms, output_number(duration_ms));
}

/* As SQS, which has no such names on standard queues. There is no limit of throughput; what it says follows the
 * scope, since SQS has perMessageGroupId only together with messageGroup. */
static int fifo_to_json(const struct rlq_queue_attributes *attributes, json_t *object)
{
	const bool is_by_group = attributes->dedup_scope == RLQ_DEDUP_GROUP;
	int failed = json_object_set_new(object, "FifoQueue", json_true());

	failed |= json_object_set_new(object, "ContentBasedDeduplication", json_boolean(attributes->content_dedup));
	failed |=
		json_object_set_new(object, "DeduplicationScope", json_string(scope_name(attributes->dedup_scope)));
	failed |= json_object_set_new(object, "FifoThroughputLimit",
				      json_string(is_by_group ? "perMessageGroupId" : "perQueue"));
	return failed;
}

int attributes_to_json(const struct rlq_queue_attributes *attributes, json_t *object)
{
	char text[32];
	int failed = attributes->type == RLQ_FIFO ? fifo_to_json(attributes, object) : 0;

	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		const struct attribute_spec *spec = &attribute_specs[i];

		if (spec->fifo && attributes->type != RLQ_FIFO)
			continue;
		if (spec->kind == KIND_DURATION)
			failed |= duration_to_json(spec, attribute_get(attributes, spec), object);
		else if (spec->kind == KIND_NUMBER && !spec->said_with_dlq)
			failed |= json_object_set_new(object, spec->sqs,
						      output_number(attribute_get(attributes, spec)));
	}
	if (*attributes->dlq)
		failed |= json_object_set_new(object, "RedrivePolicy", redrive_policy_to_json(attributes));
	snprintf(text, sizeof(text), "%04o", attributes->mode);
	failed |= json_object_set_new(object, "Mode", json_string(text));
	placement_format(attributes, text, sizeof(text));
	failed |= json_object_set_new(object, "Placement", json_string(text));
	return failed ? -1 : 0;
}

const char *type_name(enum rlq_type type)
{
	return type == RLQ_FIFO ? "fifo" : "standard";
}

const char *scope_name(enum rlq_dedup_scope scope)
{
	return scope == RLQ_DEDUP_GROUP ? "messageGroup" : "queue";
}

const char *durability_name(enum rlq_durability durability)
{
	static const char *const names[] = {[RLQ_MEMORY] = "memory", [RLQ_ASYNC] = "async", [RLQ_SYNC] = "sync"};

	return (size_t)durability < sizeof(names) / sizeof(names[0]) ? names[durability] : "unknown";
}
