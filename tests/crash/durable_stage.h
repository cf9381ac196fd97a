/* A stage for the deaths of an engine that journals: queues, a folder for the journal, clients in processes of
 * their own that go on from one engine to the next, and what is known of each message. All of it lies in shared
 * memory. */
#ifndef TEST_DURABLE_STAGE_H
#define TEST_DURABLE_STAGE_H

#include "tests/crash/crash.h"
#include "tests/support/tmpdir.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	CLIENTS = 3,
	ACTORS = CLIENTS + 2 /* who makes queues, who compacts */,
	TAGS_ALL = 1 << 20,
	BODY_MOST = 70000,
	FAILURE_BYTES = 256
};

enum stage_queue { STAGE_SYNC, STAGE_ASYNC, STAGE_MOVES, STAGE_DLQ, STAGE_KEPT, STAGE_QUEUES };

extern const char *const stage_names[STAGE_QUEUES];
/* One more, that is made and removed again and again. */
#define STAGE_PASSING "passing"

/* What is known of a message, by bits. */
enum {
	TAG_TRIED = 1,		  /* its send has begun, and may have done something */
	TAG_ACCEPTED = 2,	  /* its send has answered: there, but for a reboot */
	TAG_DURABLE = 4,	  /* there, whatever ends */
	TAG_DELETE_TRIED = 8,	  /* may be gone */
	TAG_DELETE_ACCEPTED = 16, /* gone, but for a reboot */
	TAG_GONE = 32,		  /* for good */
};

/* What the queue that passes is. */
enum passing { PASSING_GONE, PASSING_THERE, PASSING_UNKNOWN };

struct stage {
	struct crash_plan plan; /* of the engine */
	char queues[TMPDIR_BYTES], data[TMPDIR_BYTES];
	bool is_plain;		 /* no queue of writes */
	atomic_bool is_ready;	 /* the engine has started */
	_Atomic uint32_t pauses; /* odd: the clients are to rest, and an engine that starts, but for its journal */
	atomic_uint resting;	 /* clients that do */
	atomic_uint next_tag;
	atomic_int live; /* messages, about */
	atomic_uchar tag[TAGS_ALL];
	_Atomic enum passing passing;
	atomic_bool is_removing;		 /* it, just now */
	atomic_ullong answers, unknown, refused; /* of calls: done; "not known"; "no engine" */
	atomic_ullong compacted, uncompacted;	 /* compactions that were waited for: done; cut by a death */
	char failure[FAILURE_BYTES];
};

/* The first failure is kept; whoever finds one ends. */
__attribute__((format(printf, 2, 3))) void stage_fail(struct stage *stage, const char *format, ...);

/* ---- clients ---------------------------------------------------------------------------------- */

struct client {
	struct stage *stage;
	uint64_t random;
};

/* In a process of its own, until it is killed. */
void client_main(void *context);
/* Makes and removes the queue that passes. */
void passer_main(void *context);
/* Asks for compactions and waits for them. */
void compacter_main(void *context);

/* ---- the engine ------------------------------------------------------------------------------- */

/* Starts one, which does what rlq_engine_run() does, with small files. False: it was killed before it was ready. */
bool engine_begin(struct stage *stage, struct crash_plan plan);
/* From here on: at the nth passage. It goes on meanwhile, so it may be just past it. */
void engine_plan(struct stage *stage, enum crash_point point, uint64_t nth);
/* Until it dies as planned, which it says; else it is killed after so many turns, or later, while a queue is being
 * removed. */
bool engine_await(struct stage *stage, uint64_t turns, bool amid_removal);
/* If it lives. */
void engine_kill(void);

/* ---- the judge -------------------------------------------------------------------------------- */

/* While an engine has started and the clients rest: all that was promised holds. From then on what was found is
 * there for good, and what was not is gone for good. */
void stage_judge(struct stage *stage, bool was_reboot);

#endif
