#include "daemon/aside.h"

#include "daemon/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint64_t one = ((const struct aside_message *)a)->number, other = ((const struct aside_message *)b)->number;

	return one < other ? -1 : one > other;
}

struct aside_message *aside_message_find(const struct aside *aside, uint64_t number)
{
	const struct aside_message key = {.number = number};

	return aside->count ? bsearch(&key, aside->messages, aside->count, sizeof(key), by_number) : NULL;
}

/* Not in order yet. */
static int add(struct turn *turn, const struct live_message *message, uint32_t queue)
{
	struct aside *aside = &turn->aside;

	aside->messages[aside->count++] = (struct aside_message){
		.number = message->number,
		.due_ms = message->due_ms,
		.id = {message->id[0], message->id[1]},
		.queue = queue,
		.file = message->file,
		.bytes = message->bytes,
		.receives = message->receives,
		.first_receive_ms = message->first_receive_ms,
	};
	return space_add(&turn->space, message->file, message->bytes);
}

int aside_put_messages(struct turn *turn, const struct live *live, const struct live_queue *queue)
{
	struct aside *aside = &turn->aside;
	size_t count = queue ? queue->count : turn->delete_count;
	struct aside_message *more = reallocarray(aside->messages, aside->count + count + 1, sizeof(*more));
	int error = more ? 0 : -ENOMEM;

	if (more)
		aside->messages = more;
	for (size_t i = 0; i < count && !error; i++)
		error = queue ? add(turn, live_of_queue(live, queue, i), queue->definition.queue)
			      : add(turn, live_message_find(live, turn->deletes[i]), 0);
	if (aside->count > 1)
		qsort(aside->messages, aside->count, sizeof(*aside->messages), by_number);
	return error;
}

int aside_drop_messages(struct turn *turn, uint32_t queue)
{
	struct aside *aside = &turn->aside;
	size_t kept = 0;
	int error = 0;

	for (size_t i = 0; i < aside->count; i++) {
		const struct aside_message *message = &aside->messages[i];

		if (message->queue == queue && (queue == 0 || queue == ASIDE_RESOLVED) && !error)
			error = turn_note_delete(turn, message->number);
		if (message->queue == queue && !error)
			space_take(&turn->space, message->file, message->bytes);
		else
			aside->messages[kept++] = *message;
	}
	aside->count = kept;
	return error;
}

void aside_settle(struct turn *turn)
{
	for (size_t i = 0; i < turn->aside.count && turn->aside.copied > 0; i++) {
		struct aside_message *message = &turn->aside.messages[i];

		if (message->copy == 0)
			continue;
		space_take(&turn->space, message->file, message->bytes);
		message->file = message->copy;
		message->copy = 0;
		turn->aside.copied--;
	}
}

void aside_undo(struct turn *turn)
{
	for (size_t i = 0; i < turn->aside.count && turn->aside.copied > 0; i++) {
		struct aside_message *message = &turn->aside.messages[i];

		if (message->copy == 0)
			continue;
		space_take(&turn->space, message->copy, message->bytes);
		message->copy = 0;
		turn->aside.copied--;
	}
}

/* ---- queues ----------------------------------------------------------------------------------- */

int aside_put(struct turn *turn, const struct live *live, const struct live_queue *queue, int error)
{
	struct aside *aside = &turn->aside;
	struct aside_queue *more = reallocarray(aside->queues, aside->queue_count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	aside->queues = more;
	more[aside->queue_count++] =
		(struct aside_queue){.definition = queue->definition, .error = error, .wait_ms = ASIDE_RETRY_MS};
	return aside_put_messages(turn, live, queue);
}

int aside_drop(struct turn *turn, uint32_t queue)
{
	struct aside *aside = &turn->aside;
	int error = aside_drop_messages(turn, queue);

	for (size_t i = 0; i < aside->queue_count; i++)
		if (aside->queues[i].definition.queue == queue) {
			aside->queues[i] = aside->queues[--aside->queue_count];
			break;
		}
	if (error)
		return error;
	return aside->queue_count == 0 ? aside_drop_messages(turn, 0) : aside_resolve(turn);
}

struct aside_queue *aside_find(const struct aside *aside, const char *name)
{
	for (size_t i = 0; i < aside->queue_count; i++)
		if (strcmp(aside->queues[i].definition.name, name) == 0)
			return &aside->queues[i];
	return NULL;
}

bool aside_has_incarnation(const struct aside *aside, uint64_t incarnation)
{
	for (size_t i = 0; i < aside->queue_count; i++)
		if (aside->queues[i].definition.incarnation == incarnation)
			return true;
	return false;
}

int aside_define(const struct aside *aside, struct journal *journal)
{
	for (size_t i = 0; i < aside->queue_count; i++) {
		unsigned char *room = journal_reserve(journal, format_queue_bytes(&aside->queues[i].definition));

		if (room == NULL)
			return journal_error(journal);
		format_queue_put(room, &aside->queues[i].definition);
	}
	return 0;
}

void aside_end(struct aside *aside)
{
	free(aside->queues);
	free(aside->messages);
	*aside = (struct aside){0};
}
