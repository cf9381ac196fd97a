/* Actions, called directly: a gateway with a directory of its own, under a clock that only the test moves. Where
 * something cannot be set up, or is not answered as expected, the test ends. */
#ifndef TEST_GATEWAY_FIXTURE_H
#define TEST_GATEWAY_FIXTURE_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/moves.h"
#include "gateway/notes.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"

#define UNUSED __attribute__((unused))

static struct gateway gateway;
static struct call last;

/* For a suite. */
static UNUSED void actions_begin(void)
{
	queues_begin();
	gateway = (struct gateway){
		.directory = queues_directory(),
		.notes = notes_open(queues_path(), NULL),
		.account = "000000000000",
		.region = "us-east-1",
	};
	last.handles = handles_open(gateway.directory, 16);
	cr_assert_not_null(gateway.notes);
	gateway.moves = moves_open(gateway.directory, gateway.notes);
	cr_assert_not_null(gateway.moves);
	cr_assert_not_null(last.handles);
}

static void forget_last(void)
{
	json_decref(last.input);
	json_decref(last.output);
	last.input = last.output = NULL;
}

static UNUSED void actions_end(void)
{
	char notes[TMPDIR_BYTES + 8], moving[TMPDIR_BYTES + 16];

	forget_last();
	handles_close(last.handles);
	moves_close(gateway.moves);
	notes_close(gateway.notes);
	snprintf(notes, sizeof(notes), "%s/.sqs", queues_path());
	snprintf(moving, sizeof(moving), "%s/moving", notes);
	tmpdir_remove(moving);
	tmpdir_remove(notes);
	queues_end();
}

static enum call_outcome run(enum call_outcome (*action)(struct call *call), const char *format, va_list arguments)
{
	struct handles *handles = last.handles;
	json_error_t error;

	forget_last();
	last = (struct call){
		.gateway = &gateway,
		.handles = handles,
		.input = json_vpack_ex(&error, 0, format, arguments),
		.output = json_object(),
		.base_url = "http://localhost:9324",
		.region = "us-east-1",
	};
	cr_assert_not_null(last.input, "%s", error.text);
	return action(&last);
}

/* Is carried out: the output, until the next call. Input as of json_pack(), "{s:s}". */
static UNUSED json_t *done(enum call_outcome (*action)(struct call *call), const char *format, ...)
{
	enum call_outcome outcome;
	va_list arguments;

	va_start(arguments, format);
	outcome = run(action, format, arguments);
	va_end(arguments);
	cr_assert_eq(outcome, CALL_DONE, "%s", last.failure.message);
	return last.output;
}

/* Is refused: why. */
static UNUSED const struct failure *refused(enum call_outcome (*action)(struct call *call), const char *format, ...)
{
	enum call_outcome outcome;
	va_list arguments;

	va_start(arguments, format);
	outcome = run(action, format, arguments);
	va_end(arguments);
	cr_assert_eq(outcome, CALL_FAILED);
	return &last.failure;
}

#define cr_expect_refused(wanted_code, wanted_text, ...)                                                           \
	do {                                                                                                       \
		const struct failure *failure_ = refused(__VA_ARGS__);                                             \
		cr_expect_eq(failure_->code, wanted_code, "code %d: %s", failure_->code, failure_->message);       \
		cr_expect_str_eq(failure_->message, wanted_text);                                                  \
	} while (0)

/* "": there is none. */
static UNUSED const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* A queue by CreateQueue, with attributes as pairs of texts up to a NULL. */
static UNUSED void create(const char *name, ...)
{
	json_t *attributes = json_object();
	const char *attribute_name;
	va_list arguments;

	va_start(arguments, name);
	while ((attribute_name = va_arg(arguments, const char *)) != NULL)
		json_object_set_new(attributes, attribute_name, json_string(va_arg(arguments, const char *)));
	va_end(arguments);
	done(action_create_queue, "{s:s, s:o}", "QueueName", name, "Attributes", attributes);
}

/* The attribute's value; "": it is not there. */
static UNUSED const char *attribute(const char *queue, const char *name)
{
	const json_t *output =
		done(action_get_queue_attributes, "{s:s, s:[s]}", "QueueUrl", queue, "AttributeNames", name);

	return text_of(json_object_get(output, "Attributes"), name);
}

/* "arn:aws:sqs:us-east-1:000000000000:NAME", until the third call from then. */
static UNUSED const char *arn(const char *name)
{
	static char texts[4][128];
	static unsigned turn;
	char *text = texts[turn++ % 4];

	snprintf(text, sizeof(texts[0]), "arn:aws:sqs:us-east-1:000000000000:%s", name);
	return text;
}

#endif
