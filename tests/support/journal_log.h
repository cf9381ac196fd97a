/* Journals for tests: writes turns of random records on the shadow disk, notes what was written, and compares it
 * with what comes back. */
#ifndef TEST_JOURNAL_LOG_H
#define TEST_JOURNAL_LOG_H

#include "daemon/journal.h"
#include "daemon/replay.h"

/* Records in order, by their bytes' checksum. */
struct log_entry {
	uint64_t turn, file, sum;
	uint64_t offset; /* of the frame in its file; only replay says it */
	uint8_t kind;
	bool is_damaged; /* as replay says of its turn */
};

struct journal_log {
	struct log_entry *entries;
	size_t count, max;
	uint64_t turns; /* that ended */
};

void log_clear(struct journal_log *log);
/* Forgets all entries from that one on. */
void log_cut(struct journal_log *log, size_t count);

/* Are the first `count` entries of both the same, but for offsets and is_damaged? */
bool log_is_same(const struct journal_log *a, const struct journal_log *b, size_t count);
/* Does `some` have no entry that `all` has not, in the same order? */
bool log_is_part(const struct journal_log *some, const struct journal_log *all);

/* Where journals of tests lie: the shadow disk, unless a test says otherwise. */
extern const struct os_disk *log_disk;
extern int log_folder;
/* With which they are written and read; NULL: plain. */
extern struct keys *log_keys;

/* A writer with the log of what it writes. */
struct log_writer {
	struct journal *journal;
	struct journal_log *log;
	uint64_t random;      /* what it writes next */
	uint32_t queues;      /* defined in each file */
	uint64_t next_number; /* of messages */
	uint64_t frame_bytes; /* of its journals; 0: as usual */
};

/* Opens a journal with 64 KiB files that defines queues and logs. `options` NULL: a new journal
 * with id 77; its define and context are not used. 0 or the error. */
int log_writer_open(struct log_writer *writer, const struct journal_options *options);
/* One random record; payloads of up to `bytes_max`. NULL: the journal has failed. */
unsigned char *log_write(struct log_writer *writer, size_t bytes_max);
unsigned char *log_write_message(struct log_writer *writer, uint32_t body_bytes, uint32_t extra_bytes);
/* `records` of them and the end of the turn. 0 or the error. */
int log_write_turn(struct log_writer *writer, int records, size_t bytes_max);

/* Options to go on after what was found, in 64 KiB files. */
struct journal_options log_options(const struct replay_report *report);

/* Replays it into an empty log. */
int log_replay(struct journal_log *ret_log, struct replay_report *ret_report);

enum { LOG_DAMAGE_BYTES = 8 };
/* Damages files on the shadow disk, as the bytes say: flips, zeros, pieces of other places, files cut short,
 * removed, exchanged; heads of files and frames with other values and right checksums for a journal of id 77. Is it
 * only such as a disk may do, and not the last kind? */
bool log_damage(const uint8_t bytes[static LOG_DAMAGE_BYTES]);

#endif
