/* Reads one file of a journal piece by piece, mostly forwards. Buffered: a piece that was read lies in memory. */
#ifndef DAEMON_READER_H
#define DAEMON_READER_H

#include "daemon/format.h"
#include "kmod-free/disk.h"

struct reader {
	const struct os_disk *disk;
	int fd;		 /* -1: none */
	uint64_t length; /* of the file */
	size_t window;	 /* read at a time, or more where more is asked for */
	unsigned char *buffer;
	size_t capacity;
	uint64_t offset; /* in the file, of what is buffered */
	size_t bytes;
};

static inline void reader_start(struct reader *reader, const struct os_disk *disk, size_t window)
{
	*reader = (struct reader){.disk = disk, .fd = -1, .window = window};
}

/* Closes the file before it. 0 or a negative errno. */
int reader_open(struct reader *reader, int folder, const char *name);
void reader_end(struct reader *reader);

/* `bytes` of the file from `offset` on, or what there is of them; at a multiple of 8 if `offset` is one. How many
 * bytes, or a negative errno; the memory serves until the next call. */
int64_t reader_at(struct reader *reader, uint64_t offset, size_t bytes, const void **ret_bytes);

#endif
