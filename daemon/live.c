#include "daemon/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIRST = 1024 };

/* ---- messages: memory ------------------------------------------------------------------------- */

/* 0: no memory. */
static uint32_t message_new(struct live *live)
{
	uint32_t index = live->free;
	struct live_message **more;

	if (index) {
		live->free = live_at(live, index - 1)->file;
		return index;
	}
	if (live->used == UINT32_MAX)
		return 0;
	if (live->used % LIVE_CHUNK == 0) {
		more = reallocarray(live->chunks, live->used / LIVE_CHUNK + 1, sizeof(*more));
		if (more == NULL)
			return 0;
		live->chunks = more;
		more[live->used / LIVE_CHUNK] = malloc(LIVE_CHUNK * sizeof(**more));
		if (more[live->used / LIVE_CHUNK] == NULL)
			return 0;
	}
	return (uint32_t)++live->used;
}

static void message_free(struct live *live, uint32_t index)
{
	*live_at(live, index - 1) = (struct live_message){.file = live->free};
	live->free = index;
}

/* ---- messages by number ----------------------------------------------------------------------- */

/* Numbers come from one count: an odd factor spreads them, and neighbours share a line of the table. */
static size_t home_of(const struct live *live, uint64_t number)
{
	uint64_t line = (number >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	return (size_t)(line << 4 | (number & 15)) & (live->table_size - 1);
}

/* Where its index is, or the free place where it would be. */
static size_t place_of(const struct live *live, uint64_t number)
{
	size_t at = home_of(live, number);

	while (live->table[at] && live_at(live, live->table[at] - 1)->number != number)
		at = (at + 1) & (live->table_size - 1);
	return at;
}

/* NULL: not alive. */
static struct live_message *find(const struct live *live, uint64_t number)
{
	uint32_t index = live->table_size ? live->table[place_of(live, number)] : 0;

	return index ? live_at(live, index - 1) : NULL;
}

const struct live_message *live_message_find(const struct live *live, uint64_t number)
{
	return find(live, number);
}

static int make_room(struct live *live)
{
	size_t size = live->table_size ? live->table_size * 2 : TABLE_FIRST;
	uint32_t *larger;

	if ((live->message_count + 1) * 3 <= live->table_size * 2)
		return 0;
	larger = calloc(size, sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	free(live->table);
	live->table = larger;
	live->table_size = size;
	for (size_t i = 0; i < live->used; i++) {
		uint64_t number = live_at(live, i)->number;

		if (number)
			live->table[place_of(live, number)] = (uint32_t)i + 1;
	}
	return 0;
}

/* Those behind a place that has become free, that it may have kept from their home, move up. */
static void close_gap(struct live *live, size_t gap)
{
	size_t mask = live->table_size - 1;

	for (size_t at = (gap + 1) & mask; live->table[at]; at = (at + 1) & mask) {
		size_t home = home_of(live, live_at(live, live->table[at] - 1)->number);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		live->table[gap] = live->table[at];
		gap = at;
	}
	live->table[gap] = 0;
}

static void message_remove(struct live *live, uint64_t number)
{
	size_t at = live->table_size ? place_of(live, number) : 0;
	uint32_t index = live->table_size ? live->table[at] : 0;

	if (index == 0)
		return;
	if (live->keeper && live_at(live, index - 1)->kept)
		live->keeper->drop(live->keeper->context, live_at(live, index - 1));
	close_gap(live, at);
	message_free(live, index);
	live->message_count--;
}

/* The message of this number, made if there is none; NULL: no memory. */
static struct live_message *message_enter(struct live *live, uint64_t number)
{
	struct live_message *message = find(live, number);
	uint32_t index;

	if (message)
		return message;
	index = make_room(live) ? 0 : message_new(live);
	if (index == 0)
		return NULL;
	message = live_at(live, index - 1);
	live->table[place_of(live, number)] = index;
	*message = (struct live_message){.number = number};
	live->message_count++;
	return message;
}

static int message_put(struct live *live, const struct format_message *record, uint64_t file)
{
	struct live_message *message = message_enter(live, record->number);

	if (message == NULL)
		return -ENOMEM;
	/* One that is written again has the same payload; else the later record counts. */
	*message = (struct live_message){
		.number = record->number,
		.id = {record->id[0], record->id[1]},
		.sent_ms = record->sent_ms,
		.due_ms = record->due_ms,
		.sequence = format_sequence(record),
		.kept = message->kept,
		.queue = record->queue,
		.sender = record->sender,
		.receives = record->receives,
		.first_receive_ms = record->first_receive_ms,
		.body_bytes = record->body_bytes,
		.extra_bytes = record->extra_bytes,
		.file = (uint32_t)file,
		.bytes = record->record.bytes & INT32_MAX,
		.was_moved = (record->record.flags & FORMAT_MOVED) != 0,
	};
	if (record->number >= live->next_number)
		live->next_number = record->number + 1;
	if (record->origin)
		message_remove(live, record->origin);
	return live->keeper && !message->kept ? live->keeper->keep(live->keeper->context, message, record->payload)
					      : 0;
}

static void message_update(struct live *live, const struct format_update *update)
{
	struct live_message *message = find(live, update->number);

	if (message == NULL)
		return;
	message->due_ms = update->due_ms;
	message->receives = update->receives;
	message->first_receive_ms = update->first_receive_ms;
}

/* ---- queues ----------------------------------------------------------------------------------- */

/* The first one of this number or a higher one. */
static size_t queue_at(const struct live *live, uint32_t queue)
{
	size_t low = 0, high = live->queue_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (live->queues[middle].definition.queue < queue)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_queue(const struct live *live, size_t at, uint32_t queue)
{
	return at < live->queue_count && live->queues[at].definition.queue == queue;
}

bool live_has_met(const struct live *live, uint32_t queue)
{
	return has_queue(live, queue_at(live, queue), queue);
}

struct live_queue *live_queue_find(const struct live *live, uint32_t queue)
{
	size_t at = queue_at(live, queue);

	return has_queue(live, at, queue) && !live->queues[at].is_removed ? &live->queues[at] : NULL;
}

static int queue_put(struct live *live, const struct format_record *record)
{
	struct live_queue *more;
	struct format_queue definition;
	size_t at;

	format_queue_read(record, &definition);
	at = queue_at(live, definition.queue);
	if (definition.queue >= live->next_queue)
		live->next_queue = definition.queue + 1;
	if (has_queue(live, at, definition.queue)) {
		live->queues[at].definition = definition;
		live->queues[at].is_removed = false;
		return 0;
	}
	more = reallocarray(live->queues, live->queue_count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	live->queues = more;
	memmove(more + at + 1, more + at, (live->queue_count++ - at) * sizeof(*more));
	more[at] = (struct live_queue){.definition = definition};
	return 0;
}

/* Its messages stay in the table until the end: there may be many. */
static void queue_remove(struct live *live, uint32_t number)
{
	struct live_queue *queue = live_queue_find(live, number);

	if (queue == NULL)
		return;
	queue->is_removed = true;
	if (live->keeper)
		live->keeper->queue_gone(live->keeper->context, queue);
}

/* ---- in order --------------------------------------------------------------------------------- */

/* Sequence numbers come first; messages of standard queues have none. */
static int compare(const struct live_message *one, const struct live_message *other)
{
	if (one->sequence != other->sequence)
		return one->sequence < other->sequence ? -1 : 1;
	return one->number < other->number ? -1 : one->number > other->number;
}

static int in_order(const void *a, const void *b, void *context)
{
	return compare(live_at(context, *(const uint32_t *)a), live_at(context, *(const uint32_t *)b));
}

/* Mostly they are, as they came. */
static bool is_sorted(const struct live *live, const struct live_queue *queue)
{
	for (size_t i = 1; i < queue->count; i++)
		if (compare(live_of_queue(live, queue, i - 1), live_of_queue(live, queue, i)) > 0)
			return false;
	return true;
}

/* Of the message at an index; NULL: it is none, or its queue is gone. */
static struct live_queue *queue_of(const struct live *live, size_t index)
{
	const struct live_message *message = live_at(live, index);

	return message->number ? live_queue_find(live, message->queue) : NULL;
}

static void count_by_queue(struct live *live)
{
	size_t next = 0;

	for (size_t i = 0; i < live->queue_count; i++)
		live->queues[i].count = 0;
	for (size_t i = 0; i < live->used; i++) {
		struct live_queue *queue = queue_of(live, i);

		if (queue)
			queue->count++;
	}
	for (size_t i = 0; i < live->queue_count; i++) {
		live->queues[i].first = next;
		next += live->queues[i].count;
	}
}

int live_sort(struct live *live)
{
	live_seen_sort(live);
	free(live->order);
	live->order = malloc((live->message_count + 1) * sizeof(*live->order));
	if (live->order == NULL)
		return -ENOMEM;
	count_by_queue(live);
	for (size_t i = 0; i < live->queue_count; i++)
		live->queues[i].count = 0;
	for (size_t i = 0; i < live->used; i++) {
		struct live_queue *queue = queue_of(live, i);

		if (queue)
			live->order[queue->first + queue->count++] = (uint32_t)i;
	}
	for (size_t i = 0; i < live->queue_count; i++) {
		const struct live_queue *queue = &live->queues[i];

		if (!is_sorted(live, queue))
			qsort_r(live->order + queue->first, queue->count, sizeof(*live->order), in_order, live);
	}
	return 0;
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
		return queue_put(live, record);
	case FORMAT_SEEN:
		return live_seen_put(live, (const struct format_seen *)record, file);
	case FORMAT_REMOVED:
		queue_remove(live, ((const struct format_removed *)record)->queue);
		return 0;
	default:
		return 0; /* one that may be passed over */
	}
}

void live_end(struct live *live)
{
	for (size_t i = 0; i * LIVE_CHUNK < live->used; i++)
		free(live->chunks[i]);
	free(live->chunks);
	free(live->table);
	free(live->order);
	free(live->queues);
	free(live->seen);
	*live = (struct live){0};
}
