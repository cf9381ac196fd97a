/* journal dump: the records of a journal, a line each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "attributes.h"
#include "data.h"
#include "journal.h"
#include "message_json.h"
#include "output.h"
#include "report.h"

enum { BODY_SHOWN_BYTES = 60 };

static const char *const kinds[] = {
	[RLQ_JOURNAL_MESSAGE] = "message", [RLQ_JOURNAL_DELETE] = "delete",   [RLQ_JOURNAL_UPDATE] = "update",
	[RLQ_JOURNAL_QUEUE] = "queue",	   [RLQ_JOURNAL_REMOVED] = "removed", [RLQ_JOURNAL_SEEN] = "seen",
};

/* ---- text ------------------------------------------------------------------------------------- */

/* The beginning of it, so that a record stays on its line. */
static void print_body(const unsigned char *body, uint64_t bytes)
{
	const uint64_t shown = bytes < BODY_SHOWN_BYTES ? bytes : BODY_SHOWN_BYTES;

	printf(" body=%" PRIu64 " \"", bytes);
	for (uint64_t i = 0; i < shown; i++) {
		if (body[i] == '"' || body[i] == '\\')
			printf("\\%c", body[i]);
		else if (body[i] < ' ' || body[i] > '~')
			printf("\\x%02x", body[i]);
		else
			putchar(body[i]);
	}
	printf("\"%s", shown < bytes ? "..." : "");
}

static void print_time(const char *label, uint64_t wall_ms)
{
	char text[DATA_TIME_BYTES];

	if (wall_ms == 0)
		return;
	data_time(wall_ms, text);
	printf(" %s=%s", label, text);
}

static void print_message(const struct rlq_journal_record *record)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES];

	rlq_message_id_format(&record->id, id);
	printf(" id=%s", id);
	print_time("sent", record->sent_ms);
	print_time("due", record->due_ms);
	printf(" receives=%" PRIu32 " sender=%" PRIu32, record->receive_count, record->sender);
	if (record->sequence)
		printf(" sequence=%" PRIu64, record->sequence);
	if (record->moved_number)
		printf(" instead-of=%" PRIu64, record->moved_number);
	if (record->attribute_bytes)
		printf(" attributes=%" PRIu64, record->attribute_bytes);
	print_body(record->body, record->body_bytes);
}

static void print_update(const struct rlq_journal_record *record)
{
	print_time("due", record->due_ms);
	printf(" receives=%" PRIu32, record->receive_count);
}

static void print_seen(const struct rlq_journal_record *record)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES];

	rlq_message_id_format(&record->id, id);
	printf(" id=%s", id);
	print_time("sent", record->sent_ms);
	printf(" sequence=%" PRIu64, record->sequence);
}

static void print_queue(const struct rlq_journal_record *record)
{
	char text[512];

	attributes_format(record->attributes, text, sizeof(text));
	printf(" %sdurability %s, %s", record->attributes->type == RLQ_FIFO ? "fifo, " : "",
	       durability_name(record->attributes->durability), text);
	if (record->sequence)
		printf(", sequence numbers up to %" PRIu64, record->sequence);
}

static int print_record(const struct rlq_journal_record *record)
{
	char written[DATA_TIME_BYTES];

	data_time(record->written_ms, written);
	printf("%s:%" PRIu64 " turn %" PRIu64 " %s %s %s", record->file, record->offset, record->turn, written,
	       kinds[record->kind], *record->queue ? record->queue : "-");
	if (record->number)
		printf(" %" PRIu64, record->number);
	if (record->kind == RLQ_JOURNAL_MESSAGE)
		print_message(record);
	else if (record->kind == RLQ_JOURNAL_UPDATE)
		print_update(record);
	else if (record->kind == RLQ_JOURNAL_QUEUE)
		print_queue(record);
	else if (record->kind == RLQ_JOURNAL_SEEN)
		print_seen(record);
	putchar('\n');
	return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static int add_message(json_t *object, const struct rlq_journal_record *record)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES];
	int failed;

	rlq_message_id_format(&record->id, id);
	failed = json_object_set_new(object, "MessageId", json_string(id));
	failed |= json_object_set_new(object, "SentTimestamp", output_number(record->sent_ms));
	failed |= json_object_set_new(object, "SenderId", output_number(record->sender));
	failed |= json_object_set_new(object, "AttributeBytes", output_number(record->attribute_bytes));
	if (record->sequence)
		failed |= json_object_set_new(object, "SequenceNumber", output_number(record->sequence));
	if (record->moved_number)
		failed |= json_object_set_new(object, "InsteadOf", output_number(record->moved_number));
	return failed | bytes_to_json(object, "Body", "BodyEncoding", record->body, record->body_bytes);
}

static int add_seen(json_t *object, const struct rlq_journal_record *record)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES];

	rlq_message_id_format(&record->id, id);
	return json_object_set_new(object, "MessageId", json_string(id)) |
	       json_object_set_new(object, "SentTimestamp", output_number(record->sent_ms)) |
	       json_object_set_new(object, "SequenceNumber", output_number(record->sequence));
}

static int add_due(json_t *object, const struct rlq_journal_record *record)
{
	return json_object_set_new(object, "DueTimestamp", output_number(record->due_ms)) |
	       json_object_set_new(object, "ApproximateReceiveCount", output_number(record->receive_count));
}

static int add_by_kind(json_t *object, const struct rlq_journal_record *record)
{
	switch (record->kind) {
	case RLQ_JOURNAL_MESSAGE:
		return add_message(object, record) | add_due(object, record);
	case RLQ_JOURNAL_UPDATE:
		return add_due(object, record);
	case RLQ_JOURNAL_SEEN:
		return add_seen(object, record);
	case RLQ_JOURNAL_QUEUE:
		return attributes_to_json(record->attributes, object) |
		       json_object_set_new(object, "FifoQueue",
					   json_boolean(record->attributes->type == RLQ_FIFO)) |
		       json_object_set_new(object, "Durability",
					   json_string(durability_name(record->attributes->durability)));
	default:
		return 0;
	}
}

static int print_json(const struct rlq_journal_record *record)
{
	json_t *object =
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "File", record->file, "Offset",
			  output_number(record->offset), "Frame", output_number(record->frame), "Turn",
			  output_number(record->turn), "WrittenTimestamp", output_number(record->written_ms),
			  "Kind", kinds[record->kind], "QueueName", record->queue);
	int failed = object == NULL;

	if (!failed && record->number)
		failed = json_object_set_new(object, "Number", output_number(record->number));
	if (!failed)
		failed = add_by_kind(object, record);
	if (failed) {
		json_decref(object);
		object = NULL;
	}
	return output_json(object, stdout);
}

/* ---- all of it -------------------------------------------------------------------------------- */

/* A closed pipe ends it; who flushes says so. */
static int dump_record(void *context, const struct rlq_journal_record *record)
{
	const struct journal_options *options = context;

	if (options->queue && strcmp(options->queue, record->queue) != 0)
		return 0;
	if (ferror(stdout))
		return EXIT_FAILED;
	return options->common.json ? print_json(record) : print_record(record);
}

int journal_dump(const struct journal_options *options, const char *data)
{
	struct rlq_journal_summary summary = RLQ_JOURNAL_SUMMARY_INIT;
	int rc = rlq_journal_dump(data, options->keys, dump_record, (void *)options, &summary);

	if (rc < 0)
		return data_report(rc, data, &summary);
	/* What a file says that goes while it is read may look damaged. */
	if (rc == 0 && summary.faults && rlq_journal_verify(data, options->keys, NULL, NULL, &summary) > 0)
		return report(EXIT_FAILED,
			      "%s is damaged: records are missing (ringlease journal verify says where)", data);
	return rc;
}
