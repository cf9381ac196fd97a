/* Deduplication ids of messages that are gone, or were never written, as long as their window is not over: what a
 * restart cannot learn from messages that live. Each is written once, from the slot of its message, which is kept
 * HELD until that is durable; and again when its file is to go.
 *
 * 64 bytes an id here, 48 in the journal; of a queue up to twice its dedup_max.
 */
#ifndef ENGINE_KNOWN_H
#define ENGINE_KNOWN_H

#include "daemon/format.h"
#include "ring/slot.h"

struct journaled;
struct live;
struct turn;

struct known_id {
	struct format_seen_id id;
	uint64_t until_ms; /* wall clock: the end of its window */
	uint32_t queue, file;
};

/* To be written in the present turn. */
struct known_noted {
	struct known_id kept;	 /* `file` 0: not written yet */
	struct journaled *queue; /* whose slot waits for it; NULL: it is written again */
	uint64_t generation;
	uint32_t ring, slot;
	bool has_record; /* false: there is nothing to remember of it, but the slot waits */
};

struct known {
	struct known_id *kept; /* in the order of their files, which is that of writing; from `first` on */
	size_t first, end, room;
	size_t again; /* of these, from the first on, the present turn writes again, or drops */
	struct known_noted *noted;
	size_t noted_count, noted_room;
};

/* What is over is forgotten. As a turn begins. */
void known_forget(struct turn *turn);
/* A message of a FIFO queue that is HELD, and not noted yet, or MOVED. 0 or -ENOMEM. */
int known_note(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word gone);
/* Some of those in `file`, the oldest, are to be written again. Bytes, or -ENOMEM. */
int64_t known_copy(struct turn *turn, uint64_t file);
/* Writes all that is noted. 0 or a negative errno. */
int known_write(struct turn *turn);
/* The turn is durable: slots go; or it has failed. */
void known_settle(struct turn *turn);
void known_undo(struct turn *turn);

/* What a restart has read. 0 or -ENOMEM. */
int known_adopt(struct turn *turn, const struct live *live);
void known_end(struct known *known);

#endif
