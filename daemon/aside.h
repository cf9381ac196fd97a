/* Queues that cannot be opened: their owner has closed them to the engine, or their segment is damaged. The others
 * are journaled; of these the journal keeps what it has, until they can be.
 *
 * A message here lives in the journal as any other, but has no slot to be copied from: when its file is to go, its
 * record is copied from there (daemon/aside_copy.c). Nothing of these queues is acknowledged meanwhile
 * (shm/durable.h, seg_is_journaled), and no move from or to them begins. Of one that had begun before, what is
 * written stays as it was: a copy is not written while the queue is aside that it came from; and what was gone from
 * other queues when the engine started may have gone to one of these, so it is in DOUBT, and lives on in the
 * journal until all are back, or its copy is found where it has gone.
 *
 * 56 bytes a message.
 */
#ifndef ENGINE_ASIDE_H
#define ENGINE_ASIDE_H

#include "daemon/live.h"

struct turn;
struct journal;
struct keys;
struct os_disk;

enum { ASIDE_RETRY_MS = 1000, ASIDE_RETRY_MAX_MS = 60000 };
#define ASIDE_RESOLVED UINT32_MAX

struct aside_message {
	uint64_t number, due_ms;
	uint64_t id[2];
	uint32_t queue; /* 0: in doubt; ASIDE_RESOLVED: no more */
	uint32_t file,
		copy; /* where its record lies, and where the present turn has written it again; 0: it has not */
	uint32_t bytes;
	uint32_t receives, first_receive_ms;
};

struct aside_queue {
	struct format_queue definition;
	int error; /* why it is here */
	/* Looked at again when its file has changed since, or so much time has passed; one that can be opened,
	 * though not recovered, each turn, since it may be removed. */
	uint64_t file, changed_ns;
	bool is_open;
	uint64_t retry_ms, wait_ms;
};

struct aside {
	const struct os_disk *disk;
	int folder;
	const struct keys *keys;
	struct aside_queue *queues;
	size_t queue_count;
	struct aside_message *messages; /* ascending by number */
	size_t count;
	size_t copied;	 /* of the present turn */
	uint64_t looked; /* a file of which no more can be copied */
};

/* A queue that recovery could not open, with its messages; after live_sort(). 0 or -ENOMEM. */
int aside_put(struct turn *turn, const struct live *live, const struct live_queue *queue, int error);
/* All deletes that recovery has noted are in doubt. 0 or -ENOMEM. */
int aside_doubt(struct turn *turn, const struct live *live);
/* Of those in doubt, what is in a queue that is journaled now is noted as deleted: its copy will be written. */
int aside_resolve(struct turn *turn);
/* It is back, or gone for good. With the last one go those in doubt: they are noted as deleted. 0 or -ENOMEM. */
int aside_drop(struct turn *turn, uint32_t queue);

/* NULL: it is not here. */
struct aside_queue *aside_find(const struct aside *aside, const char *name);
bool aside_has_incarnation(const struct aside *aside, uint64_t incarnation);
/* NULL: it is not here. */
struct aside_message *aside_message_find(const struct aside *aside, uint64_t number);

/* Writes their definitions; for a new file. 0 or a negative errno. */
int aside_define(const struct aside *aside, struct journal *journal);

/* Amid a turn: writes some of what lives in `file` again. Bytes, or a negative errno. */
int64_t aside_copy(struct turn *turn, uint64_t file);
/* The turn is durable, or has failed. */
void aside_settle(struct turn *turn);
void aside_undo(struct turn *turn);

void aside_end(struct aside *aside);

/* ---- for its parts ---- */

/* Those of the queue; NULL: those that are noted as deleted, in doubt. */
int aside_put_messages(struct turn *turn, const struct live *live, const struct live_queue *queue);
/* Of the queue; in doubt or resolved: noted as deleted. */
int aside_drop_messages(struct turn *turn, uint32_t queue);

#endif
