#include "daemon/recover.h"

#include "daemon/gather.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- a segment built anew --------------------------------------------------------------------- */

static void recipe_of(const struct format_queue *definition, struct seg_recipe *ret)
{
	*ret = (struct seg_recipe){
		.name = definition->name,
		.capacity = definition->capacity,
		.mode = definition->mode,
		.group = definition->group,
		.placement = definition->placement,
		.placement_node = definition->placement_node,
		.durability = definition->durability,
	};
	memcpy(ret->attribute, definition->attributes, sizeof(ret->attribute));
	memcpy(ret->dlq, definition->dlq, sizeof(ret->dlq));
}

/* The wall clock's time as boot clock; what has passed meanwhile is due at once. */
static uint64_t boot_of(const struct turn *turn, uint64_t due_ms)
{
	return due_ms > turn->clock.wall_ms ? turn->clock.boot_ms + (due_ms - turn->clock.wall_ms) : 0;
}

static int enter(struct turn *turn, struct ledger_ring *ring, uint32_t slot, struct slot_word word,
		 const struct live_message *message)
{
	struct ledger_entry *entry = ledger_enter(ring, slot);

	if (entry == NULL)
		return -ENOMEM;
	*entry = (struct ledger_entry){
		.number = message->record->number,
		.generation = word_generation(word),
		.receives = message->record->receives,
		.deadline_ms = message->record->due_ms ? gather_delay_of(word) : 0,
		.file = (uint32_t)message->file,
		.bytes = message->bytes,
	};
	return space_add(&turn->space, message->file, message->bytes);
}

static int restore_message(struct turn *turn, struct journaled *queue, const struct live_message *message)
{
	const struct format_message *record = message->record;
	struct restored restored = {
		.id = {record->id[0], record->id[1]},
		.sent_ms = record->sent_ms,
		.due_ms = boot_of(turn, record->due_ms),
		.receives = record->receives,
		.first_receive_ms = record->first_receive_ms,
		.sender = record->sender,
		.body_bytes = record->body_bytes,
		.extra_bytes = record->extra_bytes,
	};
	struct restored_place place;
	unsigned char *payload;
	int error = seg_restore_begin(queue->segment, &restored, &place, &payload);

	if (error)
		return error;
	memcpy(payload, record->payload, (size_t)record->body_bytes + record->extra_bytes);
	seg_restore_end(queue->segment, &restored, &place);
	CRASH_POINT(recover_message_restored);
	error = gather_follow_rings(turn, queue);
	return error ? error : enter(turn, &queue->ledger.ring[place.ring], place.slot, place.word, message);
}

static int restore_all(struct turn *turn, struct journaled *queue, const struct live_message *messages,
		       size_t count)
{
	int error = seg_enter(queue->segment);

	if (error)
		return error;
	os_clock_read(&queue->segment->clock);
	error = gather_follow_rings(turn, queue);
	for (size_t i = 0; i < count && !error; i++)
		error = restore_message(turn, queue, &messages[i]);
	seg_leave(queue->segment);
	return error;
}

static int build_anew(const struct seg_directory *directory, const struct format_queue *definition,
		      const struct live_message *messages, size_t count, struct turn *turn, struct journaled *queue)
{
	struct seg_recipe recipe;
	int error;

	recipe_of(definition, &recipe);
	error = seg_draft_create(directory, &recipe, &queue->segment);
	if (error)
		return error;
	CRASH_POINT(recover_draft_made);
	error = restore_all(turn, queue, messages, count);
	CRASH_POINT(recover_draft_filled);
	if (!error)
		error = seg_draft_publish(directory, definition->name);
	CRASH_POINT(recover_queue_named);
	if (error) {
		seg_close(queue->segment);
		queue->segment = NULL;
		ledger_end(&queue->ledger);
	}
	return error;
}

/* ---- a segment that lives --------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct format_message *one = ((const struct live_message *)a)->record;
	const struct format_message *other = ((const struct live_message *)b)->record;

	return memcmp(one->id, other->id, sizeof(one->id));
}

/* Enters what the slot holds, if it is written. Each message is found once: `record` NULL afterwards. */
static int match_slot(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      struct live_message *sorted, bool *found, size_t count)
{
	const struct slot *at = &queue->segment->ring[ring].slots[slot];
	struct slot_word word = slot_read_stable(at);
	struct slot_message message = message_read(&at->message);
	struct format_message key = {.id = {message.id[0], message.id[1]}};
	struct live_message wanted = {.record = &key}, *match;

	if (!gather_is_alive(word))
		return 0;
	match = bsearch(&wanted, sorted, count, sizeof(*sorted), by_id);
	if (match == NULL || found[match - sorted])
		return 0;
	found[match - sorted] = true;
	return enter(turn, &queue->ledger.ring[ring], slot, word, match);
}

static int match_all(struct turn *turn, struct journaled *queue, struct live_message *messages, size_t count,
		     bool *found)
{
	struct segment *segment = queue->segment;
	int error = seg_enter(segment);

	if (error)
		return error;
	error = gather_follow_rings(turn, queue);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		for (uint32_t slot = 0; queue->ledger.ring[i].id && slot < queue->ledger.ring[i].slots && !error;
		     slot++)
			error = match_slot(turn, queue, i, slot, messages, found, count);
	seg_leave(segment);
	return error;
}

static int compare_living(struct turn *turn, struct journaled *queue, struct live_message *messages, size_t count,
			  uint64_t *ret_gone)
{
	bool *found = calloc(count ? count : 1, sizeof(*found));
	int error;

	if (found == NULL)
		return -ENOMEM;
	qsort(messages, count, sizeof(*messages), by_id);
	error = match_all(turn, queue, messages, count, found);
	for (size_t i = 0; i < count && !error; i++)
		if (!found[i]) {
			error = turn_note_delete(turn, messages[i].record->number);
			++*ret_gone;
		}
	free(found);
	return error;
}

/* ---- public ----------------------------------------------------------------------------------- */

/* Opens the queue's segment if it lives; -ENOENT: there is none. What an earlier boot has left goes. */
static int open_living(const struct seg_directory *directory, const char *name, struct segment **ret_segment)
{
	int error = seg_open(directory, name, ret_segment);

	if (error == RLQ_EBOOT)
		error = seg_remove(directory, name) ? error : -ENOENT;
	if (error)
		return error;
	if ((*ret_segment)->durability != RLQ_MEMORY)
		return 0;
	seg_close(*ret_segment);
	return RLQ_EEXISTS; /* somebody made another one while no engine ran */
}

int recover_queue(const struct seg_directory *directory, const struct live *live, const struct live_queue *queue,
		  struct turn *turn, struct journaled *ret_journaled, struct recovered *ret_report)
{
	const struct format_queue *definition = &queue->definition;
	struct journaled journaled = {.queue = definition->queue, .definition = *definition, .is_written = true};
	struct recovered report = {0};
	struct live_message *messages;
	int64_t count = live_of_queue(live, definition->queue, &messages);
	int error;

	if (count < 0)
		return (int)count;
	os_clock_read(&turn->clock);
	error = open_living(directory, definition->name, &journaled.segment);
	if (error == -ENOENT) {
		error = build_anew(directory, definition, messages, (size_t)count, turn, &journaled);
	} else if (!error) {
		report.was_alive = true;
		error = compare_living(turn, &journaled, messages, (size_t)count, &report.gone);
		if (error) {
			seg_close(journaled.segment);
			ledger_end(&journaled.ledger);
		}
	}
	free(messages);
	if (error)
		return error;
	report.messages = (uint64_t)count - report.gone;
	*ret_journaled = journaled;
	*ret_report = report;
	return 0;
}
