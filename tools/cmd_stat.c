/* stat: all there is to know about a queue, or about each. */
#include <stdio.h>

#include <ringlease.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "stat_text.h"

struct stat_options {
	struct common_options common;
};

struct stating {
	const struct stat_options *options;
	struct rlq_directory *directory;
	bool any; /* printed one already */
	int rc;
};

static int stat_open_queue(struct stating *stating, struct rlq_queue *queue, const char *name)
{
	const bool engine = rlq_directory_has_engine(stating->directory);
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue_stat stat = {.size = sizeof(stat)};
	int code = rlq_queue_get_attributes(queue, &attributes);

	if (code >= 0)
		code = rlq_queue_stat(queue, &stat);
	if (code < 0)
		return report_code(code, name);
	if (stating->options->common.json)
		return output_json(stat_to_json(name, &attributes, &stat, engine), stdout);
	if (stating->any)
		putchar('\n');
	stat_print(name, &attributes, &stat, engine);
	stating->any = true;
	return EXIT_DONE;
}

static int stat_each(void *context, const char *name)
{
	struct stating *stating = context;
	struct rlq_queue *queue;
	const int code = rlq_queue_open(stating->directory, name, &queue);
	int rc;

	if (code == RLQ_ENOQUEUE)
		return 0; /* it went while we looked */
	if (code < 0) {
		stating->rc = report_code(code, name);
		return 0;
	}
	rc = stat_open_queue(stating, queue, name);
	if (rc)
		stating->rc = rc;
	rlq_queue_close(queue);
	return 0;
}

static int stat_run(void *opaque)
{
	const struct stat_options *options = opaque;
	struct stating stating = {.options = options};
	struct session session;
	int rc;

	if (options->common.argument_count) {
		rc = session_open(&options->common, options->common.arguments[0], &session);
		if (rc)
			return rc;
		stating.directory = session.directory;
		stating.rc = stat_open_queue(&stating, session.queue, options->common.arguments[0]);
	} else {
		rc = session_open_directory(&options->common, &session);
		if (rc)
			return rc;
		stating.directory = session.directory;
		rc = rlq_queue_list(session.directory, NULL, stat_each, &stating);
		if (rc < 0)
			stating.rc = report_code(rc, rlq_directory_path(session.directory));
	}
	session_close(&session);
	return stating.rc;
}

const struct command cmd_stat = {
	.name = "stat",
	.arguments = "[QUEUE]",
	.summary = "Show depth, counters, settings and memory of a queue, or of all",
	.notes = "JSON has SQS's attribute names; durations in whole seconds, and exactly in ...Ms.",
	.options_bytes = sizeof(struct stat_options),
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = stat_run,
};
