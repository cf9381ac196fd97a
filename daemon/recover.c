#include "daemon/recover.h"

#include "daemon/gather.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/create.h"
#include "shm/removal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_EVERY = 4096 };

/* ---- a segment built anew --------------------------------------------------------------------- */

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
		.number = message->number,
		.generation = word_generation(word),
		.receives = message->receives,
		.deadline_ms = message->due_ms ? gather_delay_of(word) : 0,
		.file = (uint32_t)message->file,
		.bytes = message->bytes,
	};
	return turn_count(turn, ring, entry);
}

static int restore_message(struct recovery *recovery, struct journaled *queue, const struct live_message *message)
{
	struct turn *turn = recovery->turn;
	struct restored restored = {
		.id = {message->id[0], message->id[1]},
		.sent_ms = message->sent_ms,
		.due_ms = boot_of(turn, message->due_ms),
		.receives = message->receives,
		.first_receive_ms = message->first_receive_ms,
		.sender = message->sender,
		.sequence = message->sequence,
		.sent_boot_ms = turn->clock.boot_ms - (turn->clock.wall_ms - message->sent_ms),
		.was_moved = message->was_moved,
		.body_bytes = message->body_bytes,
		.extra_bytes = message->extra_bytes,
	};
	struct restored_place place;
	int error;

	if (message->kept == 0)
		return -EAGAIN;
	draft_locate(&recovery->drafts, message, &restored);
	error = seg_restore(queue->segment, &restored, &place);
	CRASH_POINT(recover_message_restored);
	if (!error && queue->ledger.ring[place.ring].id == 0)
		error = gather_follow_rings(turn, queue);
	return error ? error : enter(turn, &queue->ledger.ring[place.ring], place.slot, place.word, message);
}

/* Of messages that are gone. Those of messages that live come with them. */
static int restore_ids(struct recovery *recovery, const struct live_queue *queue, struct segment *segment)
{
	const struct os_clock *clock = &recovery->turn->clock;
	size_t count;
	const struct live_seen *seen = live_seen_of(&recovery->live, queue->definition.queue, &count);
	int error = seg_restore_ids(segment, count + queue->count);

	for (size_t i = 0; i < count && !error; i++) {
		const struct format_seen_id *id = &seen[i].id;

		error = seg_restore_id(segment, &(struct dedup_message){
							.key = {id->key[0], id->key[1]},
							.id = {id->id[0], id->id[1]},
							.sequence = id->sequence,
							.boot_ms = clock->boot_ms - (clock->wall_ms - id->sent_ms),
						});
	}
	return error;
}

static int restore_all(struct recovery *recovery, const struct live_queue *queue, struct journaled *journaled)
{
	int error;

	os_clock_read(&journaled->segment->clock);
	error = gather_follow_rings(recovery->turn, journaled);
	if (!error && seg_is_fifo(journaled->segment))
		error = restore_ids(recovery, queue, journaled->segment);
	for (size_t i = 0; i < queue->count && !error; i++) {
		error = restore_message(recovery, journaled, live_of_queue(&recovery->live, queue, i));
		if (i % PROGRESS_EVERY == PROGRESS_EVERY - 1 && !error && recovery->progress)
			error = recovery->progress(recovery->context, queue, i + 1);
	}
	seg_restore_sequence(journaled->segment, queue->definition.sequence, queue->definition.purged);
	return error;
}

/* Its segment is the journaled queue's from then on. */
static int build_anew(struct recovery *recovery, struct live_queue *queue, struct journaled *journaled)
{
	int error = draft_complete(&recovery->drafts, queue);
	struct draft *draft = queue->kept;

	if (error)
		return error;
	journaled->segment = draft->segment;
	error = restore_all(recovery, queue, journaled);
	CRASH_POINT(recover_draft_filled);
	if (!error) {
		seg_leave(draft->segment);
		error = seg_draft_publish(recovery->drafts.directory, queue->definition.name);
		CRASH_POINT(recover_queue_named);
	}
	if (error)
		gather_forget(recovery->turn, journaled);
	else
		draft->segment = NULL;
	return error;
}

/* ---- a segment that lives --------------------------------------------------------------------- */

static int by_id(const void *a, const void *b, void *context)
{
	const struct live_message *one = live_at(context, *(const uint32_t *)a);
	const struct live_message *other = live_at(context, *(const uint32_t *)b);

	return memcmp(one->id, other->id, sizeof(one->id));
}

/* The messages of one queue, in order of their ids. */
struct sorted {
	struct live *live;
	uint32_t *order;
	size_t count;
	bool *found;
};

static bool find(const struct sorted *sorted, const uint64_t id[2], size_t *ret_at)
{
	size_t low = 0, high = sorted->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int compared = memcmp(live_at(sorted->live, sorted->order[middle])->id, id, 2 * sizeof(*id));

		if (compared == 0) {
			*ret_at = middle;
			return true;
		}
		if (compared < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Enters what the slot holds, if it is written. Each message is found once. */
static int match_slot(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot,
		      const struct sorted *sorted)
{
	const struct slot *at = &queue->segment->ring[ring].slots[slot];
	struct slot_word word = slot_read_stable(at);
	struct slot_message message = message_read(&at->message);
	size_t match;

	if (!gather_is_alive(word) || !find(sorted, message.id, &match) || sorted->found[match])
		return 0;
	sorted->found[match] = true;
	return enter(turn, &queue->ledger.ring[ring], slot, word, live_at(sorted->live, sorted->order[match]));
}

static int match_all(struct turn *turn, struct journaled *queue, const struct sorted *sorted)
{
	struct segment *segment = queue->segment;
	int error = seg_enter(segment);

	if (error)
		return error;
	error = gather_follow_rings(turn, queue);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		for (uint32_t slot = 0; queue->ledger.ring[i].id && slot < queue->ledger.ring[i].slots && !error;
		     slot++)
			error = match_slot(turn, queue, i, slot, sorted);
	seg_leave(segment);
	return error;
}

static int compare_living(struct recovery *recovery, const struct live_queue *queue, struct journaled *journaled,
			  uint64_t *ret_gone)
{
	struct sorted sorted = {
		.live = &recovery->live,
		.order = recovery->live.order + queue->first,
		.count = queue->count,
		.found = calloc(queue->count + 1, sizeof(*sorted.found)),
	};
	int error;

	if (sorted.found == NULL)
		return -ENOMEM;
	qsort_r(sorted.order, sorted.count, sizeof(*sorted.order), by_id, sorted.live);
	error = match_all(recovery->turn, journaled, &sorted);
	for (size_t i = 0; i < sorted.count && !error; i++)
		if (!sorted.found[i]) {
			error = turn_note_delete(recovery->turn, live_at(sorted.live, sorted.order[i])->number);
			++*ret_gone;
		}
	free(sorted.found);
	if (error)
		gather_forget(recovery->turn, journaled);
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

/* The segment as it was when the first message came by; else as it is now. */
static int find_living(struct recovery *recovery, struct live_queue *queue, struct segment **ret_segment)
{
	struct draft *draft = queue->kept;

	if (draft == NULL || !draft->is_living)
		return open_living(recovery->drafts.directory, queue->definition.name, ret_segment);
	*ret_segment = draft->segment;
	draft->segment = NULL;
	return 0;
}

int recover_queue(struct recovery *recovery, struct live_queue *queue, struct journaled *ret_journaled,
		  struct recovered *ret_report)
{
	const struct format_queue *definition = &queue->definition;
	struct journaled journaled = {.queue = definition->queue, .definition = *definition, .is_written = true};
	struct recovered report = {0};
	const size_t deletes = recovery->turn->delete_count;
	int error;

	os_clock_read(&recovery->turn->clock);
	error = find_living(recovery, queue, &journaled.segment);
	if (error == -ENOENT) {
		error = build_anew(recovery, queue, &journaled);
	} else if (!error) {
		report.was_alive = true;
		error = compare_living(recovery, queue, &journaled, &report.gone);
		if (error)
			seg_close(journaled.segment);
	}
	if (error) {
		recovery->turn->delete_count = deletes;
		return error;
	}
	draft_discard(&recovery->drafts, queue);
	report.messages = queue->count - report.gone;
	*ret_journaled = journaled;
	*ret_report = report;
	return 0;
}

/* ---- the whole -------------------------------------------------------------------------------- */

void recovery_begin(struct recovery *recovery, const struct seg_directory *directory, struct turn *turn)
{
	*recovery = (struct recovery){
		.turn = turn,
		.progress = recovery->progress,
		.context = recovery->context,
		.live = {.keeper = &recovery->keeper, .next_number = 1, .next_queue = 1},
		.keeper = {drafts_keep, drafts_drop, drafts_queue_gone, &recovery->drafts},
		.drafts = {.directory = directory, .live = &recovery->live},
	};
}

void recovery_end(struct recovery *recovery)
{
	drafts_end(&recovery->drafts);
	live_end(&recovery->live);
}

bool recovery_is_whole(const struct recovery *recovery)
{
	for (size_t i = 0; i < recovery->live.used; i++) {
		const struct live_message *message = live_at(&recovery->live, i);

		if (message->number && !message->kept && draft_is_wanted(&recovery->drafts, message))
			return false;
	}
	return true;
}

uint64_t recovery_lost(const struct recovery *recovery)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < recovery->live.used; i++) {
		const struct live_message *message = live_at(&recovery->live, i);

		lost += message->number && !live_has_met(&recovery->live, message->queue);
	}
	return lost;
}

int recovery_again(struct recovery *recovery)
{
	const uint32_t only = recovery->drafts.only;
	struct live before;
	int error = 0;

	drafts_end(&recovery->drafts);
	before = recovery->live;
	recovery_begin(recovery, recovery->drafts.directory, recovery->turn);
	recovery->drafts.only = only;
	for (size_t i = 0; i < before.queue_count && !error; i++)
		if (!before.queues[i].is_removed)
			error = live_apply(&recovery->live, &before.queues[i].definition.record, 0);
	live_end(&before);
	return error;
}
