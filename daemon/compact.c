#include "daemon/compact.h"

#include "daemon/gather.h"
#include "daemon/written.h"
#include "ring/crashpoint.h"
#include "ringlease.h"

#include <errno.h>

static bool is_tight(const struct turn *turn)
{
	return turn->reserve.refusal || turn->compaction.asked;
}

/* Is the oldest file to go for the way it is encrypted? */
static bool is_outdated(const struct turn *turn)
{
	uint64_t oldest = journal_oldest(turn->journal);

	return oldest != 0 && oldest <= turn->outdated;
}

/* Has the journal more files than what lives in it needs? */
static bool is_too_long(const struct turn *turn)
{
	uint64_t filled = turn->space.bytes / turn->file_bytes + 1;
	uint64_t needed = is_tight(turn) ? filled + turn->space.bytes / 8 / turn->file_bytes + COMPACT_FILES_TIGHT
					 : COMPACT_FACTOR * filled + COMPACT_FILES_SPARE;

	return journal_files(turn->journal) > needed;
}

/* Is the oldest file? */
static bool is_to_go(const struct turn *turn)
{
	return is_too_long(turn) || is_outdated(turn);
}

/* Writes again what lives of these 64 slots in `file`. Bytes written, or a negative errno. */
static int64_t compact_group(struct turn *turn, struct journaled *queue, uint32_t index, uint32_t group,
			     uint64_t file)
{
	const struct ledger_group *written = queue->ledger.ring[index].groups[group];
	int64_t bytes = 0;

	for (uint64_t left = written ? written->entered : 0; left; left &= left - 1) {
		uint32_t bit = (uint32_t)__builtin_ctzll(left);
		int result;

		if (written->entry[bit].file != file)
			continue;
		result = written_again(turn, queue, index, group * LEDGER_GROUP + bit);
		if (result < 0)
			return result;
		bytes += result ? written->entry[bit].bytes : 0;
		CRASH_POINT(turn_message_compacted);
	}
	return bytes;
}

static int64_t compact_ring(struct turn *turn, struct journaled *queue, uint32_t index, uint64_t file)
{
	struct ledger_ring *ring = &queue->ledger.ring[index];
	int64_t bytes = 0;

	for (uint32_t group = 0; group < ring->group_count && bytes < COMPACT_TURN_BYTES; group++) {
		int64_t more = compact_group(turn, queue, index, group, file);

		if (more < 0)
			return more;
		bytes += more;
	}
	return bytes;
}

static int64_t compact_queue(struct turn *turn, struct journaled *queue, uint64_t file)
{
	struct segment *segment = queue->segment;
	int64_t bytes = 0;
	int error = seg_enter(segment);

	if (error)
		return error == RLQ_EREMOVED ? 0 : error;
	for (uint32_t i = 0; i < SEG_RING_COUNT && bytes < COMPACT_TURN_BYTES && !error; i++) {
		int64_t more = gather_has_ring(queue, i) ? compact_ring(turn, queue, i, file) : 0;

		if (more < 0)
			error = (int)more;
		else
			bytes += more;
	}
	seg_leave(segment);
	return error ? error : bytes;
}

/* Without anything to write no file is begun, and so none goes. */
static int begin_file(struct turn *turn)
{
	unsigned char *room = journal_reserve(turn->journal, sizeof(struct format_record));

	if (room == NULL)
		return journal_error(turn->journal);
	format_filler_put(room, sizeof(struct format_record));
	return 0;
}

int compact_some(struct turn *turn)
{
	uint64_t file = journal_oldest(turn->journal);
	int64_t bytes = 0;

	/* What it would fill before it gives a file back is for deletes by then. */
	turn->compaction.rewritten = 0;
	if (is_tight(turn) && journal_room(turn->journal) < turn->file_bytes)
		return 0;
	if (is_outdated(turn) && journal_file(turn->journal) == 0)
		return begin_file(turn);
	if (!is_to_go(turn) || space_messages(&turn->space, file) == 0)
		return 0;
	for (size_t i = 0; i < turn->queue_count && bytes < COMPACT_TURN_BYTES; i++) {
		int64_t more = compact_queue(turn, turn->queues[i], file);

		if (more < 0)
			return (int)more;
		bytes += more;
	}
	if (bytes < COMPACT_TURN_BYTES) {
		int64_t more = aside_copy(turn, file);

		if (more < 0)
			return (int)more;
		bytes += more;
	}
	if (bytes < COMPACT_TURN_BYTES) {
		int64_t more = known_copy(turn, file);

		if (more < 0)
			return (int)more;
		bytes += more;
	}
	turn->compaction.rewritten = (uint64_t)bytes;
	return 0;
}

void compact_drop(struct turn *turn)
{
	uint64_t oldest = journal_oldest(turn->journal);

	while (oldest != 0 && journal_files(turn->journal) > 1 && space_messages(&turn->space, oldest) == 0) {
		/* It waits to be the file after next: to write one with zeros takes as long as to fill it. */
		if (journal_is_prepared(turn->journal) && !is_to_go(turn))
			return;
		if (journal_drop_oldest(turn->journal))
			return; /* tried again after the next turn */
		oldest = journal_oldest(turn->journal);
		space_forget(&turn->space, oldest);
	}
}

/* ---- asked for -------------------------------------------------------------------------------- */

void compact_look(struct turn *turn, const struct seg_engine_page *page)
{
	struct compaction *compaction = &turn->compaction;
	uint64_t asked = load_seq(&page->compact_asked);

	if (compaction->asked || asked <= load_seq(&page->compact_done))
		return;
	compaction->asked = asked;
	compaction->until = journal_file(turn->journal);
}

/* Each file is looked at once: what is written meanwhile is no reason to go on. */
static bool is_done(const struct turn *turn)
{
	uint64_t oldest = journal_oldest(turn->journal);

	return !is_too_long(turn) || oldest > turn->compaction.until ||
	       (turn->compaction.rewritten == 0 && space_messages(&turn->space, oldest) > 0);
}

void compact_tell(struct turn *turn, struct seg_engine_page *page)
{
	struct compaction *compaction = &turn->compaction;
	uint64_t files = journal_files(turn->journal) + journal_spares(turn->journal);

	store_relaxed(&page->journal_files,
		      files); /* relaxed: figures to be shown, and said before the turn is done */
	store_relaxed(&page->journal_bytes, files * turn->file_bytes);
	store_relaxed(&page->journal_live_bytes, turn->space.bytes);
	if (compaction->asked == 0 || !is_done(turn))
		return;
	store_seq(&page->compact_done, compaction->asked);
	*compaction = (struct compaction){0};
}
