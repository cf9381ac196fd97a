/* send: one message from an argument, a file or stdin, or one for each line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "message_json.h"
#include "output.h"
#include "report.h"
#include "send.h"
#include "session.h"

static int take_attribute(void *options, const struct option_spec *spec, const char *text)
{
	(void)spec;
	return send_attribute_parse(options, text);
}

static const struct option_spec send_specs[] = {
	{.name = "file",
	 .value = "F",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct send_options, file),
	 .completion = COMPLETE_FILES,
	 .help = "send the bytes of a file; - is stdin"},
	{.name = "lines",
	 .value = "F",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct send_options, lines),
	 .completion = COMPLETE_FILES,
	 .help = "send each line of a file as a message; - is stdin"},
	{.name = "attribute",
	 .value = "NAME=TYPE:VALUE",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "message attribute: String, Number or Binary (base64); up to 10"},
	{.name = "delay",
	 .value = "D",
	 .kind = OPTION_DURATION,
	 .offset = offsetof(struct send_options, delay_ms),
	 .max = RLQ_DELAY_MAX_MS,
	 .help = "hide the message for so long (default: as the queue says)"},
	{.name = "wait",
	 .value = "D",
	 .kind = OPTION_DURATION,
	 .offset = offsetof(struct send_options, wait_ms),
	 .help = "wait so long for room in a full queue (default 0)"},
	{.name = "quiet",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct send_options, quiet),
	 .help = "print no message ids"},
	{.name = "group",
	 .value = "G",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct send_options, group),
	 .help = "message group: fifo: the order is kept in it; standard: its tenant, none makes others wait"},
	{.name = "dedup-id",
	 .value = "ID",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct send_options, dedup_id),
	 .help = "fifo: what is sent again with the same id is dropped, and answered as the first one"},
	{.name = "trace",
	 .value = "CONTEXT",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct send_options, trace),
	 .help = "context of distributed tracing, such as a traceparent; no attribute"},
	{.name = NULL},
};

int send_open(const char *path, int *ret_fd)
{
	/* A copy of stdin, so that the caller may close what it got. */
	const int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);

	if (fd < 0)
		return report(EXIT_FAILED, "cannot read %s: %s", path, strerror(errno));
	*ret_fd = fd;
	return EXIT_DONE;
}

int send_print(const struct send_options *options, const struct rlq_sent *sent)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES], sequence[SEQUENCE_TEXT_BYTES];

	if (options->quiet)
		return EXIT_DONE;
	rlq_message_id_format(&sent->id, id);
	sequence_format(sent->sequence, sequence);
	if (options->common.json)
		return output_json(json_pack("{s:s, s:s*, s:o*}", "MessageId", id, "SequenceNumber",
					     sent->sequence ? sequence : NULL, "Duplicate",
					     sent->is_duplicate ? json_true() : NULL),
				   stdout);
	puts(id);
	return EXIT_DONE;
}

static int report_refused(const struct rlq_queue *queue, const struct send_options *options, int code)
{
	if (code == RLQ_EATTRIBUTE)
		return report(EXIT_USAGE, "a message attribute is malformed (names are letters, digits, _ - . and "
					  "unique; a Number is one; a value is not empty)");
	if (code == RLQ_EGROUPID)
		return report(EXIT_USAGE, "--group: not a group: %s (" ID_HINT ")", options->group);
	if (code == RLQ_EDEDUPID)
		return report(EXIT_USAGE, "--dedup-id: not a deduplication id: %s (" ID_HINT ")",
			      options->dedup_id);
	if (code == RLQ_ENOTFIFO)
		return report(EXIT_USAGE, "--dedup-id is for FIFO queues: %s is standard", rlq_queue_name(queue));
	if (code == RLQ_ETRACE)
		return report(EXIT_USAGE, "--trace: not a tracing context (1 to %d bytes of UTF-8)", RLQ_TRACE_MAX);
	return report_code(code, rlq_queue_name(queue));
}

static int send_body(struct rlq_queue *queue, const struct send_options *options, const char *body, size_t bytes)
{
	struct rlq_sent sent;
	const struct rlq_send_options send = {
		.size = sizeof(send),
		.delay_ms = options->delay_ms,
		.timeout_ms = options->wait_ms,
		.attributes = options->attributes,
		.attribute_count = options->attribute_count,
		.flags = options->wait_ms ? RLQ_SEND_WAIT : 0,
		.group = options->group,
		.dedup_id = options->dedup_id,
		.ret_sent = &sent,
		.trace = options->trace,
	};
	const int rc = rlq_send(queue, body, bytes, &send, NULL);

	return rc < 0 ? report_refused(queue, options, rc) : send_print(options, &sent);
}

static int send_file(struct rlq_queue *queue, const struct send_options *options, const char *path)
{
	size_t count;
	char *bytes;
	int fd = -1, rc = send_open(path, &fd);

	if (rc)
		return rc;
	rc = file_read(fd, RLQ_BODY_MAX, &bytes, &count);
	close(fd);
	if (rc == -EMSGSIZE)
		return report_code(RLQ_ETOOBIG, rlq_queue_name(queue));
	if (rc)
		return report(EXIT_FAILED, "cannot read %s: %s", path, strerror(-rc));
	rc = send_body(queue, options, bytes, count);
	free(bytes);
	return rc;
}

/* BODY, --file, --lines: at most one of them; none: stdin, unless a person sits there. */
static int check_source(const struct send_options *options)
{
	const int sources =
		(options->common.argument_count > 1) + (options->file != NULL) + (options->lines != NULL);

	if (sources > 1)
		return report(EXIT_USAGE, "one of BODY, --file and --lines, not several");
	if (options->lines && options->dedup_id)
		return report(EXIT_USAGE,
			      "--dedup-id is for one message: with --lines all but the first would be its "
			      "duplicates (ringlease set QUEUE content-dedup=true tells lines apart)");
	if (!sources && isatty(STDIN_FILENO))
		return report(EXIT_USAGE, "what to send? (BODY, --file F, --lines F, or a pipe on stdin)");
	return EXIT_DONE;
}

static int send_from(struct rlq_queue *queue, const struct send_options *options)
{
	const char *body = options->common.argument_count > 1 ? options->common.arguments[1] : "-";

	if (options->lines)
		return send_lines(queue, options, options->lines);
	if (options->file)
		return send_file(queue, options, options->file);
	if (!strcmp(body, "-"))
		return send_file(queue, options, "-");
	return send_body(queue, options, body, strlen(body));
}

static int send_run(void *opaque)
{
	const struct send_options *options = opaque;
	struct session session;
	int rc = check_source(options);

	if (!rc)
		rc = session_open(&options->common, options->common.arguments[0], &session);
	if (rc)
		return rc;
	rc = send_from(session.queue, options);
	session_close(&session);
	return rc;
}

const struct command cmd_send = {
	.name = "send",
	.arguments = "QUEUE [BODY]",
	.summary = "Send a message, or each line of a file; print the message ids",
	.notes = "Without BODY, --file or --lines the body is read from stdin, as with BODY -. Bytes are sent\n"
		 "as they are; only --lines leaves out the line feeds. A full queue: exit status 4.\n"
		 "A FIFO queue needs --group, and --dedup-id unless it has content-dedup.",
	.options = send_specs,
	.defaults = &(const struct send_options){.delay_ms = RLQ_DEFAULT},
	.options_bytes = sizeof(struct send_options),
	.arguments_min = 1,
	.arguments_max = 2,
	.first = COMPLETE_QUEUES,
	.run = send_run,
	.drop = send_attributes_free,
};
