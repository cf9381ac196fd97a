#include "gateway/answer.h"

#include "gateway/json_write.h"
#include "gateway/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *json_answer(const struct action_shape *shape, const json_t *result, size_t *ret_bytes)
{
	const char *nothing = shape->result ? "{}" : "";

	if (shape->result == NULL || result == NULL) {
		*ret_bytes = strlen(nothing);
		return strdup(nothing);
	}
	return json_write(result, ret_bytes);
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
	answer = body ? json_write(body, ret_bytes) : NULL;
	json_decref(body);
	return answer;
}

void json_query_error(const struct failure *failure, char ret_text[QUERY_ERROR_TEXT_BYTES])
{
	const struct failure_text *text = failure_text(failure->code);

	*ret_text = '\0';
	if (failure->code == SERIALIZATION) /* Query has no such failure */
		return;
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
