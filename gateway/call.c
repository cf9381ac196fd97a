/* What every action needs. */
#include "gateway/call.h"

#include "gateway/address.h"
#include "gateway/handles.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum call_outcome call_fail(struct call *call, enum failure_code code, const char *format, ...)
{
	char message[sizeof(call->failure.message)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	failure_set(&call->failure, code, "%s", message);
	return CALL_FAILED;
}

struct rlq_queue *call_queue(struct call *call)
{
	const char *url = input_text(call->input, "QueueUrl");
	char name[NAME_TEXT_BYTES];
	struct rlq_queue *queue;
	int error;

	if (url == NULL && call->path_queue == NULL) {
		failure_missing(&call->failure, "QueueUrl");
		return NULL;
	}
	if (url == NULL)
		snprintf(name, sizeof(name), "%s", call->path_queue);
	else if (!address_from_url(url, name)) {
		failure_no_queue(&call->failure);
		return NULL;
	}
	error = handles_get(call->handles, name, &queue);
	if (error) {
		failure_from_library(&call->failure, error);
		return NULL;
	}
	snprintf(call->queue, sizeof(call->queue), "%s", name);
	return queue;
}

const char *input_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

int64_t input_integer(const json_t *object, const char *name, int64_t absent)
{
	const json_t *value = json_object_get(object, name);

	return value == NULL ? absent : (int64_t)json_integer_value(value);
}
