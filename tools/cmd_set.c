/* set: changes a queue's attributes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringlease.h>

#include "attributes.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct set_options {
	struct common_options common;
};

static int set_one(struct rlq_queue_attributes *attributes, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name;
	int rc;

	if (!equals || equals == text)
		return report(EXIT_USAGE, "not ATTR=VALUE: %s (as in visibility-timeout=45s)", text);
	name = strndup(text, (size_t)(equals - text));
	if (!name)
		return report(EXIT_FAILED, "out of memory");
	rc = attribute_change(attributes, name, equals + 1);
	free(name);
	return rc;
}

static int print_set(const struct set_options *options, const struct rlq_queue_attributes *attributes,
		     const char *name)
{
	char text[512];
	json_t *object;

	if (!options->common.json) {
		attributes_format(attributes, text, sizeof(text));
		printf("set %s: %s\n", name, text);
		return EXIT_DONE;
	}
	object = json_pack("{s:s}", "QueueName", name);
	if (attributes_to_json(attributes, object)) {
		json_decref(object);
		object = NULL;
	}
	return output_json(object, stdout);
}

static int set_queue(const struct session *session, const struct set_options *options, const char *name)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int code = rlq_queue_get_attributes(session->queue, &attributes);
	int rc = code < 0 ? report_code(code, name) : EXIT_DONE;

	for (int i = 1; !rc && i < options->common.argument_count; i++)
		rc = set_one(&attributes, options->common.arguments[i]);
	if (!rc)
		rc = attributes_check(&attributes, "");
	if (rc)
		return rc;
	code = rlq_queue_set_attributes(session->queue, &attributes);
	if (code == RLQ_ENODLQ)
		return report(EXIT_NOQUEUE, "no such dead-letter queue: %s (create it first)", attributes.dlq);
	if (code == RLQ_ETYPE)
		return attributes_mixed(&attributes, name);
	if (code == RLQ_EATTRIBUTE)
		return attributes_refused(session->directory, &attributes, name);
	if (code < 0)
		return report_code(code, name);
	return print_set(options, &attributes, name);
}

static int set_run(void *opaque)
{
	const struct set_options *options = opaque;
	const char *name = options->common.arguments[0];
	struct session session;
	int rc = session_open(&options->common, name, &session);

	if (rc)
		return rc;
	rc = set_queue(&session, options, name);
	session_close(&session);
	return rc;
}

const struct command cmd_set = {
	.name = "set",
	.arguments = "QUEUE ATTR=VALUE...",
	.summary = "Change attributes of a queue",
	.notes =
		"ATTR is one of visibility-timeout, delay, retention, wait, max-message-bytes, dlq, max-receives,\n"
		"overdue, max-journal-bytes, redrive-policy, and of FIFO queues content-dedup (true or false),\n"
		"dedup-scope (queue or messageGroup) and dedup-window; or SQS's name of it: VisibilityTimeout,\n"
		"DelaySeconds, MessageRetentionPeriod, ReceiveMessageWaitTimeSeconds, MaximumMessageSize,\n"
		"RedrivePolicy, ContentBasedDeduplication, DeduplicationScope.\n"
		"`dlq=` takes the dead-letter queue off. All are checked before any is set.",
	.options_bytes = sizeof(struct set_options),
	.arguments_min = 2,
	.arguments_max = ARGUMENTS_MANY,
	.first = COMPLETE_QUEUES,
	.rest = COMPLETE_ATTRIBUTES,
	.run = set_run,
};
