/* peek: looks at visible messages without receiving them. */
#include <stdio.h>

#include <ringlease.h>

#include "message_json.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

enum { BATCH = 32 };

struct peek_options {
	struct common_options common;
	uint64_t max;
};

static const struct option_spec peek_specs[] = {
	{.name = "max",
	 .value = "N",
	 .kind = OPTION_NUMBER,
	 .offset = offsetof(struct peek_options, max),
	 .min = 1,
	 .help = "messages at most (default 1)"},
	{.name = NULL},
};

static int print_message(const struct peek_options *options, const struct rlq_message *message)
{
	if (options->common.json)
		return output_json(message_to_json(message, false), stdout);
	if (message->body_bytes)
		fwrite(message->body, 1, message->body_bytes, stdout);
	putchar('\n');
	return EXIT_DONE;
}

static int peek_all(struct rlq_queue *queue, const struct peek_options *options)
{
	struct rlq_message messages[BATCH];
	uint64_t cursor = 0, count = 0;
	int rc = EXIT_DONE;

	while (!rc && count < options->max) {
		const uint64_t left = options->max - count;
		const int got = rlq_peek(queue, messages, left < BATCH ? left : BATCH, &cursor);

		if (got < 0)
			return report_code(got, rlq_queue_name(queue));
		if (!got)
			break;
		for (int i = 0; !rc && i < got; i++)
			rc = print_message(options, &messages[i]);
		count += (uint64_t)got;
	}
	return rc || count ? rc : EXIT_EMPTY;
}

static int peek_run(void *opaque)
{
	const struct peek_options *options = opaque;
	struct session session;
	int rc = session_open(&options->common, options->common.arguments[0], &session);

	if (rc)
		return rc;
	rc = peek_all(session.queue, options);
	session_close(&session);
	return rc;
}

const struct command cmd_peek = {
	.name = "peek",
	.arguments = "QUEUE",
	.summary = "Print visible messages without receiving them",
	.notes = "Nothing changes: no lease, no receive count. Nothing there: exit status 3.",
	.options = peek_specs,
	.defaults = &(const struct peek_options){.max = 1},
	.options_bytes = sizeof(struct peek_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = peek_run,
};
