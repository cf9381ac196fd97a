/* The journal's thread: finds the durable queues of a directory, recovers them from the journal when it starts,
 * then makes turns as they are asked for (shm/durable.h). Begins and ends with the engine that serves the
 * directory.
 */
#ifndef ENGINE_JOURNALING_H
#define ENGINE_JOURNALING_H

#include "daemon/keys.h"
#include "daemon/mirror.h"
#include "shm/directory.h"

#include <stdatomic.h>

struct journaling;

struct journaling_options {
	const char *data;	      /* folder of the journal; NULL: the default of this directory */
	const struct os_disk *disk;   /* NULL: the machine's own */
	struct mirror_options mirror; /* but `say` */
	struct keys *keys;	      /* of the caller's; NULL: none */
	uint64_t file_bytes;	      /* of a file of the journal; 0: JOURNAL_FILE_BYTES */
	uint64_t frame_bytes;	      /* of what is written at once; 0: FORMAT_FRAME_BYTES */
	uint64_t bytes_max;	      /* of its files in all; 0: as many as the disk has room for */
	uint64_t window_bytes;	      /* kept free for each async queue, and for moves; 0: two windows */
	void (*say)(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
	void *context;
	bool is_awaited;	       /* who else has the folder has been said: not again */
	const atomic_bool *is_stopped; /* once it is: no further with recovery; NULL: to the end */
};

/* Locks the folder, replays the journal, restores queues, and starts the thread. `directory` is the caller's. On
 * failure it has been said why; -ECANCELED: it was stopped, and nothing has changed. */
int journaling_start(const struct seg_directory *directory, const struct journaling_options *options,
		     struct journaling **ret_journaling);

/* Makes a last turn, ends the thread, closes all. NULL: nothing. */
void journaling_stop(struct journaling *journaling);

#endif
