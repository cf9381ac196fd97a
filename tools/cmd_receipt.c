/* delete, extend, release: what a receipt allows. */
#include <stdio.h>

#include <ringlease.h>

#include "duration.h"
#include "options.h"
#include "report.h"
#include "session.h"

struct receipt_options {
	struct common_options common;
};

static int parse_receipt(const char *text, struct rlq_receipt *ret_receipt)
{
	if (rlq_receipt_parse(text, ret_receipt) < 0)
		return report(EXIT_USAGE, "not a receipt: %s (receive --receipts or --json prints them)", text);
	return EXIT_DONE;
}

/* Goes through all receipts, even after one that is stale: the others are still good. */
static int delete_run(void *opaque)
{
	const struct receipt_options *options = opaque;
	const char *queue = options->common.arguments[0];
	struct session session;
	int first_rc = session_open(&options->common, queue, &session);

	if (first_rc)
		return first_rc;
	for (int i = 1; i < options->common.argument_count; i++) {
		struct rlq_receipt receipt;
		int rc = parse_receipt(options->common.arguments[i], &receipt);

		if (!rc) {
			const int code = rlq_delete(session.queue, &receipt);

			rc = code < 0 ? report_code(code, queue) : EXIT_DONE;
		}
		if (!first_rc)
			first_rc = rc;
	}
	session_close(&session);
	return first_rc;
}

/* The optional last argument; left alone if it is not there. */
static int parse_when(const struct receipt_options *options, int64_t max_ms, int64_t *duration_ms)
{
	const char *text;

	if (options->common.argument_count < 3)
		return EXIT_DONE;
	text = options->common.arguments[2];
	if (duration_parse(text, duration_ms))
		return report(EXIT_USAGE, "not a duration: %s (30s, 500ms, 12h; a bare number is seconds)", text);
	if (*duration_ms > max_ms) {
		char max[DURATION_TEXT_BYTES];

		duration_format(max_ms, max);
		return report(EXIT_USAGE, "out of range: %s (0s to %s)", text, max);
	}
	return EXIT_DONE;
}

static int extend_queue(struct rlq_queue *queue, const char *name, const struct rlq_receipt *receipt,
			int64_t visibility_ms)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int code = 0;

	if (visibility_ms == RLQ_DEFAULT) {
		code = rlq_queue_get_attributes(queue, &attributes);
		visibility_ms = attributes.visibility_ms;
	}
	if (!code)
		code = rlq_extend(queue, receipt, visibility_ms);
	if (code == RLQ_EATTRIBUTE)
		return report(EXIT_FAILED, "a lease ends 12h after its receive at the latest: ask for less");
	return code < 0 ? report_code(code, name) : EXIT_DONE;
}

static int extend_run(void *opaque)
{
	const struct receipt_options *options = opaque;
	const char *queue = options->common.arguments[0];
	int64_t visibility_ms = RLQ_DEFAULT;
	struct rlq_receipt receipt;
	struct session session;
	int rc = parse_receipt(options->common.arguments[1], &receipt);

	if (!rc)
		rc = parse_when(options, RLQ_VISIBILITY_MAX_MS, &visibility_ms);
	if (!rc)
		rc = session_open(&options->common, queue, &session);
	if (rc)
		return rc;
	rc = extend_queue(session.queue, queue, &receipt, visibility_ms);
	session_close(&session);
	return rc;
}

static int release_run(void *opaque)
{
	const struct receipt_options *options = opaque;
	const char *queue = options->common.arguments[0];
	struct rlq_receipt receipt;
	struct session session;
	int64_t delay_ms = 0;
	int code, rc = parse_receipt(options->common.arguments[1], &receipt);

	if (!rc)
		rc = parse_when(options, RLQ_DELAY_MAX_MS, &delay_ms);
	if (!rc)
		rc = session_open(&options->common, queue, &session);
	if (rc)
		return rc;
	code = rlq_release(session.queue, &receipt, delay_ms);
	if (code < 0)
		rc = report_code(code, queue);
	session_close(&session);
	return rc;
}

const struct command cmd_delete = {
	.name = "delete",
	.arguments = "QUEUE RECEIPT...",
	.summary = "Delete received messages for good",
	.notes = "A receipt works until the message is received again; then it is stale: exit status 5.",
	.options_bytes = sizeof(struct receipt_options),
	.arguments_min = 2,
	.arguments_max = ARGUMENTS_MANY,
	.first = COMPLETE_QUEUES,
	.run = delete_run,
};

const struct command cmd_extend = {
	.name = "extend",
	.arguments = "QUEUE RECEIPT [D]",
	.summary = "Let a lease end D from now (default: the queue's visibility timeout)",
	.notes = "0 makes the message visible at once. A lease ends 12h after its receive at the latest.",
	.options_bytes = sizeof(struct receipt_options),
	.arguments_min = 2,
	.arguments_max = 3,
	.first = COMPLETE_QUEUES,
	.run = extend_run,
};

const struct command cmd_release = {
	.name = "release",
	.arguments = "QUEUE RECEIPT [D]",
	.summary = "Give a message back, to be received again after D (default: at once)",
	.options_bytes = sizeof(struct receipt_options),
	.arguments_min = 2,
	.arguments_max = 3,
	.first = COMPLETE_QUEUES,
	.run = release_run,
};
