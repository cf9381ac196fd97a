/* A stage for the deaths of an engine that journals: queues, a folder for the journal, clients in processes of
 * their own that go on from one engine to the next, and what is known of each message. All of it lies in shared
 * memory. */
#ifndef TEST_DURABLE_STAGE_H
#define TEST_DURABLE_STAGE_H

#include "client/internal.h"
#include "tests/crash/crash.h"
#include "tests/crash/durable_story.h"
#include "tests/support/history.h"
#include "tests/support/tmpdir.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	CLIENTS = 3,
	FIFO_CLIENTS = 2,
	FIFO_GROUPS = 4,
	FIFO_WINDOW_MS = 60000,
	FIFO_LOG_EVENTS = 1 << 17,
	FIFO_IDS = 8, /* that a client may send again, of a queue */
	TAGS_ALL = 1 << 20,
	BODY_MOST = 70000,
	FAILURE_BYTES = 2000
};

enum stage_queue { STAGE_SYNC, STAGE_ASYNC, STAGE_MOVES, STAGE_DLQ, STAGE_KEPT, STAGE_QUEUES };

extern const char *const stage_names[STAGE_QUEUES];
/* The last one is sync, and the journal has room for a few of its messages only. */
enum fifo_queue { FIFO_SYNC, FIFO_ASYNC, FIFO_SHORT, FIFO_QUEUES };
extern const char *const fifo_names[FIFO_QUEUES];
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

/* What a FIFO client may send again to a queue, also one that comes after it was killed: each with the same body
 * and the same deduplication id. */
struct fifo_hand {
	uint32_t pending[FIFO_IDS], pending_count; /* not acknowledged: until it is */
	int64_t pending_until_ns;		   /* by then, so that it is within the window */
	uint32_t answered[FIFO_IDS];		   /* the last ones that were; 0: none */
	int64_t answered_until_ns[FIFO_IDS];
	uint32_t answered_at;
};

/* A FIFO queue of the stage, and what its clients have written down of it since the chapter began. */
struct fifo {
	struct history_log *log[FIFO_CLIENTS + 1]; /* the last one is the judge's */
	struct fifo_hand hand[FIFO_CLIENTS];
	atomic_int live;   /* messages, about */
	uint64_t sequence; /* the highest of earlier chapters */
	unsigned judged;   /* in this chapter */
};

struct stage {
	struct crash_plan plan; /* of the engine */
	unsigned actors;	/* processes of clients */
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
	struct fifo fifo[FIFO_QUEUES];
	uint32_t epoch;	       /* grows with each reboot */
	atomic_bool is_ending; /* FIFO clients send nothing new */
	struct crash_plan fifo_plan[FIFO_CLIENTS];
	atomic_uint next_fifo;			/* the number of a message of a FIFO queue */
	atomic_ullong fifo_sent, fifo_received; /* calls of their clients that were done */
	atomic_ullong fifo_duplicates;		/* a repeated send was the first's */
	atomic_ullong fifo_repeated;		/* one that was not acknowledged was sent again, and was new */
	struct story story;
	bool is_rebooted; /* since the last engine began */
	char failure[FAILURE_BYTES];
};

/* The first failure is kept; whoever finds one ends. */
__attribute__((format(printf, 2, 3))) void stage_fail(struct stage *stage, const char *format, ...);

/* After one: says it, with all that is known of the message that it is about. */
bool stage_has_failed(const struct stage *stage, const char *where);

/* ---- all of them ------------------------------------------------------------------------------ */

/* With folders, in shared memory. */
struct stage *stage_open(void);
void stage_close(struct stage *stage);
/* While no engine lives, and nobody has a handle: nothing in memory is left. */
void stage_reboot(struct stage *stage);
/* When the engine is dead, all calls under way have to come to an end without it. */
void stage_pause(struct stage *stage);
void stage_go_on(struct stage *stage);

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

/* For an actor: is it to rest? It closes its handles before it does. */
bool stage_is_paused(const struct stage *stage);
void stage_rest(struct stage *stage);

/* ---- FIFO queues ------------------------------------------------------------------------------ */

/* Of the message with that number. */
static inline uint32_t fifo_group_of(uint32_t id)
{
	return 1 + id % FIFO_GROUPS;
}

void fifo_make_queues(struct stage *stage, struct rlq_directory *directory);

struct fifo_client {
	struct stage *stage;
	unsigned number;
	uint64_t random;
};
/* In a process of its own: sends with deduplication ids, again until it is acknowledged, and now and then once
 * more; receives, deletes, and writes all of it down. It follows its plan of the stage. */
void fifo_client_main(void *context);

/* As stage_judge(), by the histories of FIFO queues: they are judged, and begun anew, every few times, that of the
 * async one at each reboot. */
void fifo_judge(struct stage *stage, bool was_reboot);
/* At once; true: nothing is left in the queues, nor to be sent again. */
bool fifo_judge_rest(struct stage *stage);
/* Says what the clients have done. False: no send was repeated that was new, or none that was a duplicate. */
bool fifo_report(const struct stage *stage);

/* ---- the engine ------------------------------------------------------------------------------- */

/* Starts one, which does what rlq_engine_run() does, with small files. False: it was killed before it was ready. */
bool engine_begin(struct stage *stage, struct crash_plan plan);
/* From here on: at the nth passage. It goes on meanwhile, so it may be just past it. */
void engine_plan(struct stage *stage, enum crash_point point, uint64_t nth);
/* Until it dies as planned, which it says; else it is killed after so many turns, or later, while a queue is being
 * removed. */
bool engine_await(struct stage *stage, uint64_t turns, bool amid_removal);
/* At the next passage it is to stop; false: it has ended before. From there it goes on, and dies at the next
 * passage of another one; false: it was not killed. */
void engine_plan_stop(struct stage *stage, enum crash_point point);
bool engine_await_stop(struct stage *stage);
bool engine_die_at(struct stage *stage, enum crash_point point);
/* If it lives. */
void engine_kill(struct stage *stage);

/* ---- looking at queues ------------------------------------------------------------------------ */

struct stage_found {
	const char *queue;
	const struct slot *slot;
	struct slot_word word;
	struct slot_message message;
	const unsigned char *payload;
};

/* `each` is called of each message that is there, of any state; NULL: of none. `has_begun`: also of one of a FIFO
 * queue that has joined its group, or tried to, and is not published: it may be sent already. */
struct stage_looks {
	bool has_begun;
	void (*each)(struct stage_looks *looks, const struct stage_found *found);
	void *context;
	uint64_t words; /* of all slots, in one number */
	char fault[FAILURE_BYTES];
};
void stage_look(struct stage_looks *looks, struct rlq_directory *directory, const char *name);
/* The first one is kept. */
__attribute__((format(printf, 2, 3))) void stage_note(struct stage_looks *looks, const char *format, ...);

/* ---- the judge -------------------------------------------------------------------------------- */

/* While an engine has started and the clients rest: all that was promised holds. From then on what was found is
 * there for good, and what was not is gone for good. */
void stage_judge(struct stage *stage, bool was_reboot);

#endif
