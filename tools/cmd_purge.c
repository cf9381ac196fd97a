/* purge: deletes all messages of a queue. */
#include <inttypes.h>
#include <stdio.h>

#include <ringlease.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct purge_options {
	struct common_options common;
};

static int purge_run(void *opaque)
{
	const struct purge_options *options = opaque;
	const char *name = options->common.arguments[0];
	uint64_t count = 0;
	struct session session;
	int code, rc = session_open(&options->common, name, &session);

	if (rc)
		return rc;
	code = rlq_purge(session.queue, &count);
	session_close(&session);
	if (code < 0)
		return report_code(code, name);
	if (options->common.json)
		return output_json(json_pack("{s:s, s:o}", "QueueName", name, "Purged", output_number(count)),
				   stdout);
	printf("purged %" PRIu64 " message%s from %s\n", count, count == 1 ? "" : "s", name);
	return EXIT_DONE;
}

const struct command cmd_purge = {
	.name = "purge",
	.arguments = "QUEUE",
	.summary = "Delete all messages of a queue",
	.notes = "In flight and delayed ones too. What is being sent just now may survive.",
	.options_bytes = sizeof(struct purge_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = purge_run,
};
