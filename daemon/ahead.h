/* Reads one piece of a file while its caller looks at another: a thread that does nothing else. */
#ifndef DAEMON_AHEAD_H
#define DAEMON_AHEAD_H

#include "kmod-free/disk.h"

struct ahead;

/* NULL: no thread, no memory. */
struct ahead *ahead_start(const struct os_disk *disk);
/* What is under way is waited for. NULL: nothing. */
void ahead_end(struct ahead *ahead);

/* One at a time: what was begun has to be waited for. */
void ahead_begin(struct ahead *ahead, int fd, void *memory, size_t count, uint64_t offset);
/* As os_disk_read() has answered. */
int64_t ahead_wait(struct ahead *ahead);

#endif
