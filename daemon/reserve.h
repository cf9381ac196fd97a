/* Room on the disk that new messages may not take, so that all else can be written when it is full: deletes, which
 * give room again, the copies that compaction makes before it gives a file back, settings, receive counts, and what
 * had been taken in when it was noticed. It waits as files that are made ready; while it is not whole, messages
 * whose senders wait are left, and their senders take them back (client/settle.c).
 *
 *   RESERVE_FILES            one that compaction fills before it gives one back, and one for all else
 *   8 bytes a live message   its delete
 *   2 MiB an async queue     its windows in the turn that finds the disk full and the next one, whose messages
 *                            cannot be taken back any more; and as much for moves, likewise
 */
#ifndef ENGINE_RESERVE_H
#define ENGINE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

struct turn;
struct journaled;

enum { RESERVE_FILES = 2, RESERVE_RETRY_MS = 1000 };

struct reserve {
	uint64_t files_max;    /* in all, with those that wait; 0: as many as there is room for */
	uint64_t window_bytes; /* for each async queue, and for moves */
	int refusal;	       /* why senders are refused, negative; 0: they are not */
	uint64_t retry_ms;     /* boot clock: the disk is full, and not asked again before */
	int told;	       /* refusal as clients were told last */
	bool is_shut; /* the last turn found the disk full where it should not be: senders are refused once */
};

/* At the beginning of a turn: makes it whole if it can, a file a turn. Once senders are refused they are until
 * there is room for a file of messages beside it, so that they do not hear now this and now that. */
void reserve_begin(struct turn *turn);

/* Is there room for a message of so many bytes? Makes files ready for it. */
bool reserve_has_room(struct turn *turn, uint64_t bytes);
/* Also within the queue's own limit? */
bool reserve_admits(struct turn *turn, struct journaled *queue, uint64_t bytes);

/* After the turn: tells the clients of all queues, and wakes those who wait for room. Has it changed whether
 * senders are refused? */
bool reserve_tell(struct turn *turn);

#endif
