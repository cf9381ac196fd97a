/* ls: the queues and how deep they are. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include <ringlease.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct ls_options {
	struct common_options common;
};

static const struct table_column columns[] = {
	{"QUEUE", false}, {"VISIBLE", true}, {"IN-FLIGHT", true}, {"DELAYED", true}, {"DLQ", false},
};

struct listing {
	const struct ls_options *options;
	struct rlq_directory *directory;
	struct table table;
	int rc; /* of the first queue that could not be read */
};

static void list_queue(struct listing *listing, const char *name, const struct rlq_queue_attributes *attributes,
		       const struct rlq_queue_stat *stat)
{
	struct table *table = &listing->table;

	if (listing->options->common.json) {
		output_json(json_pack("{s:s, s:o, s:o, s:o, s:s*}", "QueueName", name,
				      "ApproximateNumberOfMessages", output_number(stat->visible),
				      "ApproximateNumberOfMessagesNotVisible", output_number(stat->in_flight),
				      "ApproximateNumberOfMessagesDelayed", output_number(stat->delayed),
				      "DeadLetterQueue", *attributes->dlq ? attributes->dlq : NULL),
			    stdout);
		return;
	}
	table_cell(table, "%s", name);
	table_cell(table, "%" PRIu64, stat->visible);
	table_cell(table, "%" PRIu64, stat->in_flight);
	table_cell(table, "%" PRIu64, stat->delayed);
	table_cell(table, "%s", *attributes->dlq ? attributes->dlq : "-");
}

/* A queue that cannot be read is reported, and the others are still listed. */
static int list_each(void *context, const char *name)
{
	struct listing *listing = context;
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue_stat stat = {.size = sizeof(stat)};
	struct rlq_queue *queue = NULL;
	int code = rlq_queue_open(listing->directory, name, &queue);

	if (code >= 0)
		code = rlq_queue_get_attributes(queue, &attributes);
	if (code >= 0)
		code = rlq_queue_stat(queue, &stat);
	if (code >= 0)
		list_queue(listing, name, &attributes, &stat);
	else if (code != RLQ_ENOQUEUE && code != RLQ_EREMOVED) /* those went while we looked */
		listing->rc = report_code(code, name);
	rlq_queue_close(queue);
	return 0;
}

static int ls_run(void *opaque)
{
	const struct ls_options *options = opaque;
	const char *prefix = options->common.argument_count ? options->common.arguments[0] : NULL;
	struct listing listing = {.options = options};
	struct session session;
	int rc = session_open_directory(&options->common, &session);

	if (rc)
		return rc;
	listing.directory = session.directory;
	table_begin(&listing.table, columns, sizeof(columns) / sizeof(columns[0]));
	rc = rlq_queue_list(session.directory, prefix, list_each, &listing);
	if (rc < 0)
		listing.rc = report_code(rc, rlq_directory_path(session.directory));
	if (!options->common.json && table_print(&listing.table, SIZE_MAX, "\n", stdout))
		listing.rc = report(EXIT_FAILED, "out of memory");
	session_close(&session);
	return listing.rc;
}

const struct command cmd_ls = {
	.name = "ls",
	.arguments = "[PREFIX]",
	.summary = "List the queues and how deep they are",
	.options_bytes = sizeof(struct ls_options),
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = ls_run,
};
