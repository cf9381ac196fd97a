/* send --lines: each line a message, in batches, for input of any size. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "report.h"
#include "send.h"

enum { BATCH = 64 };

/* Entries point into the line buffer, so a batch is sent before the buffer is filled again. That also
 * sends at once what a slow pipe has delivered so far. */
struct batch {
	struct rlq_queue *queue;
	const struct send_options *options;
	struct rlq_send_entry entries[BATCH];
	size_t count;
	uint64_t sent; /* lines before this batch */
};

/* One line for all: why, at which line, and what was sent before. */
static int report_line(const struct batch *batch, int code, size_t done)
{
	const char *name = rlq_queue_name(batch->queue);
	const unsigned long long line = batch->sent + done + 1;
	const char *why = rlq_strerror(code);
	const char *hint = "";

	if (code == RLQ_ETOOBIG || code == -EMSGSIZE) {
		code = RLQ_ETOOBIG;
		why = "too big for the queue";
		hint = "; ringlease set QUEUE max-message-bytes=N allows more";
	} else if (code == RLQ_EFULL) {
		why = "the queue is full";
		hint = "; send --wait D waits for room";
	}
	return report(report_exit_code(code), "%s: line %llu: %s (%llu lines were sent%s)", name, line, why,
		      line - 1, hint);
}

static int print_sent(const struct batch *batch, const struct rlq_sent *sent, size_t count)
{
	int rc = EXIT_DONE;

	for (size_t i = 0; !rc && i < count; i++)
		rc = send_print(batch->options, &sent[i]);
	/* The ids of a slow pipe's lines are wanted now. */
	if (!rc && !batch->options->quiet && fflush(stdout))
		rc = report(EXIT_FAILED, "cannot write the ids: %s (%llu lines were sent)", strerror(errno),
			    (unsigned long long)batch->sent + count);
	return rc;
}

static int batch_send(struct batch *batch)
{
	struct rlq_sent sent[BATCH];
	struct rlq_send_options options = {
		.size = sizeof(options),
		.delay_ms = RLQ_DEFAULT,
		.timeout_ms = batch->options->wait_ms,
		.flags = batch->options->wait_ms ? RLQ_SEND_WAIT : 0,
	};
	size_t done = 0;

	while (done < batch->count) {
		int got;

		options.ret_sent = sent + done;
		got = rlq_send_batch(batch->queue, batch->entries + done, batch->count - done, &options, NULL);
		/* The rest of a batch that went half-way says why when it is tried again. */
		if (got <= 0) {
			print_sent(batch, sent, done);
			return report_line(batch, got ? got : RLQ_EFULL, done);
		}
		done += (size_t)got;
	}
	if (print_sent(batch, sent, done))
		return EXIT_FAILED;
	batch->sent += done;
	batch->count = 0;
	return EXIT_DONE;
}

static int batch_add(struct batch *batch, const char *line, size_t bytes)
{
	batch->entries[batch->count++] = (struct rlq_send_entry){
		.body = line,
		.body_bytes = bytes,
		.attributes = batch->options->attributes,
		.attribute_count = batch->options->attribute_count,
		.delay_ms = batch->options->delay_ms,
		.group = batch->options->group,
		.trace = batch->options->trace,
	};
	return batch->count == BATCH ? batch_send(batch) : EXIT_DONE;
}

static int send_all(struct batch *batch, struct lines *lines)
{
	int more;

	do {
		const char *line;
		size_t bytes;
		int rc = EXIT_DONE;

		while (!rc && lines_next(lines, &line, &bytes))
			rc = batch_add(batch, line, bytes);
		if (!rc && batch->count)
			rc = batch_send(batch);
		if (rc)
			return rc;
		more = lines_fill(lines);
	} while (more > 0);
	return more ? report_line(batch, more, 0) : EXIT_DONE;
}

int send_lines(struct rlq_queue *queue, const struct send_options *options, const char *path)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct batch batch = {.queue = queue, .options = options};
	struct lines lines;
	int fd = -1, rc = rlq_queue_get_attributes(queue, &attributes);

	if (rc < 0)
		return report_code(rc, rlq_queue_name(queue));
	rc = send_open(path, &fd);
	if (rc)
		return rc;
	if (lines_begin(&lines, fd, attributes.message_bytes_max))
		rc = report(EXIT_FAILED, "out of memory");
	else
		rc = send_all(&batch, &lines);
	lines_end(&lines);
	close(fd);
	return rc;
}
