/* ringlease: Amazon-SQS queue semantics at shared-memory speed, on one Linux host.
 *
 * The model
 *   A directory on tmpfs holds queues, each in one file, its segment. Every process that uses a queue
 *   maps that file; there is no broker. A producer sends a message; a consumer receives it under a
 *   lease (the visibility timeout) and deletes it. A lease that ends without a delete makes the
 *   message visible again. A message received too often moves to a dead-letter queue (DLQ).
 *   Delivery is at least once, order is best effort; in a FIFO queue messages of a group come in order, and what
 *   is sent twice with the same deduplication id within a window is there once.
 *
 * What to know before use
 *   - A handle (struct rlq_queue) belongs to one thread at a time. Threads open a handle each; that
 *     costs about 10 us and a row of 256 bytes in the segment. A struct rlq_directory may be shared by
 *     all threads of a process, but for its close.
 *   - fork: a child may not use what its parent opened (handles, directories, engines): every call that has
 *     an error to return answers RLQ_EFORKED. Closing is harmless. Open the directory anew in the child.
 *     fork + exec is harmless.
 *   - Signals: no call is async-signal-safe. A signal that arrives in a waiting call is handled and the
 *     call goes on waiting, unless RLQ_INTERRUPTIBLE is set.
 *   - A process that is killed at any instruction costs others a bounded number of steps. What it held
 *     leased comes back when the lease ends; what it was sending is freed or was sent.
 *   - A process that is stopped (SIGSTOP) keeps the memory it holds, but no lease beyond its time.
 *   - Blocking: a receive sleeps as long as it was asked to wait, a send with RLQ_SEND_WAIT likewise. A send or
 *     reserve sleeps unasked only for memory of the queue that others are just making or giving back: 10 ms as
 *     a rule, at most until 1 s after their last step, then RLQ_EFULL, RLQ_ENOSPACE or RLQ_EDEDUPFULL (one of
 *     them is stopped).
 *     No other call on a queue sleeps; rlq_peek, rlq_purge, rlq_redrive, rlq_queue_stat and rlq_verify walk over
 *     all of its slots.
 *   - Bodies and attributes are bytes from other processes: treat them as input.
 *   - Without a running engine (ringleased, or an application that hosts it) queues work as well; the
 *     clients then do its work on their way, so a lease may end late while nobody calls.
 *
 * Who may do what at the same time: everything, from different handles, in any number of processes.
 *
 * Errors: functions return 0 or a count, or one negative code: a negative errno or an RLQ_E* below.
 * Output arguments (ret_*) are untouched on failure. Nothing is logged; rlq_strerror() has the text.
 *
 * Times are milliseconds. A duration of RLQ_DEFAULT means "as the queue says".
 */
#ifndef RINGLEASE_H
#define RINGLEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RLQ_VERSION_MAJOR 0
#define RLQ_VERSION_MINOR 1

#if defined(__GNUC__)
#define RLQ_PUBLIC __attribute__((visibility("default")))
#else
#define RLQ_PUBLIC
#endif

/* Error codes beside errno's. Values are part of the ABI. */
enum rlq_error {
	RLQ_EFULL = -2001,	/* the queue holds as many messages as its capacity, or cannot grow for now */
	RLQ_ENOSPACE = -2002,	/* the tmpfs (or its quota) has no room left for this message */
	RLQ_ESTALE = -2003,	/* the receipt is of an earlier lease, or the message is gone */
	RLQ_ENOQUEUE = -2004,	/* no such queue */
	RLQ_EREMOVED = -2005,	/* the queue was removed while this handle was open */
	RLQ_EEXISTS = -2006,	/* a queue of that name exists with other attributes */
	RLQ_ENAME = -2007,	/* not a queue name: 1-80 of A-Z a-z 0-9 _ -, and .fifo last if it is FIFO */
	RLQ_ETOOBIG = -2008,	/* body and attributes are over the queue's limit */
	RLQ_EATTRIBUTE = -2009, /* a message or queue attribute is out of range or malformed */
	RLQ_ERECEIPT = -2010,	/* not a receipt, or one of another queue */
	RLQ_EVERSION = -2011,	/* the segment was made by an incompatible version */
	RLQ_EDAMAGED = -2012,	/* the segment is damaged; run `ringlease verify` */
	RLQ_EFORKED = -2013,	/* handle, directory or engine belongs to the parent process */
	RLQ_EHANDLES = -2014,	/* the queue has no row left for another handle */
	RLQ_EHOLDS = -2015,	/* too many messages held in place by this handle */
	RLQ_ENODLQ = -2016,	/* the dead-letter queue or redrive target does not exist */
	RLQ_EENGINE = -2017,	/* a durable queue needs an engine that journals; nothing was done */
	RLQ_EBUSY = -2018,	/* another process is changing this queue's attributes, or removing it */
	RLQ_EBOOT = -2019,	/* the segment is of an earlier boot */
	/* The engine ended, or did not answer in time, before it said that the change is on the disk: it was made,
	 * and may or may not survive. Or the caller was stopped amid a send to a FIFO queue for longer than ids are
	 * remembered: the message may or may not have been sent. */
	RLQ_EUNKNOWN = -2020,
	/* The journal cannot be written; the engine's log says why. Nothing was sent or created. Deletes and
	 * settings were made, and are on the disk once the engine can write again; a crash of the machine before
	 * undoes them. */
	RLQ_EJOURNAL = -2021,
	/* The journal has no room for the message: its disk is full, or it has reached its limit, or the queue its
	 * own. Nothing was sent. Receives and deletes go on, and make room. */
	RLQ_EDISKFULL = -2022,
	RLQ_ENOGROUP = -2023, /* a message to a FIFO queue needs a group id */
	RLQ_EGROUPID = -2024, /* not a group id: 1-128 letters, digits and punctuation of ASCII, no blanks */
	RLQ_ENODEDUP = -2025, /* a message to a FIFO queue needs a deduplication id, unless the queue makes one */
	RLQ_EDEDUPID = -2026, /* not a deduplication id, or not an attempt id: they look like group ids */
	/* As many ids are within the window as the queue can remember, or a process that is stopped in a call keeps
	 * the memory for more of them, or this one was sent some 4,000 times within the window to a journal without
	 * room; nothing was sent. */
	RLQ_EDEDUPFULL = -2027,
	RLQ_ENOTFIFO = -2028, /* deduplication and attempt ids are for FIFO queues only */
	RLQ_EDELAY = -2029,   /* a message to a FIFO queue has no delay of its own */
	RLQ_ETYPE = -2030,    /* DLQ or redrive target, and the queue, are not both standard or both FIFO */
	RLQ_ETRACE = -2031,   /* not a tracing context: 1-1,024 bytes of UTF-8 */
};

/* Text for a code of any function here; never NULL, static. Thread-safe. */
RLQ_PUBLIC const char *rlq_strerror(int code);

/* The library's version, "major.minor.patch". */
RLQ_PUBLIC const char *rlq_version(void);

/* ---- Directories ------------------------------------------------------------------------------ */

struct rlq_directory;

/* Opens a directory of queues, creating it (mode 0700) if it is missing. NULL: $RINGLEASE_DIR, else
 * /dev/shm/ringlease-UID. Errors: -EACCES and other errno of mkdir and open. Does not block. */
RLQ_PUBLIC int rlq_directory_open(const char *path, struct rlq_directory **ret_directory);

/* Closes it; its queue handles must be closed before. NULL is fine. */
RLQ_PUBLIC void rlq_directory_close(struct rlq_directory *directory);

/* The path, owned by the directory. */
RLQ_PUBLIC const char *rlq_directory_path(const struct rlq_directory *directory);

/* Is the directory on tmpfs? If not, queues work but are written to a disk now and then. */
RLQ_PUBLIC bool rlq_directory_is_tmpfs(const struct rlq_directory *directory);

/* Does a live engine serve the directory just now? */
RLQ_PUBLIC bool rlq_directory_has_engine(const struct rlq_directory *directory);

/* Calls `each` for every queue whose name starts with `prefix` (NULL: all), in name order, until it
 * returns non-zero, which is then returned. */
RLQ_PUBLIC int rlq_queue_list(struct rlq_directory *directory, const char *prefix,
			      int (*each)(void *context, const char *name), void *context);

/* ---- Queues ----------------------------------------------------------------------------------- */

enum {
	RLQ_NAME_MAX = 80,		     /* characters of a queue name, the .fifo of a FIFO queue among them */
	RLQ_ID_MAX = 128,		     /* characters of a group, deduplication or attempt id */
	RLQ_TRACE_MAX = 1024,		     /* bytes of a tracing context */
	RLQ_ATTRIBUTES_MAX = 10,	     /* message attributes per message, as SQS */
	RLQ_BATCH_MAX = 1024,		     /* messages per batch call */
	RLQ_HOLDS_MAX = 16,		     /* messages one handle may hold in place */
	RLQ_HANDLES_MAX = 1023,		     /* open handles per queue, all processes together */
	RLQ_BODY_MAX = 64 * 1024 * 1024,     /* bytes of body and attributes */
	RLQ_BODY_DEFAULT_MAX = 1024 * 1024,  /* default limit, as SQS */
	RLQ_CAPACITY_MAX = 14 * 1024 * 1024, /* messages */
	RLQ_CAPACITY_DEFAULT = 10 * 1000 * 1000,
	RLQ_DEDUP_MAX = 8 * 1024 * 1024, /* deduplication ids that a queue can be made to remember */
	RLQ_DEDUP_DEFAULT = 1024 * 1024,
};

#define RLQ_DEFAULT INT64_C(-1)			 /* "as the queue says" */
#define RLQ_VISIBILITY_MAX_MS INT64_C(43200000)	 /* 12 h */
#define RLQ_DELAY_MAX_MS INT64_C(1209600000)	 /* 14 d natively; SQS has 15 min */
#define RLQ_RETENTION_MIN_MS INT64_C(60000)	 /* 60 s */
#define RLQ_RETENTION_MAX_MS INT64_C(1209600000) /* 14 d */
#define RLQ_DEDUP_WINDOW_MIN_MS INT64_C(1000)
#define RLQ_DEDUP_WINDOW_DEFAULT_MS INT64_C(300000) /* 5 min, as SQS */
#define RLQ_DEDUP_WINDOW_MAX_MS INT64_C(86400000)   /* 24 h */

/* Where a queue's memory is placed. */
enum rlq_placement {
	RLQ_PLACE_LOCAL = 0,	  /* on the node of the process that touches it first */
	RLQ_PLACE_INTERLEAVE = 1, /* page by page over all nodes */
	RLQ_PLACE_NODE = 2,	  /* on node `placement_node`, elsewhere when that is full */
};

/* What messages survive. */
enum rlq_durability {
	RLQ_MEMORY = 0, /* the end of any process, not of the machine */
	RLQ_ASYNC = 1,	/* that too, but for what the last 10 ms or 1 MiB brought */
	RLQ_SYNC = 2,	/* all that was acknowledged: send and delete answer once it is on the disk */
};

enum rlq_type {
	RLQ_STANDARD = 0,
	RLQ_FIFO = 1, /* messages of a group in order, duplicates dropped */
};

/* Among which messages a deduplication id is looked for. */
enum rlq_dedup_scope {
	RLQ_DEDUP_QUEUE = 0, /* all of the queue */
	RLQ_DEDUP_GROUP = 1, /* those of its group */
};

/* A queue's attributes. Start from RLQ_QUEUE_ATTRIBUTES_INIT. */
struct rlq_queue_attributes {
	size_t size;		    /* sizeof(struct rlq_queue_attributes) */
	int64_t visibility_ms;	    /* 0 .. RLQ_VISIBILITY_MAX_MS; default 30,000 */
	int64_t delay_ms;	    /* 0 .. RLQ_DELAY_MAX_MS; default 0 */
	int64_t retention_ms;	    /* RLQ_RETENTION_MIN_MS .. _MAX_MS; default 4 days */
	int64_t wait_ms;	    /* default wait of a receive, 0 .. 20,000; default 0 */
	uint64_t message_bytes_max; /* 1 .. RLQ_BODY_MAX; default 1 MiB */
	/* Messages, with what is reserved, 1 .. RLQ_CAPACITY_MAX; fixed at creation. Exact for one producer;
	 * several at once may pass it by up to 64 each and what they have reserved but not published. */
	uint64_t capacity;
	uint32_t receives_max;	      /* 0: no DLQ; else 1 .. 1000 */
	uint32_t overdue_ms;	      /* how long a used-up message waits before the engine moves it; 30,000 */
	char dlq[RLQ_NAME_MAX + 1];   /* name of the dead-letter queue, "" for none */
	uint32_t mode;		      /* file mode of the segment, fixed at creation; default 0600 */
	uint32_t group;		      /* gid of the segment, UINT32_MAX: the creator's; fixed at creation */
	enum rlq_placement placement; /* fixed at creation */
	uint32_t placement_node;
	enum rlq_durability durability; /* fixed at creation; RLQ_ASYNC and RLQ_SYNC need an engine that journals */
	/* Of its messages in the journal, with 80 bytes each beside body and attributes; above it sends answer
	 * RLQ_EDISKFULL. 0: no limit. Durable queues only. Can be changed. An async queue may pass it by what is
	 * sent within its window; a FIFO queue by the first message of a group whose sender was killed or stopped
	 * amid the send, since all behind it wait for it. */
	uint64_t journal_bytes_max;
	/* The rest is for FIFO queues; a standard one has the defaults. */
	enum rlq_type type;		  /* fixed at creation; default RLQ_STANDARD */
	enum rlq_dedup_scope dedup_scope; /* default RLQ_DEDUP_QUEUE; changed, for what is sent from then on */
	int64_t dedup_window_ms; /* from the first send, RLQ_DEDUP_WINDOW_MIN_MS .. _MAX_MS; default 300,000 */
	/* Ids within the window, 1 .. RLQ_DEDUP_MAX; fixed at creation. Above it sends answer RLQ_EDEDUPFULL. Up to
	 * twice as many are remembered, for they go a table at a time: two tables with two cells of 64 bytes an id,
	 * rounded up to a power of two, made as they are needed. Default RLQ_DEDUP_DEFAULT: 3,495 messages a second
	 * for 5 minutes, up to 128 MiB twice. A purge makes room for as many at once, in a table more, or within a
	 * second when there are four. */
	uint64_t dedup_max;
	bool content_dedup; /* who gives no deduplication id gets the SHA-256 of the body */
};

#define RLQ_QUEUE_ATTRIBUTES_INIT                                                                                  \
	{                                                                                                          \
		.size = sizeof(struct rlq_queue_attributes), .visibility_ms = 30000, .delay_ms = 0,                \
		.retention_ms = INT64_C(345600000), .wait_ms = 0, .message_bytes_max = RLQ_BODY_DEFAULT_MAX,       \
		.capacity = RLQ_CAPACITY_DEFAULT, .receives_max = 0, .overdue_ms = 30000, .mode = 0600,            \
		.group = UINT32_MAX, .dedup_window_ms = RLQ_DEDUP_WINDOW_DEFAULT_MS,                               \
		.dedup_max = RLQ_DEDUP_DEFAULT                                                                     \
	}

struct rlq_queue;

/* Creates a queue. `attributes` NULL: defaults. Returns 1 if it was created, 0 if it existed with the
 * same attributes. Errors: RLQ_ENAME (also for a name that ends in .fifo, or does not, against its type),
 * RLQ_EATTRIBUTE, RLQ_EEXISTS, RLQ_ENODLQ, RLQ_ETYPE, RLQ_ENOTFIFO, RLQ_ENOSPACE, RLQ_EBUSY (one
 * of that name is just being removed), -EACCES, -EFBIG (this process has a limit on the length of files).
 * A process killed in it leaves either no queue or a whole one. */
RLQ_PUBLIC int rlq_queue_create(struct rlq_directory *directory, const char *name,
				const struct rlq_queue_attributes *attributes);

/* Opens a queue for this thread. Errors: RLQ_ENAME, RLQ_ENOQUEUE, RLQ_EVERSION, RLQ_EDAMAGED,
 * RLQ_EBOOT, RLQ_EHANDLES, -EACCES. The handle must be closed before the directory. */
RLQ_PUBLIC int rlq_queue_open(struct rlq_directory *directory, const char *name, struct rlq_queue **ret_queue);

/* Closes it. Leases it gave out stay valid; messages held in place and unpublished reservations are
 * given back. NULL is fine. */
RLQ_PUBLIC void rlq_queue_close(struct rlq_queue *queue);

/* Removes a queue and its messages. Open handles answer RLQ_EREMOVED from now on, sleepers wake. Errors:
 * RLQ_ENAME, RLQ_ENOQUEUE, RLQ_EBUSY (another process is removing it), -EACCES. */
RLQ_PUBLIC int rlq_queue_remove(struct rlq_directory *directory, const char *name);

RLQ_PUBLIC const char *rlq_queue_name(const struct rlq_queue *queue);

/* Was it removed, so that every call on this handle answers RLQ_EREMOVED? One load. */
RLQ_PUBLIC bool rlq_queue_is_removed(const struct rlq_queue *queue);

/* When it was made, wall clock ms; for good. Tells it from one of the same name that was removed before. One load.
 */
RLQ_PUBLIC uint64_t rlq_queue_created_ms(const struct rlq_queue *queue);

/* Fills as many bytes as `ret_attributes->size` says: set it, or start from RLQ_QUEUE_ATTRIBUTES_INIT. What a
 * later version has more is 0. Errors: RLQ_EATTRIBUTE (less than the first version's size), RLQ_EREMOVED. */
RLQ_PUBLIC int rlq_queue_get_attributes(struct rlq_queue *queue, struct rlq_queue_attributes *ret_attributes);

/* Sets all attributes that can change, one by one once all are checked: a process killed in it has set some,
 * and each, the DLQ included, is the old or the new one. A changed visibility timeout or delay does not touch
 * messages already leased or delayed; but the delay of a FIFO queue counts for what is still delayed by it (SQS),
 * once a sweep has been there, with an engine at once. A DLQ that stays as it is need not be there any more.
 * Errors: RLQ_EATTRIBUTE (also for one that is fixed at creation and differs), RLQ_ENODLQ, RLQ_ETYPE, RLQ_ENOTFIFO,
 * RLQ_EBUSY. */
RLQ_PUBLIC int rlq_queue_set_attributes(struct rlq_queue *queue, const struct rlq_queue_attributes *attributes);

/* What a queue holds and has done. Depths are counted from the slots when asked; counters are sums of
 * what each handle noted and may miss what a killed process did last. */
struct rlq_queue_stat {
	size_t size;			      /* sizeof(struct rlq_queue_stat); start from RLQ_QUEUE_STAT_INIT */
	uint64_t visible, in_flight, delayed; /* messages; a message on its way to the DLQ is visible */
	uint64_t dead;			      /* of the visible: waiting to be moved to the DLQ */
	uint64_t sent, received, deleted, redelivered, moved_to_dlq, expired;
	uint64_t oldest_sent_ms; /* wall clock ms of the oldest message, 0: none */
	uint64_t created_ms, modified_ms;
	uint64_t memory_bytes; /* what the segment really takes */
	uint64_t slots;	       /* in its rings now */
	uint32_t rings;
	uint32_t handles; /* rows in use */
	uint64_t incarnation;
	int32_t placed_node;  /* where the rings really lie; -1 unknown, -2 on several nodes */
	int32_t dlq_error;    /* why the last move to the DLQ failed, 0 if it did not */
	int32_t policy;	      /* enum rlq_placement of the rings, read back from the kernel; -1 unknown */
	uint32_t policy_node; /* with RLQ_PLACE_NODE */
	/* Why sends answer RLQ_EDISKFULL: -ENOSPC, the disk of the journal is full; -EDQUOT, the journal or the
	 * queue is as large as it may be. 0: they do not. */
	int32_t sends_refused;
	/* About: a message is counted a moment after it was sent, and of large tables a sample is looked at. Of
	 * FIFO queues: groups with messages; ids that count against dedup_max, with up to 16 that each open handle
	 * has taken ahead. Of standard ones: tenants with messages, and those of them who have far more than the
	 * others.
	 */
	uint64_t groups, dedup_ids;
	uint32_t tenants, noisy_tenants;
};

#define RLQ_QUEUE_STAT_INIT                                                                                        \
	{                                                                                                          \
		.size = sizeof(struct rlq_queue_stat)                                                              \
	}

/* Fills as many bytes as `ret_stat->size` says, as rlq_queue_get_attributes does. */
RLQ_PUBLIC int rlq_queue_stat(struct rlq_queue *queue, struct rlq_queue_stat *ret_stat);

/* Deletes all messages, and forgets their deduplication ids; `ret_count` may be NULL. What is being sent or moved
 * here meanwhile may survive. What is held in place is deleted too; its body stays until it is let go. */
RLQ_PUBLIC int rlq_purge(struct rlq_queue *queue, uint64_t *ret_count);

/* ---- Messages --------------------------------------------------------------------------------- */

struct rlq_message_id {
	uint64_t word[2];
};

enum rlq_attribute_type { RLQ_STRING = 1, RLQ_NUMBER = 2, RLQ_BINARY = 3 };

/* A message attribute. `type_label` is what follows "String." in SQS; NULL or "" for none. */
struct rlq_attribute {
	const char *name;	/* 1 .. 255 bytes: A-Z a-z 0-9 _ - . and Latin letters with accents (to U+024F) */
	const char *type_label; /* whole type name with its label stays under 256 bytes */
	const void *value;
	uint32_t value_bytes;
	enum rlq_attribute_type type;
};

/* Proof of one lease; plain data, may be copied, stored and used by any process. */
struct rlq_receipt {
	uint64_t opaque[6];
};

enum { RLQ_RECEIPT_TEXT_BYTES = 112, RLQ_MESSAGE_ID_TEXT_BYTES = 37 };

/* Writes at most RLQ_RECEIPT_TEXT_BYTES with the final NUL. */
RLQ_PUBLIC void rlq_receipt_format(const struct rlq_receipt *receipt, char *ret_text);
/* RLQ_ERECEIPT if the text is none; a made-up one is found by its checksum. */
RLQ_PUBLIC int rlq_receipt_parse(const char *text, struct rlq_receipt *ret_receipt);
/* As a UUID, 36 characters and NUL. */
RLQ_PUBLIC void rlq_message_id_format(const struct rlq_message_id *id, char *ret_text);

enum rlq_send_flags {
	RLQ_SEND_WAIT = 1,     /* wait up to timeout_ms for room before answering RLQ_EFULL or RLQ_ENOSPACE */
	RLQ_INTERRUPTIBLE = 2, /* a signal ends a wait with -EINTR; also for receive */
};

/* What has become of a message that was sent. */
struct rlq_sent {
	struct rlq_message_id id;
	uint64_t sequence; /* of a FIFO queue's message, rising, from 1; 0: it has none */
	bool is_duplicate; /* its deduplication id was sent before; id and sequence are those of the first one */
};

/* Ids are strings of 1 .. RLQ_ID_MAX ASCII letters, digits and punctuation without blanks; NULL: none. */
struct rlq_send_options {
	size_t size;
	int64_t delay_ms;   /* RLQ_DEFAULT or 0 .. RLQ_DELAY_MAX_MS; to a FIFO queue only 0, which is RLQ_DEFAULT */
	int64_t timeout_ms; /* with RLQ_SEND_WAIT; INT64_MAX: for ever */
	const struct rlq_attribute *attributes;
	uint32_t attribute_count; /* 0 .. RLQ_ATTRIBUTES_MAX */
	uint32_t flags;
	const char *group;	   /* a FIFO queue needs it: the order is kept within a group. Elsewhere the tenant,
				    * of whom none makes the others wait */
	const char *dedup_id;	   /* FIFO queues only, which need it unless they have content_dedup */
	struct rlq_sent *ret_sent; /* NULL, or where to say more than the id; of a batch an array of `count` */
	/* Context of distributed tracing, a W3C traceparent or an X-Ray header say: UTF-8, 1 .. RLQ_TRACE_MAX
	 * bytes; NULL: none. It counts neither as an attribute nor against the limit of the queue. */
	const char *trace;
};

#define RLQ_SEND_OPTIONS_INIT                                                                                      \
	{                                                                                                          \
		.size = sizeof(struct rlq_send_options), .delay_ms = RLQ_DEFAULT                                   \
	}

/* Sends a copy of `body`. `options` NULL: defaults. `ret_id` may be NULL. On success the message is
 * visible to consumers (after its delay), or is a duplicate: then nothing is sent, and the answer that of the first
 * one. Errors: RLQ_EFULL, RLQ_ENOSPACE, RLQ_ETOOBIG, RLQ_EATTRIBUTE, RLQ_EREMOVED, RLQ_EDAMAGED, -EINTR; of ids
 * RLQ_ENOGROUP, RLQ_EGROUPID, RLQ_ENODEDUP, RLQ_EDEDUPID, RLQ_EDEDUPFULL, RLQ_ENOTFIFO, RLQ_EDELAY; RLQ_ETRACE.
 * Sleeps with RLQ_SEND_WAIT, else only while others have the memory in which the queue would grow, until 1 s after
 * their last step. */
RLQ_PUBLIC int rlq_send(struct rlq_queue *queue, const void *body, size_t body_bytes,
			const struct rlq_send_options *options, struct rlq_message_id *ret_id);

struct rlq_send_entry {
	const void *body;
	size_t body_bytes;
	const struct rlq_attribute *attributes;
	uint32_t attribute_count;
	int64_t delay_ms; /* RLQ_DEFAULT for the queue's */
	const char *group, *dedup_id, *trace;
};

/* Sends up to RLQ_BATCH_MAX messages, in order; they become visible one by one. Returns how many were
 * sent: fewer than `count` when the rest found no room or was refused (the next one, sent again, hears why); a
 * negative code if none was, or RLQ_EUNKNOWN if that is not known of one of them.
 * `ret_ids`, if given, has room for `count`. `options`: flags, timeout and ret_sent only. Sleeps as rlq_send, for
 * each that finds no room. */
RLQ_PUBLIC int rlq_send_batch(struct rlq_queue *queue, const struct rlq_send_entry *entries, size_t count,
			      const struct rlq_send_options *options, struct rlq_message_id *ret_ids);

/* A message being written in place. `body` is valid until publish, abandon or close. */
struct rlq_reservation {
	void *body;
	size_t body_bytes;
	uint64_t opaque[8];
};

/* Reserves room for a body to be written in place. Others pass a reservation however long it is held. In a FIFO
 * queue its place in the order, and whether it is a duplicate, is decided when it is published. Errors and sleeping
 * as rlq_send; RLQ_EATTRIBUTE also for ret_sent, since nothing is sent yet. It counts against the capacity for this
 * handle's own sends. */
RLQ_PUBLIC int rlq_reserve(struct rlq_queue *queue, size_t body_bytes, const struct rlq_send_options *options,
			   struct rlq_reservation *ret_reservation);
/* Makes it visible; the reservation is used up. Errors: RLQ_ERECEIPT (it was before, or is none of this handle),
 * RLQ_EREMOVED; in a FIFO queue -EAGAIN: not sent, since it was stopped in here for longer than ids are remembered,
 * or a first message of its id was just taken back (RLQ_EDISKFULL); it is to be written anew. */
RLQ_PUBLIC int rlq_publish(struct rlq_queue *queue, struct rlq_reservation *reservation,
			   struct rlq_message_id *ret_id);
/* Gives it back unsent. Errors as rlq_publish. */
RLQ_PUBLIC int rlq_abandon(struct rlq_queue *queue, struct rlq_reservation *reservation);

/* A received message. Pointers are valid until the next receive or peek on the handle or its close;
 * of a message received in place until it is let go (rlq_let_go), or its handle deletes or releases it with
 * its receipt, also if that is refused as stale. */
struct rlq_message {
	const void *body;
	size_t body_bytes;
	struct rlq_message_id id;
	struct rlq_receipt receipt;
	uint64_t sent_ms, first_receive_ms; /* wall clock */
	uint32_t receive_count;
	uint32_t sender; /* uid */
	const struct rlq_attribute *attributes;
	uint32_t attribute_count;
	bool in_place;
	const char *dlq_source; /* in a DLQ: the queue it came from; else NULL */
	const char *dlq_reason; /* and why */
	const char *group;	/* NULL: none */
	const char *dedup_id; /* of a FIFO queue's message: as sent, or the SHA-256 of its body in hex; else NULL */
	uint64_t sequence;    /* of a FIFO queue's message, rising; else 0 */
	const char *trace;    /* as sent, also after moves; NULL: none */
};

enum rlq_receive_flags {
	RLQ_RECEIVE_IN_PLACE = 1, /* no copy: body points into the segment, at most RLQ_HOLDS_MAX at once */
};

struct rlq_receive_options {
	size_t size;
	int64_t wait_ms;       /* RLQ_DEFAULT, or how long to wait for the first message; INT64_MAX */
	int64_t visibility_ms; /* RLQ_DEFAULT or 0 .. RLQ_VISIBILITY_MAX_MS */
	uint32_t flags;
	/* FIFO queues only; NULL: none. A receive that is repeated with the same id brings the same messages with a
	 * new lease, until one of them was deleted or its lease changed. */
	const char *attempt_id;
};

#define RLQ_RECEIVE_OPTIONS_INIT                                                                                   \
	{                                                                                                          \
		.size = sizeof(struct rlq_receive_options), .wait_ms = RLQ_DEFAULT, .visibility_ms = RLQ_DEFAULT   \
	}

/* Receives up to `max` (1 .. RLQ_BATCH_MAX) messages into `ret_messages`; returns how many, 0 if none
 * came in time. A lease lasts at least as long as asked and at most 10 ms longer. A wait returns as
 * soon as one message is there; with wait_ms 0 it does not sleep. Errors: RLQ_EATTRIBUTE, RLQ_EREMOVED,
 * RLQ_EDAMAGED, RLQ_EHOLDS, RLQ_ENOTFIFO, RLQ_EDEDUPID, -ENOMEM, -EINTR. */
RLQ_PUBLIC int rlq_receive(struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max,
			   const struct rlq_receive_options *options);

/* Ends the reading of a message received in place, without deleting it. Its lease goes on. 0 also if the
 * reading has ended before; RLQ_ERECEIPT: not received in place, or from another queue. */
RLQ_PUBLIC int rlq_let_go(struct rlq_queue *queue, const struct rlq_message *message);

/* Deletes the message for good. Works until somebody else has received it since, also when the lease
 * has run out meanwhile, and on its way to a DLQ until it is moved. Errors: RLQ_ESTALE, RLQ_ERECEIPT. After
 * success it is never delivered again. */
RLQ_PUBLIC int rlq_delete(struct rlq_queue *queue, const struct rlq_receipt *receipt);

/* Deletes `count` messages; `ret_results`, if given, gets a code for each. Returns how many were. */
RLQ_PUBLIC int rlq_delete_batch(struct rlq_queue *queue, const struct rlq_receipt *receipts, size_t count,
				int *ret_results);

/* Changes the visibility timeout: the lease ends `visibility_ms` from now (0: visible at once), at most
 * 12 h after the receive. Errors: RLQ_ESTALE (also on its way to a DLQ), RLQ_ERECEIPT, RLQ_EATTRIBUTE. */
RLQ_PUBLIC int rlq_extend(struct rlq_queue *queue, const struct rlq_receipt *receipt, int64_t visibility_ms);

/* Gives the message back, to be received again after `delay_ms` (0: at once). Errors: RLQ_ESTALE,
 * RLQ_ERECEIPT, RLQ_EATTRIBUTE. */
RLQ_PUBLIC int rlq_release(struct rlq_queue *queue, const struct rlq_receipt *receipt, int64_t delay_ms);

/* Copies up to `max` visible messages without receiving them, starting after `*cursor` (0 to begin);
 * sets `*cursor` for the next call. Receipts are empty. Returns how many; 0 at the end. */
RLQ_PUBLIC int rlq_peek(struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max, uint64_t *cursor);

/* Moves up to `max` messages (0: all that are visible now) from this queue to `target`; NULL: each to
 * the queue it came from. Returns 0; `ret_moved` says how many, also after an error.
 * Errors: RLQ_ENODLQ (no such target, or a message that came from nowhere), RLQ_ETYPE, RLQ_EFULL,
 * RLQ_ENOSPACE. */
RLQ_PUBLIC int rlq_redrive(struct rlq_queue *queue, const char *target, uint64_t max, uint64_t *ret_moved);

/* ---- Watching --------------------------------------------------------------------------------- */

/* Waits for messages of many queues at once, behind one descriptor for poll, epoll and the like.
 *
 *     again: rlq_watch_arm(watch, "jobs", context), then rlq_receive() (wait_ms 0) until nothing comes
 *     poll rlq_watch_fd(watch) until it is readable, or be called (rlq_watch_open_calling)
 *     rlq_watch_take(): for each report, again
 *
 * - Arming asks for one report, the next time that something may be receivable in the queue. What was there
 *   before is not reported: receive once after each arm, and rely on the report only if nothing came. What comes
 *   after the arm is always reported; one report may stand for many messages.
 * - A report is a hint: another consumer may have been faster, and some come for nothing. A message wakes one who
 *   waits in rlq_receive, or a watch; a watch that is woken wakes another in turn, so what is reported and then
 *   not received does not keep others waiting.
 * - Delayed messages and ended leases are reported when they become visible, within 10 ms if no engine is prompt:
 *   the watch then does its work, as a receive that waits does.
 * - All calls of one watch may be made by any threads at the same time, but for its close.
 * - It has threads of its own in this process, one for each 31 armed queues, made when they are needed, with all
 *   signals blocked. For each armed queue it holds a handle: one of the queue's RLQ_HANDLES_MAX, a file
 *   descriptor, 10 kB of memory, 28 GiB of address space. Those of queues that are not armed any more are kept
 *   for 10 s, at most 256 of them, so that arming again costs no opening.
 * - fork: as for handles. In a child rlq_watch_close() closes the descriptor alone.
 * - On Linux before 5.16, and where a filter forbids futex_waitv, a report may be 5 ms late, and each thread wakes
 *   as often while a queue is armed.
 */
struct rlq_watch;

/* Errors: RLQ_EFORKED, -EMFILE, -ENFILE, -ENOMEM. The watch must be closed before the directory. */
RLQ_PUBLIC int rlq_watch_open(struct rlq_directory *directory, struct rlq_watch **ret_watch);

/* The same without a descriptor: `call(context)` is called on a thread of the watch whenever reports have come,
 * which saves the switch to a thread that polls. It may make any call of the watch but its close, takes the reports
 * (now or later: it is not called again for those), and should not block: the other queues of that thread wait for
 * it. Two threads may be in it at the same time. */
RLQ_PUBLIC int rlq_watch_open_calling(struct rlq_directory *directory, void (*call)(void *context), void *context,
				      struct rlq_watch **ret_watch);

/* Closes it, armed or not, and waits for its threads to end: some microseconds, or as long as they take for a part
 * of the engine's work. NULL is fine. */
RLQ_PUBLIC void rlq_watch_close(struct rlq_watch *watch);

/* Readable while reports wait to be taken. Owned by the watch: only poll it. -1 if it calls instead. */
RLQ_PUBLIC int rlq_watch_fd(const struct rlq_watch *watch);

/* Asks for one report about the queue, with `context` in it. If it is armed already, the new context replaces the
 * old one; a report that was not taken yet is dropped. Does not block. Errors, of which none leaves it armed: those
 * of rlq_queue_open, RLQ_EREMOVED aside; -EAGAIN (no thread), -ENOMEM. */
RLQ_PUBLIC int rlq_watch_arm(struct rlq_watch *watch, const char *name, void *context);

/* Takes that back. 1: no report comes until it is armed again. 0: it was not armed, or its report was taken.
 * Errors: RLQ_ENAME, RLQ_EFORKED. */
RLQ_PUBLIC int rlq_watch_disarm(struct rlq_watch *watch, const char *name);

struct rlq_watch_report {
	void *context;		     /* of the arm */
	char name[RLQ_NAME_MAX + 1]; /* of the queue */
	bool removed;		     /* it is gone; arming is for a new one of that name */
};

/* Takes up to `max` reports, the oldest first; returns how many, 0 if there is none. Does not block. Errors:
 * RLQ_EFORKED. */
RLQ_PUBLIC int rlq_watch_take(struct rlq_watch *watch, struct rlq_watch_report *ret_reports, size_t max);

/* ---- Checking --------------------------------------------------------------------------------- */

/* Checks what must hold of a queue's segment at any moment, in use or not: identity, settings, list of
 * rings, the places for rings that are not used, the rows of handles, every slot, and that the body of every
 * message is its own. Calls `fault` with a sentence for each fault. Not judged is what may lag behind at any
 * moment, and what the sweep mends: hints, counters, and what the killed have left. Opens the queue like any
 * handle for so long, and changes no message. Returns the number of faults, or a negative code. */
RLQ_PUBLIC int rlq_verify(struct rlq_directory *directory, const char *name,
			  void (*fault)(void *context, const char *text), void *context);

#ifdef __cplusplus
}
#endif

#endif
