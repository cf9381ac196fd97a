/* Where the frames of a journal go: memory to build them in, and how it gets to the disk.
 *
 * This is the seam between what is written (daemon/journal.c) and how. Here: plain calls, one batch of frames, a
 * write when it is full or a turn ends, one flush a turn. A backend that keeps several batches in flight has the
 * same functions: sink_room() would hand over a full batch and go on in a free one, sink_settle() await them all.
 * Nothing is durable before sink_settle() has answered 0, and the journal asks for no order before that. */
#ifndef DAEMON_SINK_H
#define DAEMON_SINK_H

#include "kmod-free/disk.h"

#include <stdbool.h>

enum { SINK_BATCH_BYTES = 2 << 20 };

struct sink;

int sink_open(const struct os_disk *disk, struct sink **ret_sink);

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

/* Forgets what was added and not yet handed over, and the file. */
void sink_drop(struct sink *sink);

uint64_t sink_writes(const struct sink *sink);
uint64_t sink_flushes(const struct sink *sink);

/* NULL: nothing. */
void sink_close(struct sink *sink);

#endif
