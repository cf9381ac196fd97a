/* Reads the files of a journal piece by piece, mostly forwards. Buffered: a piece that was read lies in memory.
 *
 * Two buffers, each with as much room before it: when one is used up, what is still needed of it goes in front of
 * the other one, which meanwhile may have been filled by a thread (reader_go_ahead), also across files. */
#ifndef DAEMON_READER_H
#define DAEMON_READER_H

#include "daemon/format.h"
#include "kmod-free/disk.h"

struct reader_file {
	int fd; /* -1: none */
	uint64_t length;
	char name[FORMAT_FILE_NAME_BYTES];
};

/* A piece that is being read ahead. */
struct reader_piece {
	int fd; /* -1: none */
	uint64_t offset;
};

struct reader {
	const struct os_disk *disk;
	int folder;
	struct reader_file file, next;
	size_t window;	       /* read at a time, or more where more is asked for */
	unsigned char *memory; /* [room, buffer, room, buffer], of `window` bytes each */
	int which;	       /* buffer */
	unsigned char *at;     /* what is buffered, and */
	uint64_t offset;       /* where it is in the file */
	size_t bytes;
	uint64_t hold; /* what is buffered from here on stays so, as far as there is room: the caller comes back */
	struct ahead *ahead;
	struct reader_piece piece;
};

void reader_start(struct reader *reader, const struct os_disk *disk, int folder, size_t window);
void reader_end(struct reader *reader);

/* From now on the next piece is read while the caller looks at this one, past the page cache if that is possible.
 * Where it is not, nothing changes. */
void reader_go_ahead(struct reader *reader);
/* The file that will be opened after this one. */
void reader_expect(struct reader *reader, const char *name);

/* Closes the file before it. 0 or a negative errno. */
int reader_open(struct reader *reader, const char *name);

/* What is held, as far as it is buffered from its beginning on; 0: it is not. */
size_t reader_held(const struct reader *reader, const void **ret_bytes);

/* `bytes` of the file from `offset` on, or what there is of them; at a multiple of 8 if `offset` is one. How many
 * bytes, or a negative errno; the memory serves until the next call. */
int64_t reader_at(struct reader *reader, uint64_t offset, size_t bytes, const void **ret_bytes);

#endif
