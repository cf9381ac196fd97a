/* create: makes a queue, or finds the same one there. */
#include <stdio.h>
#include <string.h>

#include <ringlease.h>

#include "attributes.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct create_options {
	struct common_options common;
	struct rlq_queue_attributes attributes;
};

static int take_attribute(void *options, const struct option_spec *spec, const char *text)
{
	return attribute_parse(&((struct create_options *)options)->attributes, "--", spec->name, text);
}

static int take_content_dedup(void *options, const struct option_spec *spec, const char *text)
{
	(void)text;
	return take_attribute(options, spec, "true");
}

static int take_durability(void *options, const struct option_spec *spec, const char *text)
{
	struct rlq_queue_attributes *attributes = &((struct create_options *)options)->attributes;

	for (int i = RLQ_MEMORY; i <= RLQ_SYNC; i++) {
		if (strcmp(text, durability_name((enum rlq_durability)i)) != 0)
			continue;
		attributes->durability = (enum rlq_durability)i;
		return EXIT_DONE;
	}
	return report(EXIT_USAGE, "--%s: not a durability: %s (memory, async or sync)", spec->name, text);
}

static const struct option_spec create_specs[] = {
	{.name = "type",
	 .value = "standard|fifo",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .completion = COMPLETE_WORDS,
	 .help = "kind of queue (default standard); a FIFO queue's name ends in .fifo"},
	{.name = "durability",
	 .value = "memory|async|sync",
	 .kind = OPTION_CALL,
	 .parse = take_durability,
	 .completion = COMPLETE_WORDS,
	 .help = "what messages survive; memory: any process, not a reboot; sync: that too, acknowledged once on "
		 "disk; "
		 "async: that too, but for the last 10 ms"},
	{.name = "capacity",
	 .value = "N",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "messages at most (default 10000000); memory follows the depth"},
	{.name = "visibility-timeout",
	 .value = "D",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "how long a lease lasts (default 30s)"},
	{.name = "delay",
	 .value = "D",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "how long a new message stays hidden (default 0)"},
	{.name = "retention",
	 .value = "D",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "how long a message is kept (default 4d)"},
	{.name = "wait",
	 .value = "D",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "how long a receive waits if it does not say (default 0)"},
	{.name = "max-message-bytes",
	 .value = "N",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "body and attributes at most (default 1048576)"},
	{.name = "dlq",
	 .value = "QUEUE",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .completion = COMPLETE_QUEUES,
	 .help = "where messages go that were received too often"},
	{.name = "max-receives",
	 .value = "N",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "how often is too often; with --dlq"},
	{.name = "overdue",
	 .value = "D",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "how long a used-up message waits for its holder when nobody receives (default 30s)"},
	{.name = "max-journal-bytes",
	 .value = "N",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "durable: bytes of its messages in the journal at most (default 0: no limit)"},
	{.name = "mode",
	 .value = "OCTAL",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "file mode of the queue (default 0600)"},
	{.name = "group-owner",
	 .value = "GROUP",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "group that owns the queue, by name or number"},
	{.name = "numa",
	 .value = "local|interleave|N",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .completion = COMPLETE_WORDS,
	 .help = "where its memory lies (default local)"},
	{.name = "content-dedup",
	 .kind = OPTION_CALL,
	 .parse = take_content_dedup,
	 .help = "fifo: who gives no deduplication id gets the SHA-256 of the body"},
	{.name = "dedup-scope",
	 .value = "queue|messageGroup",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .completion = COMPLETE_WORDS,
	 .help = "fifo: where a deduplication id counts (default queue)"},
	{.name = "dedup-window",
	 .value = "D",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "fifo: how long, from the first send (default 5m)"},
	{.name = "dedup-max",
	 .value = "N",
	 .kind = OPTION_CALL,
	 .parse = take_attribute,
	 .help = "fifo: ids in that time at most (default 1048576); up to 256 bytes each"},
	{.name = NULL},
};

/* A durable queue, and nobody who journals. */
static int report_no_engine(const struct session *session, const char *durability)
{
	const char *directory = rlq_directory_path(session->directory);

	if (rlq_directory_has_engine(session->directory))
		return report(EXIT_FAILED,
			      "--durability %s needs a journal, and the engine that serves %s keeps none: its log "
			      "says why",
			      durability, directory);
	return report(EXIT_FAILED,
		      "--durability %s needs a running engine, and none serves %s: start ringleased --dir %s",
		      durability, directory, directory);
}

static int report_exists(struct session *session, const char *name, const struct rlq_queue_attributes *asked)
{
	struct rlq_queue_attributes is = RLQ_QUEUE_ATTRIBUTES_INIT;
	char difference[512] = "";

	if (rlq_queue_open(session->directory, name, &session->queue) < 0)
		session->queue = NULL;
	else if (!rlq_queue_get_attributes(session->queue, &is))
		attributes_difference(&is, asked, difference, sizeof(difference));
	return report(EXIT_FAILED,
		      "queue exists with other attributes: %s%s%s (ringlease set changes most of them)", name,
		      *difference ? ": " : "", difference);
}

static int print_created(const struct create_options *options, const char *name, bool created)
{
	const struct rlq_queue_attributes *attributes = &options->attributes;
	char text[512];
	json_t *object;

	if (!options->common.json) {
		attributes_format(attributes, text, sizeof(text));
		printf("%s %s: %s, durability %s, %s\n", created ? "created" : "exists", name,
		       type_name(attributes->type), durability_name(attributes->durability), text);
		return EXIT_DONE;
	}
	object = json_pack("{s:s, s:b, s:s, s:s}", "QueueName", name, "Created", created, "Type",
			   type_name(attributes->type), "Durability", durability_name(attributes->durability));
	if (attributes_to_json(attributes, object)) {
		json_decref(object);
		object = NULL;
	}
	return output_json(object, stdout);
}

/* The name says the type, to all who use the queue. */
static int check_name(const char *name, enum rlq_type type)
{
	const size_t length = strlen(name);
	const bool is_fifo = length > 5 && !strcmp(name + length - 5, ".fifo");

	if (is_fifo && type == RLQ_STANDARD)
		return report(EXIT_USAGE, "only names of FIFO queues end in .fifo: %s (create it with --type fifo)",
			      name);
	if (!is_fifo && type == RLQ_FIFO)
		return report(EXIT_USAGE, "names of FIFO queues end in .fifo: %s (create %s.fifo)", name, name);
	return EXIT_DONE;
}

static int create_in(struct session *session, const struct create_options *options, const char *name)
{
	int rc;

	if (!rlq_directory_is_tmpfs(session->directory))
		report(EXIT_DONE,
		       "warning: %s is not on tmpfs: the queue works, but is written to disk now and then",
		       rlq_directory_path(session->directory));
	rc = rlq_queue_create(session->directory, name, &options->attributes);
	if (rc == RLQ_EEXISTS)
		return report_exists(session, name, &options->attributes);
	if (rc == RLQ_EENGINE)
		return report_no_engine(session, durability_name(options->attributes.durability));
	if (rc == RLQ_ENODLQ)
		return report(EXIT_NOQUEUE, "no such dead-letter queue: %s (create it first)",
			      options->attributes.dlq);
	if (rc == RLQ_ETYPE)
		return attributes_mixed(&options->attributes, name);
	if (rc == RLQ_EATTRIBUTE)
		return attributes_refused(session->directory, &options->attributes, name);
	if (rc < 0)
		return report_code(rc, name);
	return print_created(options, name, rc > 0);
}

static int create_run(void *opaque)
{
	const struct create_options *options = opaque;
	struct session session;
	int rc = attributes_check(&options->attributes, "--");

	if (!rc)
		rc = check_name(options->common.arguments[0], options->attributes.type);
	if (!rc)
		rc = session_open_directory(&options->common, &session);
	if (rc)
		return rc;
	rc = create_in(&session, options, options->common.arguments[0]);
	session_close(&session);
	return rc;
}

const struct command cmd_create = {
	.name = "create",
	.arguments = "QUEUE",
	.summary = "Create a queue; the same again is fine",
	.notes = "With other attributes than an existing queue of that name it fails; `ringlease set` changes\n"
		 "them. D is a duration: 30s, 500ms, 12h; a bare number is seconds.",
	.options = create_specs,
	.defaults = &(const struct create_options){.attributes = RLQ_QUEUE_ATTRIBUTES_INIT},
	.options_bytes = sizeof(struct create_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = create_run,
};
