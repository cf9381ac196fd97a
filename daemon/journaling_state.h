/* The state of struct journaling, for the files that are its parts: the roster of its queues, its restart from the
 * journal, and the queues it takes back.
 */
#ifndef ENGINE_JOURNALING_STATE_H
#define ENGINE_JOURNALING_STATE_H

#include "daemon/account.h"
#include "daemon/data_folder.h"
#include "daemon/journaling.h"
#include "daemon/listing.h"
#include "daemon/recover.h"
#include "daemon/replay.h"
#include "daemon/turn.h"

#include <pthread.h>

/* A queue that is not journaled, so that it need not be opened again to know. */
struct ignored {
	char name[SEG_NAME_MAX + 1];
	uint64_t file;
};

struct journaling {
	const struct seg_directory *directory;
	struct os_liveness liveness; /* of this run: of one before, by the same process, its queues may not be */
	struct journaling_options options;
	struct data_folder folder;
	int disk_folder; /* the same, as the disk has it */
	struct os_disk disk;
	struct mirror mirror;
	struct journal *journal;
	struct turn turn;
	struct account account;
	uint32_t next_queue;
	struct listing listing;
	struct ignored *ignored;
	size_t ignored_count;
	char (*half_removed)[SEG_NAME_MAX + 1]; /* whose names are still to be taken away */
	size_t half_removed_count;
	int failure; /* of the last turn; 0: it is durable */
	pthread_t thread;
	atomic_bool is_stopped;
};

#define say(journaling, ...) ((journaling)->options.say)((journaling)->options.context, __VA_ARGS__)

#endif
