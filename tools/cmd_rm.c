/* rm: removes queues with their messages. */
#include <stdio.h>

#include <ringlease.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct rm_options {
	struct common_options common;
};

static int rm_queue(struct rlq_directory *directory, const struct rm_options *options, const char *name)
{
	const int code = rlq_queue_remove(directory, name);

	if (code < 0)
		return report_code(code, name);
	if (options->common.json)
		return output_json(json_pack("{s:s, s:b}", "QueueName", name, "Removed", 1), stdout);
	printf("removed %s\n", name);
	return EXIT_DONE;
}

static int rm_run(void *opaque)
{
	const struct rm_options *options = opaque;
	struct session session;
	int first_rc = session_open_directory(&options->common, &session);

	if (first_rc)
		return first_rc;
	for (int i = 0; i < options->common.argument_count; i++) {
		const int rc = rm_queue(session.directory, options, options->common.arguments[i]);

		if (!first_rc)
			first_rc = rc;
	}
	session_close(&session);
	return first_rc;
}

const struct command cmd_rm = {
	.name = "rm",
	.arguments = "QUEUE...",
	.summary = "Remove queues and their messages",
	.notes = "Who has one open is told that it was removed, also in the middle of a wait.",
	.options_bytes = sizeof(struct rm_options),
	.arguments_min = 1,
	.arguments_max = ARGUMENTS_MANY,
	.first = COMPLETE_QUEUES,
	.rest = COMPLETE_QUEUES,
	.run = rm_run,
};
