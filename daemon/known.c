#include "daemon/known.h"

#include "daemon/compact.h"
#include "daemon/live.h"
#include "daemon/turn.h"
#include "ring/crashpoint.h"
#include "shm/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_A_RECORD = 1024 };

/* ---- what is kept ----------------------------------------------------------------------------- */

static void drop_first(struct turn *turn)
{
	const struct known_id *kept = &turn->known.kept[turn->known.first++];

	space_take(&turn->space, kept->file, sizeof(kept->id));
}

void known_forget(struct turn *turn)
{
	const struct known *known = &turn->known;

	while (known->first < known->end && known->kept[known->first].until_ms <= turn->clock.wall_ms)
		drop_first(turn);
}

/* Room for so many more. */
static int make_room(struct known *known, size_t more)
{
	size_t count = known->end - known->first, room = 2 * (count + more) + IDS_A_RECORD;
	struct known_id *larger;

	if (known->end + more <= known->room)
		return 0;
	larger = reallocarray(NULL, room, sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(larger, known->kept + known->first, count * sizeof(*larger));
	free(known->kept);
	*known = (struct known){.kept = larger,
				.end = count,
				.room = room,
				.again = known->again,
				.noted = known->noted,
				.noted_count = known->noted_count,
				.noted_room = known->noted_room};
	return 0;
}

static int by_file(const void *a, const void *b)
{
	const struct known_id *one = a, *other = b;

	return one->file < other->file ? -1 : one->file > other->file;
}

int known_adopt(struct turn *turn, const struct live *live)
{
	struct known *known = &turn->known;
	int error = make_room(known, live->seen_count);

	for (size_t i = 0; i < live->seen_count && !error; i++) {
		const struct live_seen *from = &live->seen[i];
		const struct live_queue *queue = live_queue_find(live, from->queue);
		struct known_id kept = {.id = from->id, .queue = from->queue, .file = from->file};

		if (queue == NULL)
			continue;
		kept.until_ms = from->id.sent_ms + queue->definition.attributes[ATTRIBUTE_DEDUP_WINDOW_MS];
		error = space_add(&turn->space, kept.file, sizeof(kept.id));
		known->kept[known->end++] = kept;
	}
	if (known->end > 0)
		qsort(known->kept, known->end, sizeof(*known->kept), by_file);
	return error;
}

void known_end(struct known *known)
{
	free(known->kept);
	free(known->noted);
	*known = (struct known){0};
}

/* ---- what is noted ---------------------------------------------------------------------------- */

static int add_note(struct known *known, const struct known_noted *noted)
{
	if (known->noted_count == known->noted_room) {
		size_t room = known->noted_room * 2 + IDS_A_RECORD;
		struct known_noted *larger = reallocarray(known->noted, room, sizeof(*larger));

		if (larger == NULL)
			return -ENOMEM;
		known->noted = larger;
		known->noted_room = room;
	}
	known->noted[known->noted_count++] = *noted;
	return 0;
}

int known_note(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word gone)
{
	const struct slot *at = &queue->segment->ring[ring].slots[slot];
	const struct fifo_links *links = fifo_links(at);
	struct slot_message message = message_read(&at->message);
	struct known_noted noted = {
		.kept = {.id = {.key = {load_relaxed(&links->key[0]),
					load_relaxed(&links->key[1])}, /* relaxed: HELD */
				.id = {message.id[0], message.id[1]},
				.sequence = load_relaxed(&links->sequence),
				.sent_ms = sent_ms(message.sent)},
			 .queue = queue->queue},
		.queue = queue,
		.generation = word_generation(gone),
		.ring = ring,
		.slot = slot,
	};

	if (word_state(gone) == SLOT_HELD && (word_owner(gone) == OWNER_NEVER || word_owner(gone) == OWNER_SEEN))
		return 0;
	noted.kept.until_ms = noted.kept.id.sent_ms + seg_attribute(queue->segment, ATTRIBUTE_DEDUP_WINDOW_MS);
	noted.has_record = noted.kept.until_ms > turn->clock.wall_ms &&
			   noted.kept.id.sequence > load_seq(&queue->segment->header->dedup.purged) &&
			   !message_was_moved_here(at, place_pack(ring, slot, word_generation(gone)));
	return add_note(&turn->known, &noted);
}

int64_t known_copy(struct turn *turn, uint64_t file)
{
	struct known *known = &turn->known;
	int64_t bytes = 0;

	for (size_t i = known->first; i < known->end && bytes < COMPACT_TURN_BYTES; i++) {
		struct known_noted noted = {.kept = known->kept[i], .has_record = true};

		if (noted.kept.file != file)
			break;
		known->again++;
		noted.kept.file = 0;
		if (noted.kept.until_ms <= turn->clock.wall_ms)
			continue;
		if (add_note(known, &noted))
			return -ENOMEM;
		bytes += (int64_t)sizeof(noted.kept.id);
	}
	return bytes;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* How many from `first` on go into one record. */
static uint16_t run_of(const struct known *known, size_t first)
{
	size_t end = first;

	while (end < known->noted_count && end - first < IDS_A_RECORD && known->noted[end].has_record &&
	       known->noted[end].kept.queue == known->noted[first].kept.queue)
		end++;
	return (uint16_t)(end - first);
}

static int write_run(struct turn *turn, size_t first, uint16_t count)
{
	unsigned char *room = journal_reserve(turn->journal, format_seen_bytes(count));
	struct known_noted *noted = &turn->known.noted[first];
	struct format_seen *record;

	if (room == NULL)
		return journal_error(turn->journal);
	record = format_seen_put(room, noted->kept.queue, count);
	for (uint16_t i = 0; i < count; i++)
		record->ids[i] = noted[i].kept.id;
	for (uint16_t i = 0; i < count; i++) {
		uint64_t file = journal_file(turn->journal);

		if (space_add(&turn->space, file, sizeof(noted->kept.id)))
			return -ENOMEM;
		noted[i].kept.file = (uint32_t)file;
	}
	return 0;
}

int known_write(struct turn *turn)
{
	struct known *known = &turn->known;
	int error = make_room(known, known->noted_count);

	for (size_t i = 0; i < known->noted_count && !error;) {
		uint16_t count = run_of(known, i);

		if (count > 0)
			error = write_run(turn, i, count);
		i += count > 0 ? count : 1;
	}
	return error;
}

/* ---- after the turn --------------------------------------------------------------------------- */

/* Whoever pops it may free it from now on, and what is popped goes. */
static void let_go(const struct known_noted *noted)
{
	struct segment *segment = noted->queue->segment;
	struct slot *slot = &segment->ring[noted->ring].slots[noted->slot];
	struct slot_word word = slot_read_stable(slot);

	if (word_state(word) != SLOT_HELD || word_generation(word) != noted->generation ||
	    !slot_change(slot, word, word_with_owner(word, OWNER_SEEN)))
		return;
	CRASH_POINT(turn_seen_noted);
	message_free_held(segment, noted->ring, noted->slot);
}

/* Those of one queue, from `first` on; where the next one's begin. */
static size_t let_go_of_queue(const struct known *known, size_t first)
{
	struct journaled *queue = known->noted[first].queue;
	int error = queue ? seg_enter(queue->segment) : -ENOENT;
	size_t i = first;

	for (; i < known->noted_count && known->noted[i].queue == queue; i++)
		if (!error)
			let_go(&known->noted[i]);
	if (!error)
		seg_leave(queue->segment);
	return i;
}

void known_settle(struct turn *turn)
{
	struct known *known = &turn->known;

	for (; known->again > 0; known->again--)
		drop_first(turn);
	for (size_t i = 0; i < known->noted_count; i++)
		if (known->noted[i].has_record)
			known->kept[known->end++] = known->noted[i].kept;
	for (size_t i = 0; i < known->noted_count;)
		i = let_go_of_queue(known, i);
	known->noted_count = 0;
}

void known_undo(struct turn *turn)
{
	struct known *known = &turn->known;

	/* Their slots are looked at again anyway: they are HELD. */
	for (size_t i = 0; i < known->noted_count; i++)
		if (known->noted[i].kept.file)
			space_take(&turn->space, known->noted[i].kept.file, sizeof(known->noted->kept.id));
	known->noted_count = known->again = 0;
}
