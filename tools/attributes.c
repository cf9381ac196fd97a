#include "attributes.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attribute_table.h"
#include "duration.h"
#include "options.h"
#include "redrive_policy.h"
#include "report.h"

#define FIELD(member)                                                                                              \
	.offset = offsetof(struct rlq_queue_attributes, member),                                                   \
	.wide = sizeof(((struct rlq_queue_attributes *)0)->member) == sizeof(uint64_t)

const struct attribute_spec attribute_specs[ATTRIBUTE_COUNT] = {
	{"visibility-timeout", "VisibilityTimeout", "VisibilityTimeoutMs", 0, RLQ_VISIBILITY_MAX_MS,
	 .kind = KIND_DURATION, FIELD(visibility_ms)},
	{"delay", "DelaySeconds", "DelayMs", 0, RLQ_DELAY_MAX_MS, .kind = KIND_DURATION, FIELD(delay_ms)},
	{"retention", "MessageRetentionPeriod", "MessageRetentionPeriodMs", RLQ_RETENTION_MIN_MS,
	 RLQ_RETENTION_MAX_MS, .kind = KIND_DURATION, FIELD(retention_ms)},
	{"wait", "ReceiveMessageWaitTimeSeconds", "ReceiveMessageWaitTimeMs", 0, 20000, .kind = KIND_DURATION,
	 FIELD(wait_ms)},
	{"max-message-bytes", "MaximumMessageSize", NULL, 1, RLQ_BODY_MAX, .kind = KIND_NUMBER,
	 FIELD(message_bytes_max)},
	{"capacity", "Capacity", NULL, 1, RLQ_CAPACITY_MAX, .kind = KIND_NUMBER, .fixed = true, FIELD(capacity)},
	{"dlq", "DeadLetterQueue", .kind = KIND_DLQ, FIELD(dlq)},
	{"max-receives", "MaxReceiveCount", NULL, 0, 1000, .kind = KIND_NUMBER, .said_with_dlq = true,
	 FIELD(receives_max)},
	{"redrive-policy", "RedrivePolicy", .kind = KIND_POLICY},
	{"overdue", "DeadLetterOverdue", "DeadLetterOverdueMs", 0, UINT32_MAX, .kind = KIND_DURATION,
	 .said_with_dlq = true, FIELD(overdue_ms)},
	{"max-journal-bytes", "MaximumJournalSize", NULL, 0, INT64_MAX, .kind = KIND_NUMBER, .said_unless_0 = true,
	 FIELD(journal_bytes_max)},
	{"mode", "Mode", .kind = KIND_MODE, .fixed = true, FIELD(mode)},
	{"group-owner", "GroupOwner", .kind = KIND_GROUP, .fixed = true, FIELD(group)},
	{"numa", "Placement", .kind = KIND_PLACE, .fixed = true, FIELD(placement)},
	{"type", "FifoQueue", .kind = KIND_TYPE, .fixed = true},
	{"content-dedup", "ContentBasedDeduplication", .kind = KIND_CONTENT, .fifo = true},
	{"dedup-scope", "DeduplicationScope", .kind = KIND_SCOPE, .fifo = true},
	{"dedup-window", "DeduplicationWindow", "DeduplicationWindowMs", RLQ_DEDUP_WINDOW_MIN_MS,
	 RLQ_DEDUP_WINDOW_MAX_MS, .kind = KIND_DURATION, .fifo = true, FIELD(dedup_window_ms)},
	{"dedup-max", "MaximumDeduplicationIds", NULL, 1, RLQ_DEDUP_MAX, .kind = KIND_NUMBER, .fixed = true,
	 .fifo = true, FIELD(dedup_max)},
};

static const struct attribute_spec *spec_find(const char *name)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
		if (!strcmp(attribute_specs[i].name, name) ||
		    (attribute_specs[i].sqs && !strcmp(attribute_specs[i].sqs, name)))
			return &attribute_specs[i];
	return NULL;
}

uint64_t attribute_get(const struct rlq_queue_attributes *attributes, const struct attribute_spec *spec)
{
	const void *at = (const char *)attributes + spec->offset;

	return spec->wide ? *(const uint64_t *)at : *(const uint32_t *)at;
}

static void field_set(struct rlq_queue_attributes *attributes, const struct attribute_spec *spec, uint64_t value)
{
	void *at = (char *)attributes + spec->offset;

	if (spec->wide)
		*(uint64_t *)at = value;
	else
		*(uint32_t *)at = (uint32_t)value;
}

void attribute_value_format(const struct attribute_spec *spec, uint64_t value, char *ret_text)
{
	if (spec->kind == KIND_DURATION)
		duration_format((int64_t)value, ret_text);
	else
		snprintf(ret_text, DURATION_TEXT_BYTES, "%llu", (unsigned long long)value);
}

static int parse_value(struct rlq_queue_attributes *attributes, const struct attribute_spec *spec,
		       const char *prefix, const char *name, const char *text)
{
	char min[DURATION_TEXT_BYTES], max[DURATION_TEXT_BYTES];
	uint64_t value;

	if (spec->kind == KIND_DURATION) {
		int64_t duration_ms;

		if (duration_parse(text, &duration_ms))
			return report(EXIT_USAGE,
				      "%s%s: not a duration: %s (30s, 500ms, 12h; a bare number is seconds)",
				      prefix, name, text);
		value = (uint64_t)duration_ms;
	} else if (number_parse(text, &value)) {
		return report(EXIT_USAGE, "%s%s: not a whole number: %s", prefix, name, text);
	}
	if (value < spec->min || value > spec->max) {
		attribute_value_format(spec, spec->min, min);
		attribute_value_format(spec, spec->max, max);
		return report(EXIT_USAGE, "%s%s: out of range: %s (%s to %s)", prefix, name, text, min, max);
	}
	field_set(attributes, spec, value);
	return 0;
}

static int parse_dlq(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
		     const char *text)
{
	const size_t stem = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	if (strlen(text) > RLQ_NAME_MAX || (text[stem] && strcmp(text + stem, ".fifo") != 0))
		return report(EXIT_USAGE,
			      "%s%s: not a queue name: %s (1 to 80 of A-Z a-z 0-9 _ -, or .fifo at the end)",
			      prefix, name, text);
	snprintf(attributes->dlq, sizeof(attributes->dlq), "%s", text);
	/* No DLQ, no limit: so that "set QUEUE dlq=" is enough to take it off. */
	if (!*text)
		attributes->receives_max = 0;
	return 0;
}

static int parse_mode(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
		      const char *text)
{
	char *end;
	const unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || mode > 0777)
		return report(EXIT_USAGE, "%s%s: not an octal file mode: %s (0600, 0660)", prefix, name, text);
	if ((mode & 0600) != 0600)
		return report(EXIT_USAGE, "%s%s: its owner needs to read and write: %s (0600, 0660)", prefix, name,
			      text);
	attributes->mode = (uint32_t)mode;
	return 0;
}

static int parse_group(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
		       const char *text)
{
	uint64_t number;
	const struct group *group;

	if (!number_parse(text, &number) && number < UINT32_MAX) {
		attributes->group = (uint32_t)number;
		return 0;
	}
	group = getgrnam(text);
	if (!group)
		return report(EXIT_USAGE, "%s%s: no such group: %s", prefix, name, text);
	attributes->group = group->gr_gid;
	return 0;
}

static int parse_placement(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
			   const char *text)
{
	uint64_t node;

	if (!strcmp(text, "local")) {
		attributes->placement = RLQ_PLACE_LOCAL;
	} else if (!strcmp(text, "interleave")) {
		attributes->placement = RLQ_PLACE_INTERLEAVE;
	} else if (!number_parse(text, &node) && node < UINT32_MAX) {
		attributes->placement = RLQ_PLACE_NODE;
		attributes->placement_node = (uint32_t)node;
	} else {
		return report(EXIT_USAGE, "%s%s: not a placement: %s (local, interleave or a node's number)",
			      prefix, name, text);
	}
	return 0;
}

static int parse_type(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
		      const char *text)
{
	if (strcmp(text, "standard") != 0 && strcmp(text, "fifo") != 0)
		return report(EXIT_USAGE, "%s%s: not a type: %s (standard or fifo)", prefix, name, text);
	attributes->type = !strcmp(text, "fifo") ? RLQ_FIFO : RLQ_STANDARD;
	return 0;
}

static int parse_content(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
			 const char *text)
{
	if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)
		return report(EXIT_USAGE, "%s%s: neither true nor false: %s", prefix, name, text);
	attributes->content_dedup = !strcasecmp(text, "true");
	return 0;
}

static int parse_scope(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
		       const char *text)
{
	if (strcmp(text, "queue") != 0 && strcmp(text, "messageGroup") != 0)
		return report(EXIT_USAGE, "%s%s: not a scope: %s (queue or messageGroup)", prefix, name, text);
	attributes->dedup_scope = !strcmp(text, "queue") ? RLQ_DEDUP_QUEUE : RLQ_DEDUP_GROUP;
	return 0;
}

int attribute_parse(struct rlq_queue_attributes *attributes, const char *prefix, const char *name, const char *text)
{
	const struct attribute_spec *spec = spec_find(name);

	if (!spec)
		return report(EXIT_USAGE, "no such attribute: %s (ringlease set --help lists them)", name);
	switch (spec->kind) {
	case KIND_DLQ:
		return parse_dlq(attributes, prefix, name, text);
	case KIND_POLICY:
		return redrive_policy_parse(attributes, text);
	case KIND_MODE:
		return parse_mode(attributes, prefix, name, text);
	case KIND_GROUP:
		return parse_group(attributes, prefix, name, text);
	case KIND_PLACE:
		return parse_placement(attributes, prefix, name, text);
	case KIND_TYPE:
		return parse_type(attributes, prefix, name, text);
	case KIND_CONTENT:
		return parse_content(attributes, prefix, name, text);
	case KIND_SCOPE:
		return parse_scope(attributes, prefix, name, text);
	default:
		return parse_value(attributes, spec, prefix, name, text);
	}
}

int attribute_change(struct rlq_queue_attributes *attributes, const char *name, const char *text)
{
	const struct attribute_spec *spec = spec_find(name);

	if (spec && spec->fixed)
		return report(EXIT_USAGE, "%s is fixed when the queue is created", name);
	return attribute_parse(attributes, "", name, text);
}

/* What is set, though only FIFO queues have it; NULL: nothing. */
static const char *fifo_attribute_set(const struct rlq_queue_attributes *attributes)
{
	if (attributes->content_dedup)
		return "content-dedup";
	if (attributes->dedup_scope != RLQ_DEDUP_QUEUE)
		return "dedup-scope";
	if (attributes->dedup_window_ms != RLQ_DEDUP_WINDOW_DEFAULT_MS)
		return "dedup-window";
	return attributes->dedup_max != RLQ_DEDUP_DEFAULT ? "dedup-max" : NULL;
}

int attributes_check(const struct rlq_queue_attributes *attributes, const char *prefix)
{
	const char *fifo = attributes->type == RLQ_STANDARD ? fifo_attribute_set(attributes) : NULL;

	if (fifo)
		return report(EXIT_USAGE, "%s%s is for FIFO queues: this one is standard%s", prefix, fifo,
			      *prefix ? " (--type fifo)" : "");
	if (*attributes->dlq && !attributes->receives_max)
		return report(EXIT_USAGE, "%sdlq needs %smax-receives too: how often before a message goes to %s",
			      prefix, prefix, attributes->dlq);
	if (!*attributes->dlq && attributes->receives_max)
		return report(EXIT_USAGE, "%smax-receives needs %sdlq too: where the messages go", prefix, prefix);
	if (attributes->journal_bytes_max && attributes->durability == RLQ_MEMORY)
		return report(EXIT_USAGE, "%smax-journal-bytes is for durable queues: this one is in memory alone",
			      prefix);
	return 0;
}

int attributes_refused(struct rlq_directory *directory, const struct rlq_queue_attributes *attributes,
		       const char *name)
{
	struct rlq_queue_attributes dlq = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	if (!*attributes->dlq || rlq_queue_open(directory, attributes->dlq, &queue) < 0)
		return report_code(RLQ_EATTRIBUTE, name);
	rlq_queue_get_attributes(queue, &dlq);
	rlq_queue_close(queue);
	if (dlq.durability >= attributes->durability)
		return report_code(RLQ_EATTRIBUTE, name);
	return report(EXIT_USAGE,
		      "%s has durability %s: the dead-letter queue of one that has %s must survive as much "
		      "(create another one)",
		      attributes->dlq, durability_name(dlq.durability), durability_name(attributes->durability));
}

int attributes_mixed(const struct rlq_queue_attributes *attributes, const char *name)
{
	return report(EXIT_USAGE, "%s is a %s queue, and so must its dead-letter queue be: not %s", name,
		      attributes->type == RLQ_FIFO ? "FIFO" : "standard", attributes->dlq);
}

const char *attribute_settable(size_t i)
{
	for (size_t at = 0; at < ATTRIBUTE_COUNT; at++)
		if (!attribute_specs[at].fixed && attribute_specs[at].kind != KIND_POLICY && !i--)
			return attribute_specs[at].name;
	return NULL;
}
