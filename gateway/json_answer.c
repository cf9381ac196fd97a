#include "gateway/answer.h"
#include "gateway/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void prune(json_t *value);

static bool is_empty(const json_t *value)
{
	return (json_is_object(value) && json_object_size(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) || json_is_null(value);
}

static void prune_object(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, key, value)
	{
		prune(value);
		if (is_empty(value))
			json_object_del(object, key);
	}
}

/* Takes out the members that are empty lists, empty maps, or null: SDKs and AWS know them absent. */
static void prune(json_t *value)
{
	json_t *element;
	size_t index;

	if (json_is_object(value))
		prune_object(value);
	json_array_foreach(value, index, element) prune(element);
}

static char *dump(const json_t *value, size_t *ret_bytes)
{
	char *text = json_dumps(value, JSON_COMPACT);

	if (text != NULL)
		*ret_bytes = strlen(text);
	return text;
}

char *json_answer(const struct action_shape *shape, json_t *result, size_t *ret_bytes)
{
	const char *nothing = shape->result ? "{}" : "";

	if (shape->result == NULL || result == NULL) {
		*ret_bytes = strlen(nothing);
		return strdup(nothing);
	}
	prune(result);
	return dump(result, ret_bytes);
}

static json_t *message_of(const struct failure *failure)
{
	return json_text(failure->message, strlen(failure->message));
}

char *json_failure(const struct failure *failure, size_t *ret_bytes)
{
	const struct failure_text *text = failure_text(failure->code);
	char type[QUERY_ERROR_TEXT_BYTES];
	json_t *body, *message = message_of(failure);
	char *answer;

	if (message == NULL)
		return NULL;
	snprintf(type, sizeof(type), "%s#%s", text->is_generic ? "com.amazon.coral.service" : "com.amazonaws.sqs",
		 text->type);
	body = json_pack("{s:s,s:o}", "__type", type, "message", message);
	answer = body ? dump(body, ret_bytes) : NULL;
	json_decref(body);
	return answer;
}

void json_query_error(const struct failure *failure, char ret_text[QUERY_ERROR_TEXT_BYTES])
{
	const struct failure_text *text = failure_text(failure->code);

	snprintf(ret_text, QUERY_ERROR_TEXT_BYTES, "%s;%s", text->query, text->is_sender ? "Sender" : "Receiver");
}

json_t *json_text(const char *bytes, size_t count)
{
	json_t *text = json_stringn(bytes, count);
	const char *end = bytes + count;
	char *copy = text ? NULL : malloc(3 * count + 1), *next = copy;
	uint32_t code;

	if (copy == NULL)
		return text;
	while (bytes < end) {
		size_t length = utf8_character(bytes, (size_t)(end - bytes), &code);

		memcpy(next, length ? bytes : UTF8_REPLACEMENT, length ? length : strlen(UTF8_REPLACEMENT));
		next += length ? length : strlen(UTF8_REPLACEMENT);
		bytes += length ? length : 1;
	}
	text = json_stringn(copy, (size_t)(next - copy));
	free(copy);
	return text;
}
