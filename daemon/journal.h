/* The writer of a journal: records in, durable turns out. Knows nothing of queues. The bytes: daemon/format.h.
 *
 * One thread. The caller reserves room for records one by one, fills them in (format_*_put), and ends the turn,
 * which then is durable: all of it, or, after a crash before that, nothing of it. Files are begun, filled and left
 * behind on the way; a turn may be larger than a file. Each file begins with all definitions of queues, which the
 * caller writes when asked. Who has written all that lives in the oldest file once more may have it dropped.
 *
 * Failure. A call that cannot keep what was written answers a negative errno, and the journal has FAILED: all
 * calls but journal_error, journal_repair and journal_close answer that same error from then on. Nothing of the
 * present turn is durable then in any way to rely on (after a crash it may be there, or not); all turns before are.
 * journal_repair() goes back to the end of the last durable turn and a new file, so that nothing is written or
 * flushed again where that has failed; the caller then writes the present turn again. journal_prepare() and
 * journal_drop_oldest() fail without such consequences.
 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include "daemon/format.h"
#include "daemon/keys.h"
#include "kmod-free/disk.h"

enum {
	JOURNAL_FILE_BYTES = 64 << 20,
	JOURNAL_FRAME_BYTES = 256 << 10, /* of several records: docs/adr/0009-disk.md */
};

struct journal;

struct journal_options {
	uint64_t file_bytes;  /* usual size, a multiple of 4096 from FORMAT_FILE_BYTES_MIN on; 0: 64 MiB */
	uint64_t frame_bytes; /* of a frame of several records, a multiple of 4096; 0: JOURNAL_FRAME_BYTES */
	uint64_t journal_id;  /* as replay() found it; 0: drawn */
	unsigned char machine_id[16];
	uint64_t next_lsn, next_turn, next_file; /* as replay() found them; 0: 1 */
	bool is_direct;				 /* past the page cache, where the file system can */
	const struct keys *keys;		 /* files are encrypted with its current one; NULL: none is */
	/* Writes the definitions of all queues with journal_reserve(). Called within it. */
	int (*define)(void *context, struct journal *journal);
	void *context;
};

struct journal_counts {
	uint64_t turns, frames, records;
	uint64_t bytes;		  /* of frames, with what fills them up */
	uint64_t writes, flushes; /* of turns, not of making files */
	uint64_t files;		  /* begun */
};

/* `folder` is the caller's, open as long as the journal is; so is the right to be the only writer. -EEXIST: there
 * is a file of next_file's number or a higher one. Writes nothing yet but that it removes what a killed
 * journal_prepare has left. */
int journal_open(const struct os_disk *disk, int folder, const struct journal_options *options,
		 struct journal **ret_journal);

/* Bits of enum format_feature that are set in the heads of files that are begun from now on, for as long as the
 * journal is open. If the file that is filled lacks one, the next record goes to a new one, also amid a turn. */
void journal_need(struct journal *journal, uint64_t features);

/* Room for one record of `bytes`, a multiple of 8 up to FORMAT_RECORD_BYTES_MAX, that the caller fills in before it
 * calls again. NULL: the journal has failed. May write, and begin a file. */
unsigned char *journal_reserve(struct journal *journal, size_t bytes);
/* Number of the file in which the record lies for which room was reserved last. Also within `define`. */
uint64_t journal_file(const struct journal *journal);

/* Returns when all of the turn is durable. A turn without records is none: nothing is written. */
int journal_end_turn(struct journal *journal);
/* Number of the turn that is being written, or comes next. */
uint64_t journal_turn(const struct journal *journal);
/* LSN of the end of the last durable turn. */
uint64_t journal_durable(const struct journal *journal);

/* Makes files ready until so many wait for use: allocated, and written with zeros. journal_reserve() makes one when
 * it needs one, and if the disk is full then, the journal has failed: who takes in new messages only while enough
 * files wait has room for what gives room again. -ENOSPC and others: nothing else has changed. */
int journal_prepare(struct journal *journal, uint32_t spares);
uint32_t journal_spares(const struct journal *journal);
/* So many files are kept when they are dropped, to be used again. One, unless this says otherwise. */
void journal_keep_spares(struct journal *journal, uint32_t spares);
/* Bytes that fit into the file that is written and those that wait; less what their records are wrapped in. */
uint64_t journal_room(const struct journal *journal);

/* Is the file after this one ready? */
bool journal_is_prepared(const struct journal *journal);

/* Number of the oldest file; 0: there is none. */
uint64_t journal_oldest(const struct journal *journal);
uint64_t journal_files(const struct journal *journal);
/* Drops it, or makes it the one after this. -EBUSY: it holds the only durable definitions. Others: it may be gone
 * or not, and can be tried again. */
int journal_drop_oldest(struct journal *journal);

/* 0, or why the journal has failed. */
int journal_error(const struct journal *journal);
/* See above, also for a caller who has failed amid a turn. That has to be written again, under a new number. Files
 * begun in it are removed. */
void journal_repair(struct journal *journal);

struct journal_counts journal_counts(const struct journal *journal);
uint64_t journal_id(const struct journal *journal);

/* Says in the journal that its last turn is durable, so that damage to it will not pass for a torn write; 0, or why
 * not (no harm done). A turn that is not ended is lost. NULL: nothing. */
int journal_close(struct journal *journal);

#endif
