/* The writer of a journal from within: journal.c, and the two things that it fills, a frame (open_frame.c) in a
 * file (open_file.c). */
#ifndef DAEMON_JOURNAL_STATE_H
#define DAEMON_JOURNAL_STATE_H

#include "daemon/files.h"
#include "daemon/journal.h"
#include "daemon/sink.h"
#include "kmod-free/clock.h"

struct crypt;

/* The frame that is being filled. */
struct open_frame {
	unsigned char *at; /* NULL: none */
	size_t bytes, bytes_max;
	uint32_t count;
};

/* The file that is being filled. */
struct open_file {
	int fd; /* -1: none */
	uint64_t number;
	uint32_t seed;
	uint64_t features;
	struct crypt *crypt; /* NULL: it is plain */
	uint64_t next, end;  /* where the next frame goes, and where the file ends */
	bool is_settled;     /* its definitions are durable */
};

struct journal {
	struct journal_options options;
	struct files files;
	struct sink *sink;
	struct os_clock clock;
	struct open_file file;
	struct open_frame frame;
	uint64_t next_lsn, turn;
	uint64_t features;	/* of the files that are begun */
	uint64_t durable;	/* LSN of the end of the last durable turn */
	uint64_t durable_noted; /* as the last frame says */
	uint64_t settled_file;	/* files of higher numbers have nothing durable */
	bool is_defining;
	int error;
	struct journal_counts counts;
};

static inline int journal_fail(struct journal *journal, int error)
{
	if (error && !journal->error)
		journal->error = error;
	return error;
}

/* ---- the frame ---- */

static inline bool frame_fits(const struct open_frame *frame, size_t bytes)
{
	return frame->at && frame->bytes + bytes <= frame->bytes_max;
}

/* Bytes of a frame behind its records. */
static inline size_t frame_tag_bytes(const struct journal *journal)
{
	return journal->file.crypt ? sizeof(struct format_tag) : 0;
}

/* A frame for a record of `bytes` and more, in this file, which grows if it must. */
int frame_open(struct journal *journal, size_t bytes);

/* The frame is whole, if there is one, and goes to the sink; encrypted, if its file is. */
void frame_seal(struct journal *journal, uint32_t flags);

/* ---- the file ---- */

/* To be given another one, or none. */
void file_end(struct journal *journal);

/* A frame with room for a record of `bytes`. Begins a file unless this one has room. */
int file_make_room(struct journal *journal, size_t bytes);

#endif
