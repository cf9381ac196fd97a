/* The window of an async queue: how many bytes of all its handles may not be durable yet; and one for what is moved
 * to durable queues, all together, since the journal cannot refuse that any more, and keeps room for so much.
 *
 * Counted by turns of the journal, in two words of the header, for the turn that is under way and the next one. A
 * handle takes a piece at a time, so that most sends touch nothing shared; what it has not used of it when another
 * turn begins is lost. Only those who send take any. Who deletes a message before the turn that would have written
 * it has begun gives its bytes back: they never get to the disk, and cannot be lost.
 *
 * After a turn that failed, what it should have written counts for the one that follows.
 *
 * Progress: lock-free. Whoever is killed leaves his piece taken, until its turn is over.
 */
#ifndef SEG_WINDOW_H
#define SEG_WINDOW_H

#include "shm/segment.h"

enum {
	WINDOW_MS = 10,
	WINDOW_BYTES = 1 << 20, /* over all handles of a queue */
	MOVES_BYTES = 1 << 20,
};

/* `bytes` were sent, or 0, when turn `begun` had begun and turn `done` was done. Bytes in flight now, of all. */
uint64_t seg_window_use(struct segment *segment, uint64_t begun, uint64_t done, uint64_t bytes);

/* A turn begins though the last one, `begun`, is not done: what that should have written is of the next one. */
void seg_window_carry(struct segment *segment, uint64_t begun);

/* May a message of `bytes` be moved now? Counts it. Only so many at a time as MOVES_BYTES hold, or a single larger
 * one; more when a turn is done. */
bool seg_moves_admit(struct seg_engine_page *page, uint64_t bytes);
/* As seg_window_carry(). */
void seg_moves_carry(struct seg_engine_page *page, uint64_t begun);

/* `bytes` that were sent since turn `begun` had begun were deleted, and no other has begun since. */
void seg_window_give_back(struct segment *segment, uint64_t begun, uint64_t bytes);

#endif
