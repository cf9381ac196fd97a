/* Reads a journal: which turns it has, and their records, in the order in which they were written.
 *
 * What counts. Frames are numbered without gaps, and each says up to which number all were known to be durable when
 * it was written. Let D be the highest such number.
 *   up to D   all frames count. One that is missing or damaged is damage: its records are lost, it is reported, and
 *             the rest is handed on, the other frames of its turn too (`is_damaged`).
 *   above D   a turn counts if all of its frames are there, and all before them from D on. With the first that is
 *             not, the journal ends: a write was under way there when the machine stopped. So the last turn is lost
 *             without being called damage if something else damages it before a later one is written (or the
 * journal is closed). A file begun later says from which number on frames before it do not count: they had been cut
 * off.
 *
 * A journal is refused as a whole if one of its files (by name) is of a newer version, of another journal, or of
 * none; other names in the folder are passed over.
 */
#ifndef DAEMON_REPLAY_H
#define DAEMON_REPLAY_H

#include "daemon/format.h"
#include "daemon/keys.h"
#include "daemon/survey.h"
#include "kmod-free/disk.h"

enum { REPLAY_DAMAGE_MAX = 64 };

/* Where a record comes from. */
struct replay_place {
	uint64_t file, offset; /* of its frame */
	uint64_t lsn, turn;
	uint64_t wall_ms;
	bool is_damaged; /* frames of its turn are lost, or may be */
};

struct replay_calls {
	/* A record; sound as far as format_record_check() says, in memory until the call returns. Kinds unknown to
	 * this version that may be passed over are not handed on. Other than 0: replay() ends with it. */
	int (*record)(void *context, const struct replay_place *place, const struct format_record *record);
	/* All records of the turn were handed on. NULL: nobody asks. */
	int (*turn_end)(void *context, const struct replay_place *last_frame);
	/* So far it was read, of all; after each frame. Other than 0: as above. NULL: nobody asks. */
	int (*progress)(void *context, uint64_t bytes, uint64_t bytes_all);
	void *context;
	bool reads_ahead; /* in a thread of its own, past the page cache, where the disk can */
	/* Before all others, of each file: what was found of it. NULL: nobody asks. */
	void (*file)(void *context, const struct survey_file *file);
	const struct keys *keys; /* NULL: none */
	/* Files without a key are read as well, bodies handed on as they lie there. Else they are refused. */
	bool takes_locked;
};

/* A piece of a file that is not what was written. */
struct replay_damage {
	uint64_t file, offset, bytes; /* bytes 0: how much is not known */
	uint64_t first_lsn, last_lsn; /* frames lost; 0: none (the head of a file) */
	enum format_fault fault;
};

struct replay_report {
	uint64_t journal_id; /* 0: there is no journal yet */
	unsigned char machine_id[16];
	uint64_t files, bytes_all;		/* what they are long */
	uint64_t files_unused;			/* of which no frame counts */
	uint64_t frames, turns, records, bytes; /* that count; bytes of frames, without what fills them up */
	uint64_t durable;			/* D */
	/* Frames of the last file that count and that none says to be durable; with its head if that was written
	 * with them. 0: there are none. */
	uint64_t tail_file, tail_offset, tail_bytes;
	/* Where the journal ends before its files do: frames behind it, as far as they can be told. 0: nowhere. */
	uint64_t cut_file, cut_offset, cut_frames, cut_bytes;
	struct replay_damage damage[REPLAY_DAMAGE_MAX]; /* the first ones */
	uint64_t damage_count;				/* all of them */
	uint64_t lost_frames;				/* by damage */
	uint64_t next_lsn, next_turn, next_file;	/* for journal_open() */
	enum survey_refusal refusal;
	uint64_t wanted_key;  /* of -ENOKEY: its id */
	uint64_t at_file;     /* where it was refused, or could not be read; 0: nowhere */
	uint64_t head_number; /* as survey.head_number */
};

/* 0; what a call has answered; or a negative errno: -ENOTSUP (a newer version), -EMEDIUMTYPE (a foreign file),
 * -EXDEV (a file of another journal), -ENOKEY (an encrypted file, without its key), each with the file in the
 * report; others from the disk. Changes nothing. `calls` NULL: only the report is wanted. The report is filled in
 * as far as it is known in any case. */
int replay(const struct os_disk *disk, int folder, const struct replay_calls *calls,
	   struct replay_report *ret_report);

#endif
