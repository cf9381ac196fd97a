/* Reads the files of a journal piece by piece, mostly forwards. Buffered: a piece that was read lies in memory.
 *
 * Two buffers, each with as much room before it: when one is used up, what is still needed of it goes in front of
 * the other one, which meanwhile may have been filled by a thread (reader_go_ahead), also across files. */
#ifndef DAEMON_READER_H
#define DAEMON_READER_H

#include "daemon/format.h"
#include "kmod-free/disk.h"

#include <stdbool.h>

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
	uint64_t hold; /* UINT64_MAX: nothing is held */
	bool has_lost; /* what was to be held; there was no room */
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

/* What is buffered from here on stays so, if there is room, until it is let go or another file is opened: the
 * caller comes back. Nothing if something is held already. */
static inline void reader_hold(struct reader *reader, uint64_t offset)
{
	if (reader->hold != UINT64_MAX)
		return;
	reader->hold = offset;
	reader->has_lost = offset < reader->offset;
}

static inline void reader_let_go(struct reader *reader)
{
	reader->hold = UINT64_MAX;
}

/* Has what is there stayed in memory since it was to be held? */
static inline bool reader_holds(const struct reader *reader, uint64_t offset)
{
	return !reader->has_lost && offset >= reader->hold;
}

/* What is held, with what is buffered behind it; 0: it was lost. */
size_t reader_held(const struct reader *reader, const void **ret_bytes);

/* `bytes` of the file from `offset` on, or what there is of them; at a multiple of 8 if `offset` is one. How many
 * bytes, or a negative errno; the memory serves until the next call. */
int64_t reader_at(struct reader *reader, uint64_t offset, size_t bytes, const void **ret_bytes);

#endif
