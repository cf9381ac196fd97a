/* The engine: what ringleased runs, for applications that want to host it themselves; and what the journal says,
 * for those that look after it. Link with libringlease-engine. One engine serves a directory; a second one waits in
 * reserve until the first ends, is killed, or is over a second late. */
#ifndef RINGLEASE_ENGINE_H
#define RINGLEASE_ENGINE_H

#include "ringlease.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rlq_engine;

struct rlq_engine_options {
	size_t size;
	/* Called for what an operator should know; NULL: nowhere. From the engine's two threads, perhaps from both
	 * at once. */
	void (*log)(void *context, const char *text);
	void *context;
	/* Folder of the journal, for durable queues; made if it is missing. "": the default, $RINGLEASE_DATA, else
	 * a folder for this directory below $XDG_STATE_HOME/ringlease, /var/lib/ringlease (root) or
	 * ~/.local/state/ringlease; without it the engine serves, says so, and journals nothing. NULL: no journal;
	 * durable queues can then be neither made nor sent to. */
	const char *data;
	/* A second folder of the journal, on another disk, which gets all that the first one gets: what is
	 * acknowledged is in both. NULL: none. Filled when the engine starts if it is empty or behind. */
	const char *mirror;
	uint32_t flags; /* enum rlq_engine_flag */
	/* Encrypts bodies and message attributes in the journal (AES-256-GCM). Where the master key is: the path of
	 * a file of 64 hexadecimal digits that only its owner may read, or "keyring:DESCRIPTION", the same as a key
	 * of the type "user" in the kernel's key rings. NULL: what is written is plain. */
	const char *key;
	/* Where keys are that an existing journal may need besides, up to a NULL; NULL: none. A journal that is
	 * under another key, or plain, is written anew bit by bit, and it is logged when no file needs that key any
	 * more. */
	const char *const *old_keys;
	/* Bytes that the journal's files may take in all, those that wait for use included; RLQ_JOURNAL_MAX_LEAST
	 * or more, 0: as much as the disk has. Above it sends to durable queues answer RLQ_EDISKFULL. A journal
	 * that is to stay below 1 GiB has smaller files. */
	uint64_t journal_bytes_max;
	/* Called once in a run, from its thread, when the directory is served: by this engine, whose journal is
	 * read by then, or by another one while this one stands by. NULL: nobody waits for it. */
	void (*is_served)(void *context);
};

/* What is refused unless it is asked for: each may lose what another folder has. */
enum rlq_engine_flag {
	RLQ_ENGINE_WITHOUT_MIRROR = 1, /* the journal's mirror is missing and may have gone on; not with `mirror` */
	RLQ_ENGINE_ACCEPT_STALE = 2,   /* the journal is behind its mirror; not with `mirror` */
	RLQ_ENGINE_ADOPT = 4,	       /* the journal was written on another machine */
};

#define RLQ_JOURNAL_MAX_LEAST (UINT64_C(32) << 20)

#define RLQ_ENGINE_OPTIONS_INIT                                                                                    \
	{                                                                                                          \
		.size = sizeof(struct rlq_engine_options)                                                          \
	}

/* Prepares an engine for a directory (path as rlq_directory_open). Why it fails is logged, here as in
 * rlq_engine_run(). Keys are read now: -ENOENT, -ENOKEY (there is none), -EACCES (others may read it, or we may
 * not), -EINVAL (it is no key), -ENOSYS, -EPERM (no key rings here). */
RLQ_PUBLIC int rlq_engine_open(const char *path, const struct rlq_engine_options *options,
			       struct rlq_engine **ret_engine);

/* Serves until rlq_engine_stop() is called. Blocks; returns 0 or a negative code;
 * RLQ_EFORKED in a child of the process that opened it; what keeps it from the journal that was named, or that a
 * key was given for (-EBUSY: another engine has it; -ENOKEY: it is encrypted with a key that was not given).
 * Journals from a thread of its own. */
RLQ_PUBLIC int rlq_engine_run(struct rlq_engine *engine);

/* Ends rlq_engine_run(). Async-signal-safe; from any thread. */
RLQ_PUBLIC void rlq_engine_stop(struct rlq_engine *engine);

RLQ_PUBLIC void rlq_engine_close(struct rlq_engine *engine);

/* ---- Journals, read --------------------------------------------------------------------------- */

/* These functions change nothing in the folder that they read, and need no engine. One may go on writing: they see
 * all that was acknowledged before the call, and perhaps more. They block as long as reading takes; thread-safe.
 * Pointers that a callback is given serve until it returns; each structure may grow at its end.
 * `keys`: where the keys of an encrypted journal are, as rlq_engine_options.key, up to a NULL; NULL: none.
 * Errors: errno of folder and files; -ENOTSUP (a journal of a newer version), -EMEDIUMTYPE (a file that is none of
 * a journal, or has the head of `head_file`), -EXDEV (a file of another journal), -ENOKEY (an encrypted file
 * without its key, whose id is `wanted_key`), each with `failed_file`; those of keys, as rlq_engine_open(), with
 * `key_fault`; -EAGAIN: files went faster than they could be read. */

enum {
	RLQ_JOURNAL_FILE_BYTES = 24, /* name of a file, with its zero */
	RLQ_JOURNAL_PATH_BYTES = 96, /* the same, also of notes in their folder */
	RLQ_JOURNAL_KEY_BYTES = 17,  /* id of a key: 16 hexadecimal digits */
	RLQ_JOURNAL_TEXT_BYTES = 256,
};

/* What a journal has, as far as it was read; also filled in on failure. */
struct rlq_journal_summary {
	size_t size; /* sizeof(struct rlq_journal_summary) */
	uint64_t files, bytes;
	uint64_t turns, frames, records;	    /* that count */
	uint64_t queues, live_messages, live_bytes; /* that an engine would restore */
	uint64_t last_turn, last_ms;		    /* the last whole turn, and when it was written */
	/* Where a write was under way when the machine stopped: what is behind does not count. "": nowhere. */
	char cut_file[RLQ_JOURNAL_FILE_BYTES];
	uint64_t cut_offset, cut_bytes;
	uint64_t faults, lost_frames;
	char failed_file[RLQ_JOURNAL_PATH_BYTES]; /* at which reading has failed; "": at none */
	char head_file[RLQ_JOURNAL_FILE_BYTES];	  /* the name that its head says, if it is another one; else "" */
	char wanted_key[RLQ_JOURNAL_KEY_BYTES];	  /* id of the key that it needs */
	char key_fault[RLQ_JOURNAL_TEXT_BYTES];	  /* what is wrong with a key that was given; "": nothing */
	uint64_t locked_files; /* encrypted, and read without their key: only checksums were compared */
	/* Set before by who wants to hear, at most once a second, how far rlq_journal_verify(), _copy() or
	 * _restore() is: a line of text, without an end. NULL: nobody. */
	void (*progress)(void *context, const char *line);
	void *progress_context;
	uint64_t notes; /* files of them that rlq_journal_copy() or _restore() has copied too */
};

#define RLQ_JOURNAL_SUMMARY_INIT                                                                                   \
	{                                                                                                          \
		.size = sizeof(struct rlq_journal_summary)                                                         \
	}

/* The default folder of the journal of a directory of queues (its path), as rlq_engine_options.data "" means it.
 * -ENOENT: no home, or no such directory; -ENAMETOOLONG. */
RLQ_PUBLIC int rlq_journal_path(const char *directory, char *ret_path, size_t path_bytes);

struct rlq_journal_file {
	const char *name;
	uint64_t number, bytes;
	uint64_t turns, records;	    /* turns that end in it */
	uint64_t live_messages, live_bytes; /* messages of which it has the record that counts */
	uint64_t first_ms, last_ms;	    /* of its frames; 0: none counts */
	const char *key;		    /* id of the one it is encrypted with; "": it is plain */
};

/* Calls `each` for every file, oldest first, until it returns non-zero, which is then returned. */
RLQ_PUBLIC int rlq_journal_list(const char *data, int (*each)(void *context, const struct rlq_journal_file *file),
				void *context, struct rlq_journal_summary *ret_summary);

enum rlq_journal_kind {
	RLQ_JOURNAL_MESSAGE = 1,
	RLQ_JOURNAL_DELETE,
	RLQ_JOURNAL_UPDATE, /* of receive count and due time */
	RLQ_JOURNAL_QUEUE,  /* definition; each file begins with all of them */
	RLQ_JOURNAL_REMOVED,
	RLQ_JOURNAL_SEEN, /* in a FIFO queue, a deduplication id of a message that is gone: its id, sequence,
			     sent_ms */
};

struct rlq_journal_record {
	enum rlq_journal_kind kind;
	const char *file;
	uint64_t offset; /* of its frame there */
	uint64_t frame, turn, written_ms;
	const char *queue; /* "": of a delete or update whose message is in no file any more */
	uint64_t number;   /* of the message in this journal; 0 with QUEUE, REMOVED */
	/* MESSAGE */
	struct rlq_message_id id;
	uint32_t sender;
	uint64_t sent_ms;
	const void *body;
	uint64_t body_bytes, attribute_bytes;
	uint64_t moved_number; /* the message that this one replaces (a move to the DLQ); 0: none */
	/* MESSAGE, UPDATE */
	uint64_t due_ms; /* hidden until then, wall clock; 0: visible */
	uint32_t receive_count;
	/* QUEUE */
	const struct rlq_queue_attributes *attributes;
	/* MESSAGE of a FIFO queue: its sequence number; QUEUE that is one: none was given above this. Else 0 */
	uint64_t sequence;
};

/* Calls `each` for every record of a turn that counts, in the order of writing, until it returns non-zero, which is
 * then returned. A delete of several messages is one call for each. */
RLQ_PUBLIC int rlq_journal_dump(const char *data, const char *const *keys,
				int (*each)(void *context, const struct rlq_journal_record *record), void *context,
				struct rlq_journal_summary *ret_summary);

/* A piece of a file that is not what was written. */
struct rlq_journal_fault {
	const char *file;
	uint64_t offset, bytes;		  /* bytes 0: how much is not known */
	uint64_t first_frame, last_frame; /* lost; 0: none */
	const char *text;
};

/* Reads all, and calls `each` for the first 64 faults (NULL: nobody asks). Returns how many there are. Needs no
 * key; with it, also what was altered by somebody who made the checksums right again is found. */
RLQ_PUBLIC int rlq_journal_verify(const char *data, const char *const *keys,
				  void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
				  struct rlq_journal_summary *ret_summary);

/* Copies whole turns to a new folder `target`, flushed and then verified; the summary is that of the copy.
 * Everything acknowledged before the call is in it. `target` may exist if it is empty, and gets the copy all at
 * once at the end: killed before, the call leaves a folder of the name "target.XXXXXX". Faults of the journal are
 * copied too, and told as by rlq_journal_verify(). -ENOTEMPTY: there is something; -ENODATA: `data` has no journal
 * yet.
 * Notes that ringlease-sqs keeps of queues beside the journal (files NAME.json in the folder "sqs" of `data`: tags,
 * policies) are copied too, as plain as they are: each as it was when the call began, or later. -EMEDIUMTYPE, with
 * `failed_file`: one is a link, no file, or has over 1 MiB; then nothing is copied. */
RLQ_PUBLIC int rlq_journal_copy(const char *data, const char *target,
				void (*each)(void *context, const struct rlq_journal_fault *fault), void *context,
				struct rlq_journal_summary *ret_summary);

/* The same, for an engine of this machine to go on with: the copy is its own, wherever the backup was written. */
RLQ_PUBLIC int rlq_journal_restore(const char *backup, const char *target,
				   void (*each)(void *context, const struct rlq_journal_fault *fault),
				   void *context, struct rlq_journal_summary *ret_summary);

/* ---- Journals, made smaller ------------------------------------------------------------------- */

struct rlq_journal_size {
	size_t size;	     /* sizeof(struct rlq_journal_size) */
	uint64_t files;	     /* with those that wait for use */
	uint64_t bytes;	     /* that they take */
	uint64_t live_bytes; /* of it needed for what lives in queues */
};

#define RLQ_JOURNAL_SIZE_INIT                                                                                      \
	{                                                                                                          \
		.size = sizeof(struct rlq_journal_size)                                                            \
	}

/* Asks the engine that journals the directory (path as rlq_directory_open) to write what lives in its oldest files
 * again at the end, and to give those back, until little else than what lives is left; and waits for it. Others may
 * go on using the queues. Either size may be NULL. Errors: RLQ_EENGINE (none journals there: its work),
 * RLQ_EJOURNAL, RLQ_EUNKNOWN (it ended meanwhile). */
RLQ_PUBLIC int rlq_journal_compact(const char *directory, struct rlq_journal_size *ret_before,
				   struct rlq_journal_size *ret_after);

#ifdef __cplusplus
}
#endif

#endif
