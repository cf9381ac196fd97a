/* redrive: moves messages out of a dead-letter queue. */
#include <inttypes.h>
#include <stdio.h>

#include <ringlease.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct redrive_options {
	struct common_options common;
	const char *to;
	uint64_t max;
};

static const struct option_spec redrive_specs[] = {
	{.name = "to",
	 .value = "QUEUE",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct redrive_options, to),
	 .completion = COMPLETE_QUEUES,
	 .help = "move them there (default: each to the queue it came from)"},
	{.name = "max",
	 .value = "N",
	 .kind = OPTION_NUMBER,
	 .offset = offsetof(struct redrive_options, max),
	 .min = 1,
	 .help = "messages at most (default: all that are visible now)"},
	{.name = NULL},
};

static int print_moved(const struct redrive_options *options, const char *name, uint64_t moved)
{
	if (options->common.json)
		return output_json(json_pack("{s:s, s:o}", "QueueName", name, "Moved", output_number(moved)),
				   stdout);
	printf("moved %" PRIu64 " message%s out of %s\n", moved, moved == 1 ? "" : "s", name);
	return EXIT_DONE;
}

static int report_target(const struct redrive_options *options, const char *name, int code)
{
	if (code == RLQ_ETYPE)
		return report(EXIT_USAGE, "%s and where its messages go must be both standard or both FIFO%s%s",
			      name, options->to ? ": not " : "", options->to ? options->to : "");
	if (code != RLQ_ENODLQ)
		return report_code(code, options->to ? options->to : name);
	if (options->to)
		return report(EXIT_NOQUEUE, "no such queue: %s (ringlease ls shows them)", options->to);
	return report(EXIT_FAILED, "%s: a message came from no queue that still is: name one with --to QUEUE",
		      name);
}

static int redrive_run(void *opaque)
{
	const struct redrive_options *options = opaque;
	const char *name = options->common.arguments[0];
	uint64_t moved = 0;
	struct session session;
	int code, rc = session_open(&options->common, name, &session);

	if (rc)
		return rc;
	code = rlq_redrive(session.queue, options->to, options->max, &moved);
	session_close(&session);
	/* Also after an error: some may have moved before it. */
	rc = code < 0 && !moved ? EXIT_DONE : print_moved(options, name, moved);
	return code < 0 ? report_target(options, name, code) : rc;
}

const struct command cmd_redrive = {
	.name = "redrive",
	.arguments = "DLQ",
	.summary = "Move messages from a dead-letter queue back to where they came from",
	.options = redrive_specs,
	.options_bytes = sizeof(struct redrive_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = redrive_run,
};
