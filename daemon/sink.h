/* Where the frames of a journal go: memory to build them in, and how it gets to the disk.
 *
 * This is the seam between what is written (daemon/journal.c) and how. Batches of frames are handed to the disk
 * when they are full, and go on their way while the next one is built; a turn ends with one flush behind them all.
 * A turn of one batch is one call, a small one made at once. The disk's own queue makes the calls (io_uring), or,
 * where there is none or it is refused, plain ones do, with one batch. Measured in docs/adr/0009-disk.md.
 *
 * Nothing is durable before sink_settle() has answered 0; before that there is no order among what was added. After
 * a negative errno, which all calls repeat, sink_drop() comes first. One thread at a time. */
#ifndef DAEMON_SINK_H
#define DAEMON_SINK_H

#include "kmod-free/disk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SINK_BATCHES = 4 }; /* with a queue: so many are on their way, or being filled */

struct sink;

/* Batches of `batch_bytes`, a multiple of OS_DISK_PAGE. -ENOMEM. */
int sink_open(const struct os_disk *disk, size_t batch_bytes, struct sink **ret_sink);

/* What follows goes into this file (of the caller's, open until sink_begin() or sink_drop() is called again),
 * `offset` on. What went into the one before is durable on return. */
int sink_begin(struct sink *sink, int fd, uint64_t offset);

/* Memory for the next piece, of up to `bytes`, at a multiple of OS_DISK_PAGE; until the next call. May hand pieces
 * before it over to the disk. */
int sink_room(struct sink *sink, size_t bytes, unsigned char **ret_room);
/* The piece is built: its first `bytes`, a multiple of OS_DISK_PAGE, follow what was added before. */
void sink_add(struct sink *sink, size_t bytes);

/* Returns when all that was added is durable. */
int sink_settle(struct sink *sink);

/* Forgets what was added, and the file; what is on its way has ended on return. */
void sink_drop(struct sink *sink);

/* Does the disk's queue make the calls? */
bool sink_is_queued(const struct sink *sink);
uint64_t sink_writes(const struct sink *sink);
uint64_t sink_flushes(const struct sink *sink);

/* NULL: nothing. */
void sink_close(struct sink *sink);

#endif
