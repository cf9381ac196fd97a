#include "daemon/compact.h"
#include "daemon/gather.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DELETES_MAX = 4096, /* of one record */
	/* Numbers that a FIFO queue may give before its definition is written again: half of it is more than it can
	 * give in two turns. */
	SEQUENCES_AHEAD = 1 << 22,
};

/* ---- lists that grow -------------------------------------------------------------------------- */

static bool grow(void **list, size_t *room, size_t count, size_t bytes)
{
	size_t more = *room ? *room * 2 : 1024;
	void *larger;

	if (count < *room)
		return true;
	larger = reallocarray(*list, more, bytes);
	if (larger == NULL)
		return false;
	*list = larger;
	*room = more;
	return true;
}

int turn_note_delete(struct turn *turn, uint64_t number)
{
	if (!grow((void **)&turn->deletes, &turn->delete_room, turn->delete_count, sizeof(*turn->deletes)))
		return -ENOMEM;
	turn->deletes[turn->delete_count++] = number;
	return 0;
}

int turn_note_removal(struct turn *turn, uint32_t queue)
{
	if (!grow((void **)&turn->removals, &turn->removal_room, turn->removal_count, sizeof(*turn->removals)))
		return -ENOMEM;
	turn->removals[turn->removal_count++] = queue;
	return 0;
}

int turn_note_late(struct turn *turn, const struct late *late)
{
	if (!grow((void **)&turn->late, &turn->late_room, turn->late_count, sizeof(*turn->late)))
		return -ENOMEM;
	turn->late[turn->late_count++] = *late;
	return 0;
}

/* Those that were seen too late for the last turn. */
static int late_deletes(struct turn *turn)
{
	for (size_t i = 0; i < turn->late_count; i++) {
		if (turn_note_delete(turn, turn->late[i].number))
			return -ENOMEM;
		space_take(&turn->space, turn->late[i].file, turn->late[i].bytes);
	}
	turn->late_count = 0;
	return 0;
}

/* Their fields are stored one by one where they belong: a copy made just before would have to wait until the record
 * before is out of the store buffer, which takes as long as a miss. */
int turn_note_pending(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, uint64_t generation)
{
	struct pending *pending;

	if (!grow((void **)&turn->pending, &turn->pending_room, turn->pending_count, sizeof(*turn->pending)))
		return -ENOMEM;
	pending = &turn->pending[turn->pending_count++];
	pending->queue = queue;
	pending->ring = ring;
	pending->slot = slot;
	pending->generation = generation;
	return 0;
}

int turn_note_touched(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      const struct ledger_entry *before)
{
	struct touched *touched;

	if (!grow((void **)&turn->touched, &turn->touched_room, turn->touched_count, sizeof(*turn->touched)))
		return -ENOMEM;
	touched = &turn->touched[turn->touched_count++];
	touched->queue = queue;
	touched->ring = ring;
	touched->slot = slot;
	touched->before = before ? *before : (struct ledger_entry){0};
	return 0;
}

/* ---- definitions ------------------------------------------------------------------------------ */

/* A limit for the numbers of this turn and of some more, far above those given so far: what nobody wrote must not
 * be given again after a crash, and it is not worth a record for each turn. */
static uint64_t sequence_limit(const struct journaled *queue)
{
	uint64_t given = load_seq(&queue->segment->header->sequence), limit = queue->definition.sequence;

	return given + SEQUENCES_AHEAD / 2 <= limit ? limit : given + SEQUENCES_AHEAD;
}

static void define_fifo(const struct journaled *queue, struct format_queue *ret)
{
	ret->type = FORMAT_FIFO;
	ret->dedup_max = (uint32_t)queue->segment->dedup_max;
	ret->sequence = sequence_limit(queue);
	ret->purged = load_seq(&queue->segment->header->dedup.purged);
	ret->dedup_seed = queue->segment->dedup_seed;
}

static void define(const struct journaled *queue, struct format_queue *ret)
{
	const struct seg_identity *identity = &queue->segment->header->identity;
	const struct seg_header *header = queue->segment->header;
	uint64_t dlq = load_acquire(&header->attribute[ATTRIBUTE_DLQ]);

	*ret = (struct format_queue){
		.queue = queue->queue,
		.durability = identity->durability,
		.incarnation = identity->incarnation,
		.created_ms = identity->created_ms,
		.capacity = identity->capacity,
		.mode = identity->mode,
		.group = identity->group,
		.placement = identity->placement,
		.placement_node = identity->placement_node,
	};
	for (int i = 0; i < ATTRIBUTE_COUNT; i++)
		ret->attributes[i] = load_relaxed(&header->attribute[i]); /* relaxed: a setting, no hand-over */
	ret->modified_ms = ret->attributes[ATTRIBUTE_MODIFIED_MS];
	memcpy(ret->name, identity->name, SEG_NAME_MAX);
	if (seg_is_fifo(queue->segment))
		define_fifo(queue, ret);
	if (ret->attributes[ATTRIBUTE_RECEIVES_MAX] != 0 && (dlq == 1 || dlq == 2))
		memcpy(ret->dlq, header->dlq_name[dlq - 1], SEG_NAME_MAX);
}

static int write_definition(struct journal *journal, const struct format_queue *definition)
{
	unsigned char *room = journal_reserve(journal, format_queue_bytes(definition));

	if (room == NULL)
		return journal_error(journal);
	format_queue_put(room, definition);
	return 0;
}

int turn_write_definitions(void *context, struct journal *journal)
{
	const struct turn *turn = context;
	int error = 0;

	for (size_t i = 0; i < turn->queue_count && !error; i++)
		if (turn->queues[i]->is_written)
			error = write_definition(journal, &turn->queues[i]->definition);
	return error ? error : aside_define(&turn->aside, journal);
}

/* Once. */
static int note_removal(struct turn *turn, struct journaled *queue)
{
	int error = queue->is_written ? turn_note_removal(turn, queue->queue) : 0;

	if (error)
		return error;
	queue->is_removed = true;
	queue->is_written = false;
	gather_forget(turn, queue);
	CRASH_POINT(turn_queue_removed);
	return 0;
}

static int write_removals(struct turn *turn)
{
	for (size_t i = 0; i < turn->removal_count; i++) {
		unsigned char *room = journal_reserve(turn->journal, sizeof(struct format_removed));

		if (room == NULL)
			return journal_error(turn->journal);
		format_removed_put(room, turn->removals[i]);
	}
	return 0;
}

/* A queue that is new, has been set anew, or was removed. */
static int gather_definition(struct turn *turn, struct journaled *queue)
{
	struct format_queue now;
	int error;

	if (load_seq(&queue->segment->header->rings) & RINGS_REMOVED)
		return note_removal(turn, queue);
	define(queue, &now);
	if (queue->is_written && !turn->defines_all && memcmp(&now, &queue->definition, sizeof(now)) == 0)
		return 0;
	error = write_definition(turn->journal, &now);
	if (!error) {
		queue->definition = now;
		queue->is_written = true;
	}
	return error;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int write_deletes(struct turn *turn)
{
	for (size_t done = 0; done < turn->delete_count;) {
		size_t left = turn->delete_count - done, count = left < DELETES_MAX ? left : DELETES_MAX;
		unsigned char *room = journal_reserve(turn->journal, format_delete_bytes((uint16_t)count));

		if (room == NULL)
			return journal_error(turn->journal);
		format_delete_put(room, turn->deletes + done, (uint16_t)count);
		done += count;
	}
	return 0;
}

/* What was done before the turn began, and nothing since. */
static int gather_all(struct turn *turn)
{
	int error = 0;

	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_deletes(turn, turn->queues[i]);
	CRASH_POINT(turn_deletes_gathered);
	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_sends(turn, turn->queues[i]);
	return error;
}

/* What readers of the files must know that it writes to. */
static uint64_t turn_features(const struct turn *turn)
{
	uint64_t features = 0;

	for (size_t i = 0; i < turn->queue_count; i++)
		features |= seg_is_fifo(turn->queues[i]->segment) ? FORMAT_FILE_FIFO : 0;
	for (size_t i = 0; i < turn->aside.queue_count; i++)
		features |= turn->aside.queues[i].definition.type == FORMAT_FIFO ? FORMAT_FILE_FIFO : 0;
	return features;
}

static int gather_and_write(struct turn *turn, struct seg_engine_page *page)
{
	int error = 0;

	os_clock_read(&turn->clock);
	journal_need(turn->journal, turn_features(turn));
	known_forget(turn);
	reserve_begin(turn);
	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_definition(turn, turn->queues[i]);
	CRASH_POINT(turn_queues_defined);
	if (!error)
		error = write_removals(turn);
	if (!error)
		error = late_deletes(turn);
	if (!error)
		error = gather_all(turn);
	CRASH_POINT(turn_sends_gathered);
	seg_turn_gathered(page, turn->number);
	CRASH_POINT(turn_said_gathered);
	for (size_t i = 0; i < turn->queue_count && !error; i++)
		error = gather_release(turn->queues[i]);
	CRASH_POINT(turn_queues_released);
	if (!error)
		error = compact_some(turn);
	if (!error)
		error = known_write(turn);
	CRASH_POINT(turn_compacted);
	if (!error)
		error = write_deletes(turn);
	CRASH_POINT(turn_deletes_written);
	if (!error)
		error = journal_end_turn(turn->journal);
	CRASH_POINT(turn_durable);
	return error;
}

int turn_run(struct turn *turn, struct seg_engine_page *page)
{
	int error = gather_and_write(turn, page);

	turn->defines_all = error != 0;
	if (error) {
		turn->reserve.is_shut = error == -ENOSPC || error == -EDQUOT;
		turn_undo(turn);
		known_undo(turn);
		aside_undo(turn);
		journal_repair(turn->journal);
		return error;
	}
	turn->delete_count = turn->removal_count = turn->touched_count = 0;
	known_settle(turn);
	aside_settle(turn);
	compact_drop(turn);
	CRASH_POINT(turn_files_dropped);
	return 0;
}

void turn_end(struct turn *turn)
{
	space_end(&turn->space);
	aside_end(&turn->aside);
	known_end(&turn->known);
	free(turn->late);
	free(turn->deletes);
	free(turn->pending);
	free(turn->removals);
	free(turn->touched);
	turn->deletes = NULL;
	turn->pending = NULL;
	turn->removals = NULL;
	turn->touched = NULL;
}
