#include "daemon/dump.h"

#include "daemon/inspect.h"
#include "daemon/live.h"
#include "shm/layout.h"

#include <errno.h>
#include <string.h>

struct dumping {
	int (*each)(void *context, const struct rlq_journal_record *record);
	void *context;
	struct live live;
	uint64_t handed_on; /* LSN of the last frame whose records were, also by a reading that failed */
	uint64_t skip;	    /* handed on before this reading began */
	char file[FORMAT_FILE_NAME_BYTES];
	struct rlq_queue_attributes attributes;
};

/* ---- names ------------------------------------------------------------------------------------ */

static const char *queue_name(struct dumping *dumping, uint32_t queue)
{
	const struct live_queue *found = live_queue_find(&dumping->live, queue);

	return found ? found->definition.name : "";
}

static const char *queue_of_message(struct dumping *dumping, uint64_t number)
{
	const struct live_message *message = live_message_find(&dumping->live, number);

	return message ? queue_name(dumping, message->queue) : "";
}

/* ---- by kind ---------------------------------------------------------------------------------- */

static int hand_on_message(struct dumping *dumping, struct rlq_journal_record *out,
			   const struct format_message *message)
{
	out->kind = RLQ_JOURNAL_MESSAGE;
	out->queue = queue_name(dumping, message->queue);
	out->number = message->number;
	out->id = (struct rlq_message_id){{message->id[0], message->id[1]}};
	out->sender = message->sender;
	out->sent_ms = message->sent_ms;
	out->body = message->payload;
	out->body_bytes = message->body_bytes;
	out->attribute_bytes = message->extra_bytes;
	out->moved_number = message->origin;
	out->due_ms = message->due_ms;
	out->receive_count = message->receives;
	out->sequence = format_sequence(message);
	return dumping->each(dumping->context, out);
}

static int hand_on_deletes(struct dumping *dumping, struct rlq_journal_record *out,
			   const struct format_delete *deletes)
{
	int result = 0;

	out->kind = RLQ_JOURNAL_DELETE;
	for (uint16_t i = 0; i < deletes->record.count && !result; i++) {
		out->number = deletes->numbers[i];
		out->queue = queue_of_message(dumping, out->number);
		result = dumping->each(dumping->context, out);
	}
	return result;
}

static int hand_on_update(struct dumping *dumping, struct rlq_journal_record *out,
			  const struct format_update *update)
{
	out->kind = RLQ_JOURNAL_UPDATE;
	out->number = update->number;
	out->queue = queue_of_message(dumping, update->number);
	out->due_ms = update->due_ms;
	out->receive_count = update->receives;
	return dumping->each(dumping->context, out);
}

static void attributes_of(const struct format_queue *queue, struct rlq_queue_attributes *ret)
{
	const uint64_t *words = queue->attributes;

	*ret = (struct rlq_queue_attributes){
		.size = sizeof(*ret),
		.visibility_ms = (int64_t)words[ATTRIBUTE_VISIBILITY_MS],
		.delay_ms = (int64_t)words[ATTRIBUTE_DELAY_MS],
		.retention_ms = (int64_t)words[ATTRIBUTE_RETENTION_MS],
		.wait_ms = (int64_t)words[ATTRIBUTE_WAIT_MS],
		.message_bytes_max = words[ATTRIBUTE_BYTES_MAX],
		.capacity = queue->capacity,
		.receives_max = queue->dlq[0] ? (uint32_t)words[ATTRIBUTE_RECEIVES_MAX] : 0,
		.overdue_ms = (uint32_t)words[ATTRIBUTE_OVERDUE_MS],
		.mode = queue->mode,
		.group = queue->group,
		.placement = (enum rlq_placement)queue->placement,
		.placement_node = queue->placement_node,
		.durability = (enum rlq_durability)queue->durability,
		.journal_bytes_max = words[ATTRIBUTE_JOURNAL_BYTES_MAX],
		.dedup_window_ms = RLQ_DEDUP_WINDOW_DEFAULT_MS,
		.dedup_max = RLQ_DEDUP_DEFAULT,
	};
	memcpy(ret->dlq, queue->dlq, RLQ_NAME_MAX);
	if (queue->type != FORMAT_FIFO)
		return;
	ret->type = RLQ_FIFO;
	ret->content_dedup = words[ATTRIBUTE_CONTENT_DEDUP] != 0;
	ret->dedup_scope = (enum rlq_dedup_scope)words[ATTRIBUTE_DEDUP_SCOPE];
	ret->dedup_window_ms = (int64_t)words[ATTRIBUTE_DEDUP_WINDOW_MS];
	ret->dedup_max = queue->dedup_max;
}

static int hand_on_queue(struct dumping *dumping, struct rlq_journal_record *out,
			 const struct format_record *record)
{
	struct format_queue definition, *queue = &definition;

	format_queue_read(record, queue);
	attributes_of(queue, &dumping->attributes);
	out->kind = RLQ_JOURNAL_QUEUE;
	out->queue = queue->name;
	out->attributes = &dumping->attributes;
	out->sequence = queue->sequence;
	return dumping->each(dumping->context, out);
}

static int hand_on_seen(struct dumping *dumping, struct rlq_journal_record *out, const struct format_seen *seen)
{
	int result = 0;

	out->kind = RLQ_JOURNAL_SEEN;
	out->queue = queue_name(dumping, seen->queue);
	for (uint16_t i = 0; i < seen->record.count && !result; i++) {
		out->id = (struct rlq_message_id){{seen->ids[i].id[0], seen->ids[i].id[1]}};
		out->sequence = seen->ids[i].sequence;
		out->sent_ms = seen->ids[i].sent_ms;
		result = dumping->each(dumping->context, out);
	}
	return result;
}

static int hand_on_removed(struct dumping *dumping, struct rlq_journal_record *out,
			   const struct format_removed *removed)
{
	out->kind = RLQ_JOURNAL_REMOVED;
	out->queue = queue_name(dumping, removed->queue);
	return dumping->each(dumping->context, out);
}

static int hand_on(struct dumping *dumping, const struct replay_place *place, const struct format_record *record)
{
	struct rlq_journal_record out = {
		.file = dumping->file,
		.offset = place->offset,
		.frame = place->lsn,
		.turn = place->turn,
		.written_ms = place->wall_ms,
	};

	format_file_name(place->file, dumping->file);
	switch (record->kind) {
	case FORMAT_MESSAGE:
		return hand_on_message(dumping, &out, (const struct format_message *)record);
	case FORMAT_DELETE:
		return hand_on_deletes(dumping, &out, (const struct format_delete *)record);
	case FORMAT_UPDATE:
		return hand_on_update(dumping, &out, (const struct format_update *)record);
	case FORMAT_QUEUE:
		return hand_on_queue(dumping, &out, record);
	case FORMAT_SEEN:
		return hand_on_seen(dumping, &out, (const struct format_seen *)record);
	default:
		return hand_on_removed(dumping, &out, (const struct format_removed *)record);
	}
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int take_record(void *context, const struct replay_place *place, const struct format_record *record)
{
	struct dumping *dumping = context;
	int result = 0;

	if (place->lsn > dumping->skip) {
		result = hand_on(dumping, place, record);
		dumping->handed_on = place->lsn;
	}
	return result ? result : live_apply(&dumping->live, record, place->file);
}

/* Errors that a file which goes while it is read may cause; a second one of the same kind in a row is meant. */
static bool may_pass(int error)
{
	return error == -ENOENT || error == -EIO;
}

int dump(const struct os_disk *disk, int folder, const struct keys *keys,
	 int (*each)(void *context, const struct rlq_journal_record *record), void *context,
	 struct replay_report *ret_report)
{
	struct dumping dumping = {.each = each, .context = context};
	const struct replay_calls calls = {.record = take_record, .context = &dumping, .keys = keys};
	struct replay_report before = {0};
	int error_before = 0;

	for (int i = 0; i < INSPECT_TRIES; i++) {
		int error;

		dumping.skip = dumping.handed_on;
		error = replay(disk, folder, &calls, ret_report);
		live_end(&dumping.live);
		if (!may_pass(error) || (i > 0 && inspect_is_same(error, ret_report, error_before, &before)))
			return error;
		error_before = error;
		before = *ret_report;
	}
	return -EAGAIN;
}
