#include "daemon/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIRST = 1024 };

/* ---- messages by number ----------------------------------------------------------------------- */

static size_t home_of(const struct live *live, uint64_t number)
{
	/* Numbers come from one count: an odd factor spreads neighbours. */
	return (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (live->table_size - 1);
}

/* Its entry, or the free one where it would be. */
static struct live_message *entry_of(const struct live *live, uint64_t number)
{
	size_t at = home_of(live, number);

	while (live->table[at].record && live->table[at].record->number != number)
		at = (at + 1) & (live->table_size - 1);
	return &live->table[at];
}

const struct live_message *live_message_find(const struct live *live, uint64_t number)
{
	const struct live_message *entry = live->table_size ? entry_of(live, number) : NULL;

	return entry && entry->record ? entry : NULL;
}

static int make_room(struct live *live)
{
	struct live larger = *live;

	if ((live->message_count + 1) * 2 <= live->table_size)
		return 0;
	larger.table_size = live->table_size ? live->table_size * 2 : TABLE_FIRST;
	larger.table = calloc(larger.table_size, sizeof(*larger.table));
	if (larger.table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < live->table_size; i++)
		if (live->table[i].record)
			*entry_of(&larger, live->table[i].record->number) = live->table[i];
	free(live->table);
	*live = larger;
	return 0;
}

/* Takes an entry out; those behind it, that it may have kept from their home, move up. */
static void message_remove(struct live *live, uint64_t number)
{
	struct live_message *entry = live->table_size ? entry_of(live, number) : NULL;
	size_t at;

	if (entry == NULL || entry->record == NULL)
		return;
	free(entry->record);
	entry->record = NULL;
	live->message_count--;
	at = (size_t)(entry - live->table);
	for (;;) {
		struct live_message moved;

		at = (at + 1) & (live->table_size - 1);
		if (live->table[at].record == NULL)
			return;
		moved = live->table[at];
		live->table[at].record = NULL;
		*entry_of(live, moved.record->number) = moved;
	}
}

static int message_put(struct live *live, const struct format_message *message, uint64_t file)
{
	size_t bytes = live->keeps_payloads ? message->record.bytes : sizeof(*message);
	struct format_message *copy = malloc(bytes);
	struct live_message *entry;

	if (copy == NULL || make_room(live)) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, message, bytes);
	entry = entry_of(live, message->number);
	if (entry->record)
		free(entry->record); /* written again: the later one counts */
	else
		live->message_count++;
	*entry = (struct live_message){.record = copy, .file = file, .bytes = message->record.bytes};
	if (message->origin)
		message_remove(live, message->origin);
	if (message->number >= live->next_number)
		live->next_number = message->number + 1;
	return 0;
}

static void message_update(struct live *live, const struct format_update *update)
{
	struct live_message *entry = live->table_size ? entry_of(live, update->number) : NULL;

	if (entry == NULL || entry->record == NULL)
		return;
	entry->record->due_ms = update->due_ms;
	entry->record->receives = update->receives;
	entry->record->first_receive_ms = update->first_receive_ms;
}

/* ---- queues ----------------------------------------------------------------------------------- */

struct live_queue *live_queue_find(struct live *live, uint32_t queue)
{
	for (size_t i = 0; i < live->queue_count; i++)
		if (live->queues[i].definition.queue == queue && !live->queues[i].is_removed)
			return &live->queues[i];
	return NULL;
}

static int queue_put(struct live *live, const struct format_queue *definition)
{
	struct live_queue *queue = live_queue_find(live, definition->queue);

	if (queue == NULL) {
		queue = reallocarray(live->queues, live->queue_count + 1, sizeof(*queue));
		if (queue == NULL)
			return -ENOMEM;
		live->queues = queue;
		queue += live->queue_count++;
	}
	*queue = (struct live_queue){.definition = *definition};
	if (definition->queue >= live->next_queue)
		live->next_queue = definition->queue + 1;
	return 0;
}

/* Its messages go when they are asked for: there may be many. */
static void queue_remove(struct live *live, uint32_t number)
{
	struct live_queue *queue = live_queue_find(live, number);

	if (queue)
		queue->is_removed = true;
}

/* ---- public ----------------------------------------------------------------------------------- */

int live_apply(struct live *live, const struct format_record *record, uint64_t file)
{
	const struct format_delete *deletes = (const struct format_delete *)record;

	switch (record->kind) {
	case FORMAT_MESSAGE:
		return message_put(live, (const struct format_message *)record, file);
	case FORMAT_DELETE:
		for (uint16_t i = 0; i < record->count; i++)
			message_remove(live, deletes->numbers[i]);
		return 0;
	case FORMAT_UPDATE:
		message_update(live, (const struct format_update *)record);
		return 0;
	case FORMAT_QUEUE:
		return queue_put(live, (const struct format_queue *)record);
	case FORMAT_REMOVED:
		queue_remove(live, ((const struct format_removed *)record)->queue);
		return 0;
	default:
		return 0; /* one that may be passed over */
	}
}

static int by_number(const void *a, const void *b)
{
	uint64_t one = ((const struct live_message *)a)->record->number;
	uint64_t other = ((const struct live_message *)b)->record->number;

	return one < other ? -1 : one > other;
}

int64_t live_of_queue(const struct live *live, uint32_t queue, struct live_message **ret_messages)
{
	struct live_message *messages;
	size_t count = 0;

	for (size_t i = 0; i < live->table_size; i++)
		count += live->table[i].record && live->table[i].record->queue == queue;
	messages = calloc(count ? count : 1, sizeof(*messages));
	if (messages == NULL)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < live->table_size; i++)
		if (live->table[i].record && live->table[i].record->queue == queue)
			messages[count++] = live->table[i];
	qsort(messages, count, sizeof(*messages), by_number);
	*ret_messages = messages;
	return (int64_t)count;
}

void live_end(struct live *live)
{
	for (size_t i = 0; i < live->table_size; i++)
		free(live->table[i].record);
	free(live->table);
	free(live->queues);
	*live = (struct live){0};
}
