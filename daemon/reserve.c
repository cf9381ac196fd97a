#include "daemon/reserve.h"

#include "daemon/files.h"
#include "daemon/turn.h"
#include "ringlease.h"

#include <errno.h>

static uint64_t room_of_file(const struct turn *turn)
{
	return turn->file_bytes - FORMAT_PAGE;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Bytes that it has when it is whole. */
static uint64_t wanted(const struct turn *turn)
{
	uint64_t bytes = RESERVE_FILES * room_of_file(turn) + turn->space.messages * sizeof(uint64_t) +
			 turn->reserve.window_bytes;

	for (size_t i = 0; i < turn->queue_count; i++)
		if (turn->queues[i]->segment->durability == RLQ_ASYNC)
			bytes += turn->reserve.window_bytes;
	return least(bytes, FILES_SPARES_MAX / 2 * room_of_file(turn));
}

static bool is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT;
}

static int prepare_one(struct turn *turn)
{
	struct reserve *reserve = &turn->reserve;
	uint32_t spares = journal_spares(turn->journal);
	int error;

	if (reserve->files_max && journal_files(turn->journal) + spares >= reserve->files_max)
		return -EDQUOT;
	if (turn->clock.boot_ms < reserve->retry_ms)
		return -ENOSPC;
	error = journal_prepare(turn->journal, spares + 1);
	if (is_full(error))
		reserve->retry_ms = turn->clock.boot_ms + RESERVE_RETRY_MS;
	return error;
}

/* Makes up to `files` ready, until there is room for so many bytes. What fails for another reason than a full disk
 * is left to who needs the file. */
static bool make_room(struct turn *turn, uint64_t bytes, uint32_t files)
{
	for (; journal_room(turn->journal) < bytes && files > 0; files--) {
		int error;

		if (journal_spares(turn->journal) == FILES_SPARES_MAX)
			return true; /* a message that takes more files than ever wait */
		error = prepare_one(turn);
		if (is_full(error))
			turn->reserve.refusal = error;
		if (error)
			return !is_full(error);
	}
	return true;
}

void reserve_begin(struct turn *turn)
{
	struct reserve *reserve = &turn->reserve;
	bool was_refused = reserve->refusal != 0;

	if (turn->queue_count == 0)
		return;
	journal_keep_spares(turn->journal, (uint32_t)(wanted(turn) / room_of_file(turn)) + 1);
	reserve->refusal = reserve->is_shut ? -ENOSPC : 0;
	reserve->is_shut = false;
	if (reserve->refusal)
		return;
	if (was_refused)
		make_room(turn, wanted(turn) + room_of_file(turn), FILES_SPARES_MAX);
	else
		make_room(turn, wanted(turn), 1);
}

bool reserve_has_room(struct turn *turn, uint64_t bytes)
{
	return turn->reserve.refusal == 0 && make_room(turn, wanted(turn) + bytes, FILES_SPARES_MAX);
}

bool reserve_admits(struct turn *turn, struct journaled *queue, uint64_t bytes)
{
	uint64_t limit = queue->definition.attributes[ATTRIBUTE_JOURNAL_BYTES_MAX];

	if (limit && ledger_bytes(&queue->ledger) + bytes > limit)
		return false;
	return reserve_has_room(turn, bytes);
}

static uint64_t refusal_of(const struct turn *turn, const struct journaled *queue)
{
	uint64_t limit = queue->definition.attributes[ATTRIBUTE_JOURNAL_BYTES_MAX];

	if (turn->reserve.refusal)
		return (uint64_t)-turn->reserve.refusal;
	return limit && ledger_bytes(&queue->ledger) >= limit ? EDQUOT : 0;
}

bool reserve_tell(struct turn *turn)
{
	bool has_changed = turn->reserve.refusal != turn->reserve.told;

	for (size_t i = 0; i < turn->queue_count; i++) {
		struct segment *segment = turn->queues[i]->segment;
		uint64_t was = load_acquire(&segment->header->sends_refused),
			 is = refusal_of(turn, turn->queues[i]);

		if (was == is)
			continue;
		store_seq(&segment->header->sends_refused, is);
		if (is == 0)
			seg_notify_room(segment);
	}
	turn->reserve.told = turn->reserve.refusal;
	return has_changed;
}
