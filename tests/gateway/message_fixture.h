/* Actions called directly, with JSON written in single quotes, on queues under a clock that the test moves. */
#ifndef TEST_GATEWAY_MESSAGE_FIXTURE_H
#define TEST_GATEWAY_MESSAGE_FIXTURE_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "tests/support/queue_fixture.h"

#define UNUSED __attribute__((unused))

static struct gateway gateway = {.account = "000000000000", .region = "eu-central-1"};
static struct call call; /* the last one */

static UNUSED void actions_begin(void)
{
	queues_begin();
	gateway.directory = queues_directory();
	call = (struct call){
		.gateway = &gateway,
		.handles = handles_open(gateway.directory, 16),
		.base_url = "http://localhost:9324",
		.region = "eu-central-1",
	};
	cr_assert(call.handles);
}

static UNUSED void actions_end(void)
{
	json_decref(call.input);
	json_decref(call.output);
	handles_close(call.handles);
	queues_end();
}

static UNUSED void quotes_double(char *text)
{
	for (; (text = strchr(text, '\'')) != NULL; text++)
		*text = '"';
}

/* Takes `input`. */
static UNUSED enum call_outcome run(enum call_outcome (*action)(struct call *), json_t *input)
{
	json_decref(call.input);
	json_decref(call.output);
	call.input = input;
	call.output = json_object();
	call.wait_until_ms = 0;
	call.is_last = false;
	call.leased_count = 0;
	call.failure = (struct failure){0};
	return action(&call);
}

static UNUSED __attribute__((format(printf, 2, 3))) enum call_outcome ask(
	enum call_outcome (*action)(struct call *), const char *format, ...)
{
	json_error_t error;
	json_t *input;
	va_list arguments;
	char *text;

	va_start(arguments, format);
	cr_assert(vasprintf(&text, format, arguments) > 0);
	va_end(arguments);
	quotes_double(text);
	input = json_loads(text, 0, &error);
	cr_assert(input, "%s: %s", text, error.text);
	free(text);
	return run(action, input);
}

/* A member of the last answer by its path, "Messages.0.Body"; NULL: absent. Behind a first '/' names may have
 * periods: "Messages.0.MessageAttributes/a.b/StringValue". */
static UNUSED const json_t *answer_at(const char *path)
{
	const json_t *at = call.output;
	const char *separators = "./";
	char part[128];

	while (*path && at) {
		size_t length = strcspn(path, separators);

		memcpy(part, path, length);
		part[length] = '\0';
		path += length;
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(part)) : json_object_get(at, part);
		if (*path == '/')
			separators = "/";
		path += *path != '\0';
	}
	return at;
}

static UNUSED const char *answer_text(const char *path)
{
	const char *text = json_string_value(answer_at(path));

	return text ? text : "(none)";
}

static UNUSED size_t answer_count(const char *list)
{
	return json_array_size(json_object_get(call.output, list));
}

#define EXPECT_DONE(outcome) cr_expect((outcome) == CALL_DONE, "%s", call.failure.message)
#define ASSERT_DONE(outcome) cr_assert((outcome) == CALL_DONE, "%s", call.failure.message)

#define EXPECT_FAILED(outcome, expected, text)                                                                     \
	do {                                                                                                       \
		cr_expect((outcome) == CALL_FAILED);                                                               \
		cr_expect(call.failure.code == (expected), "code %d: %s", call.failure.code,                       \
			  call.failure.message);                                                                   \
		cr_expect_str_eq(call.failure.message, text);                                                      \
	} while (0)

#define EXPECT_TEXT(path, text) cr_expect_str_eq(answer_text(path), text)
#define EXPECT_ABSENT(path) cr_expect(answer_at(path) == NULL, "%s is there", path)

#define EXPECT_ENTRY_FAILED(index, id, code, text)                                                                 \
	do {                                                                                                       \
		EXPECT_TEXT("Failed." #index ".Id", id);                                                           \
		EXPECT_TEXT("Failed." #index ".Code", code);                                                       \
		EXPECT_TEXT("Failed." #index ".Message", text);                                                    \
	} while (0)

static UNUSED json_t *text_of(size_t bytes)
{
	char *text = malloc(bytes + 1);
	json_t *json;

	memset(text, 'x', bytes);
	json = json_stringn(text, bytes);
	free(text);
	return json;
}

static UNUSED json_t *many_attributes(int count)
{
	json_t *attributes = json_object();

	for (int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "name%d", i);
		json_object_set_new(attributes, name,
				    json_pack("{s:s, s:s}", "DataType", "String", "StringValue", "v"));
	}
	return attributes;
}

/* Receives the one message that must be there; its receipt handle. Static memory. */
static UNUSED const char *receive_handle(const char *queue)
{
	static char handle[RLQ_RECEIPT_TEXT_BYTES];

	ASSERT_DONE(ask(action_receive_message, "{'QueueUrl': '%s', 'WaitTimeSeconds': 0}", queue));
	cr_assert(answer_count("Messages") == 1, "%zu messages", answer_count("Messages"));
	strcpy(handle, answer_text("Messages.0.ReceiptHandle"));
	return handle;
}

#endif
