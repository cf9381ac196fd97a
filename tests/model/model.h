/* A queue and its DLQ as they should be: one array of messages, walked from one end to the other.
 *
 * Each call says whether an answer is one that is allowed, and goes on from it. NULL: it is. Else the rule that it
 * breaks, as a sentence that begins with the rule's name and stands until the next call.
 *
 * Of FIFO queues one answer is allowed, and of standard queues any message that is visible. More than one:
 *
 *   - groups that became visible at one reading of the clock are served in any order;
 *   - what time has ended since somebody last looked, where nobody is prompt (model_notice()), may be handed out,
 * or be taken for hidden until a receive finds nothing else;
 *   - where messages of a FIFO queue were deleted behind others that are still there, a send may be refused by a
 * queue that would be full with them;
 *   - of used-up messages, `moved` says which a receive has met before it had enough;
 *   - a repeated receive attempt whose leases are over may be answered as the first or as a new one.
 *
 * Whether something ends just within the clock's slack is never asked: see model_is_unclear(). */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "tests/model/script.h"

enum answer { DONE, FULL, STALE, FAILED };

enum { ATTEMPTS_MAX = 3, FAULT_BYTES = 256 };
#define NEVER INT64_MAX

/* An answer to a send, or a message in the answer to a receive. */
struct told {
	int number;	   /* RECEIVE */
	unsigned receives; /* RECEIVE */
	uint64_t id[2];
	uint64_t sequence; /* FIFO */
	int group, dedup;  /* RECEIVE of FIFO; dedup: as the operation's id */
};

/* `moved`: the numbers of those that are in the DLQ now and were not before, in any order. */
struct received {
	struct told message[RECEIVE_MAX];
	int count;
	int moved[NUMBERS_MAX];
	int moved_count;
};

enum message_state { GONE, VISIBLE, LEASED, DELAYED };

struct model_message {
	enum message_state state; /* LEASED, DELAYED: until due_ms, if nobody noticed that it is over */
	enum place place;
	int64_t due_ms;
	unsigned receives;
	int group, dedup;
	uint64_t joined; /* its place in the order of its queue */
	uint64_t id[2], sequence;
	uint64_t dlq_sequence; /* once it was seen there */
};

/* Whose turn it is: of two groups that are ready, one is served first if its latest is before the other's earliest.
 */
struct turn {
	bool is_ready;
	int64_t earliest, latest; /* the step at which it became so; NEVER: nobody may have noticed yet */
};

/* A deduplication id in its window. */
struct seen {
	int id, group, number; /* of the first message */
	int64_t end_ms;
};

struct attempt {
	int number[RECEIVE_MAX];
	unsigned receives[RECEIVE_MAX];
	int count;
	int64_t end_ms;
};

struct model {
	struct setting setting;
	int64_t now_ms, slack_ms, step;
	bool any_turn;	 /* groups are served in any order */
	uint64_t joined; /* the last place given */
	int last;	 /* the highest number of a message */
	struct model_message message[NUMBERS_MAX];
	struct turn turn[PLACES][GROUPS_MAX];
	struct seen seen[NUMBERS_MAX];
	int seen_count;
	struct attempt attempt[PLACES][ATTEMPTS_MAX];
	char fault[FAULT_BYTES];
};

void model_begin(struct model *model, const struct setting *setting, int64_t slack_ms);

const char *model_send(struct model *model, const struct operation *operation, enum answer answer,
		       const struct told *told);
const char *model_receive(struct model *model, const struct operation *operation, const struct received *received);
/* DELETE, EXTEND, RELEASE with the receipt of the lease that made its message received `receives` times from
 * `place`.
 */
const char *model_change(struct model *model, const struct operation *operation, enum place place,
			 unsigned receives, enum answer answer);
void model_purge(struct model *model, enum place place);

/* ---- time ------------------------------------------------------------------------------------- */

void model_time(struct model *model, int64_t ms);
/* When something ends next; NEVER. */
int64_t model_due_ms(const struct model *model);
/* Does something end within the clock's slack, so that nobody can say whether it has? */
bool model_is_unclear(const struct model *model);
/* All that time has ended until now is known to everybody. */
void model_notice(struct model *model);

/* ---- what there is ---------------------------------------------------------------------------- */

struct depth {
	int visible, in_flight, delayed;
};

const char *model_depth(struct model *model, enum place place, const struct depth *depth);
/* An answer that is allowed; the same one for the same model. Of a send that is no duplicate id and sequence number
 * are left to the caller; returns whether it is one. */
bool model_pick_send(const struct model *model, const struct operation *operation, enum answer *ret_answer,
		     struct told *ret_told);
void model_pick(const struct model *model, const struct operation *operation, struct received *ret_received);

#endif
