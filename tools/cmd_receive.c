/* receive: bodies to stdout. The one rule that matters: nothing is deleted that was not written. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ringlease.h>

#include "message_json.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "stop.h"

enum {
	BATCH = 64,
	/* A wait without a limit would not end at a signal that is taken with SA_RESTART. */
	FOLLOW_WAIT_MS = 3600 * 1000,
};

struct receive_options {
	struct common_options common;
	uint64_t max; /* 0: not said */
	int64_t wait_ms, visibility_ms;
	bool delete, follow, receipts;
	const char *attempt_id;
};

static const struct option_spec receive_specs[] = {
	{.name = "max",
	 .value = "N",
	 .kind = OPTION_NUMBER,
	 .offset = offsetof(struct receive_options, max),
	 .min = 1,
	 .help = "messages at most (default 1; with --follow no limit)"},
	{.name = "wait",
	 .value = "D",
	 .kind = OPTION_DURATION,
	 .offset = offsetof(struct receive_options, wait_ms),
	 .help = "wait so long for the first message (default: as the queue says)"},
	{.name = "visibility-timeout",
	 .value = "D",
	 .kind = OPTION_DURATION,
	 .offset = offsetof(struct receive_options, visibility_ms),
	 .max = RLQ_VISIBILITY_MAX_MS,
	 .help = "how long the lease lasts (default: as the queue says)"},
	{.name = "delete",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct receive_options, delete),
	 .help = "delete each message once it has been written out"},
	{.name = "follow",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct receive_options, follow),
	 .help = "go on until SIGINT or SIGTERM, or until --max came"},
	{.name = "attempt-id",
	 .value = "ID",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct receive_options, attempt_id),
	 .help = "fifo: a receive repeated with the same id brings the same messages"},
	{.name = "receipts",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct receive_options, receipts),
	 .help = "print RECEIPT<tab>BODY"},
	{.name = NULL},
};

struct receiving {
	const struct receive_options *options;
	struct rlq_queue *queue;
	uint64_t count;
	uint64_t stale; /* written, but received again by others before they were deleted */
	struct rlq_message messages[BATCH];
};

static int write_message(const struct receive_options *options, const struct rlq_message *message)
{
	char receipt[RLQ_RECEIPT_TEXT_BYTES];

	if (options->common.json)
		return output_json(message_to_json(message, true), stdout);
	if (options->receipts) {
		rlq_receipt_format(&message->receipt, receipt);
		printf("%s\t", receipt);
	}
	if (message->body_bytes)
		fwrite(message->body, 1, message->body_bytes, stdout);
	putchar('\n');
	return EXIT_DONE;
}

/* Nobody got these: let the next consumer have them now rather than when the lease ends. */
static void give_back(struct receiving *receiving, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rlq_release(receiving->queue, &receiving->messages[i].receipt, 0);
}

static int write_batch(struct receiving *receiving, size_t count)
{
	int rc = EXIT_DONE;

	for (size_t i = 0; !rc && i < count && !ferror(stdout); i++)
		rc = write_message(receiving->options, &receiving->messages[i]);
	if (!rc && (fflush(stdout) || ferror(stdout)))
		rc = report(EXIT_FAILED, "cannot write the messages: %s%s", strerror(errno),
			    receiving->options->delete ? " (they were not deleted)" : "");
	if (rc && receiving->options->delete)
		give_back(receiving, count);
	return rc;
}

static int delete_batch(struct receiving *receiving, size_t count)
{
	const char *name = rlq_queue_name(receiving->queue);
	struct rlq_receipt receipts[BATCH];
	int results[BATCH];
	int rc;

	for (size_t i = 0; i < count; i++)
		receipts[i] = receiving->messages[i].receipt;
	rc = rlq_delete_batch(receiving->queue, receipts, count, results);
	if (rc < 0)
		return report_code(rc, name);
	for (size_t i = 0; (size_t)rc < count && i < count; i++) {
		if (results[i] == RLQ_ESTALE)
			receiving->stale++;
		else if (results[i] < 0)
			return report_code(results[i], name);
	}
	return EXIT_DONE;
}

/* Returns 0 and how many came, or an exit status. */
static int receive_batch(struct receiving *receiving, int64_t wait_ms, size_t *ret_count)
{
	const struct receive_options *options = receiving->options;
	const struct rlq_receive_options receive = {
		.size = sizeof(receive),
		.wait_ms = wait_ms,
		.visibility_ms = options->visibility_ms,
		.flags = RLQ_INTERRUPTIBLE,
		.attempt_id = options->attempt_id,
	};
	const uint64_t left = options->max ? options->max - receiving->count : BATCH;
	const int got = rlq_receive(receiving->queue, receiving->messages, left < BATCH ? left : BATCH, &receive);
	int rc = EXIT_DONE;

	*ret_count = 0;
	if (got == -EINTR)
		return EXIT_DONE;
	if (got == RLQ_EDEDUPID)
		return report(EXIT_USAGE, "--attempt-id: not an attempt id: %s (" ID_HINT ")", options->attempt_id);
	if (got == RLQ_ENOTFIFO)
		return report(EXIT_USAGE, "--attempt-id is for FIFO queues: %s is standard",
			      rlq_queue_name(receiving->queue));
	if (got < 0)
		return report_code(got, rlq_queue_name(receiving->queue));
	if (got > 0)
		rc = write_batch(receiving, (size_t)got);
	if (!rc && got > 0 && options->delete)
		rc = delete_batch(receiving, (size_t)got);
	receiving->count += (uint64_t)got;
	*ret_count = (size_t)got;
	return rc;
}

static bool wants_more(const struct receiving *receiving)
{
	return !receiving->options->max || receiving->count < receiving->options->max;
}

static int receive_follow(struct receiving *receiving)
{
	size_t got;
	int rc = EXIT_DONE;

	while (!rc && wants_more(receiving) && !stop_wanted())
		rc = receive_batch(receiving, FOLLOW_WAIT_MS, &got);
	return rc;
}

/* As SQS: only the first message is waited for. */
static int receive_some(struct receiving *receiving)
{
	size_t got;
	int rc = receive_batch(receiving, receiving->options->wait_ms, &got);

	/* The same attempt again would bring the same. */
	while (!rc && got && wants_more(receiving) && !receiving->options->attempt_id)
		rc = receive_batch(receiving, 0, &got);
	if (!rc && !receiving->count)
		rc = EXIT_EMPTY;
	return rc;
}

static int finish(const struct receiving *receiving, int rc)
{
	if (rc || !receiving->stale)
		return rc;
	return report(EXIT_STALE,
		      "%s: %" PRIu64 " messages were written but not deleted, since others received them meanwhile "
		      "(--visibility-timeout sets a longer lease)",
		      rlq_queue_name(receiving->queue), receiving->stale);
}

static int receive_run(void *opaque)
{
	struct receive_options *options = opaque;
	struct receiving receiving = {.options = options};
	struct session session;
	int rc;

	if (options->common.json && options->receipts)
		return report(EXIT_USAGE, "--receipts is for plain output; --json has them anyway");
	if (options->attempt_id && (options->follow || options->max > BATCH))
		return report(EXIT_USAGE,
			      "--attempt-id names one receive: not with --follow, and --max is %d at most", BATCH);
	if (options->follow)
		stop_catch();
	else if (!options->max)
		options->max = 1;
	rc = session_open(&options->common, options->common.arguments[0], &session);
	if (rc)
		return rc;
	receiving.queue = session.queue;
	rc = options->follow ? receive_follow(&receiving) : receive_some(&receiving);
	rc = finish(&receiving, rc);
	session_close(&session);
	return rc;
}

const struct command cmd_receive = {
	.name = "receive",
	.arguments = "QUEUE",
	.summary = "Receive messages under a lease; print the bodies, one a line",
	.notes = "What is not deleted before its lease ends is received again. Nothing there: exit status 3.\n"
		 "JSON has MessageId, ReceiptHandle, Body, Attributes and MessageAttributes.",
	.options = receive_specs,
	.defaults = &(const struct receive_options){.wait_ms = RLQ_DEFAULT, .visibility_ms = RLQ_DEFAULT},
	.options_bytes = sizeof(struct receive_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = receive_run,
};
