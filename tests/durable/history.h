/* A history of calls on durable queues, and what must be there after a crash in it.
 *
 * Of each message, and each queue, the history knows all states that it was in since the last moment at which it
 * was certainly durable: the last call that waits was acknowledged. After a crash it may be in any of those, and in
 * no other. A call that did not hear that it succeeded adds the state that it would have made. A message is in one
 * place or in none, never in two.
 */
#ifndef DURABLE_HISTORY_H
#define DURABLE_HISTORY_H

#include "tests/durable/machine.h"

enum { QUEUES_MAX = 4, MESSAGES_MAX = 1024, STATES_MAX = 12, NOWHERE = -1 };

struct message_state {
	int queue; /* NOWHERE: not sent, or deleted */
	uint32_t receives;
	bool is_delayed;
	unsigned at; /* number of the call that made it so */
};

/* To a FIFO queue, with a deduplication id. */
struct told_send {
	bool is_one;
	int queue;
	bool is_acknowledged, was_there, is_durable;
	bool may_be_forgotten; /* by a purge, or since its window is over */
	struct rlq_message_id id;
	uint64_t sequence; /* 0: not known */
};

struct told_message {
	uint32_t bytes;
	bool is_leased;
	struct rlq_receipt receipt;
	struct message_state state[STATES_MAX];
	int states;
	uint64_t sequence; /* in a FIFO queue: the last one that is known; 0: none is */
	int sequence_of;   /* that queue */
	bool was_moved;
	struct told_send send;
};

struct queue_state {
	bool exists;
	int64_t visibility_ms;
};

struct told_queue {
	enum rlq_durability durability;
	uint32_t receives_max;
	int dlq; /* index; -1: none */
	struct rlq_queue *handle;
	bool is_fifo;	   /* once created so, for all of the history */
	uint64_t sequence; /* the highest number that is known */
	struct queue_state state[STATES_MAX];
	int states;
};

struct history {
	struct told_queue queues[QUEUES_MAX];
	struct told_message messages[MESSAGES_MAX];
	unsigned message_count, calls;
	struct rlq_receipt first_receipt;
	int first_receipt_of; /* its queue; -1: none */
	unsigned refused;     /* sends and moves for which the journal had no room */
	bool is_over;	      /* a call has heard that the journal is gone: those after it do nothing */
	int code;	      /* what it heard */
	char fault[256];      /* "": what calls have answered is possible */
};

const char *history_name(const struct history *history, int queue);
/* The first one counts. */
void history_fault(struct history *history, const char *format, ...) __attribute__((format(printf, 2, 3)));

void history_begin(struct history *history);
/* Closes all handles; before the machine is stopped. */
void history_close(struct history *history);

/* ---- calls ------------------------------------------------------------------------------------ */

void h_create(struct history *history, int queue, enum rlq_durability durability, int dlq, uint32_t receives_max);
void h_create_fifo(struct history *history, int queue, enum rlq_durability durability, int dlq,
		   uint32_t receives_max);
void h_remove(struct history *history, int queue);
void h_set_visibility(struct history *history, int queue, int64_t visibility_ms);
/* 1: rlq_send, more: a batch. */
void h_send(struct history *history, int queue, int count, uint32_t bytes, int64_t delay_ms);
/* To a FIFO queue: written in place one after the other, and published the other way round. */
void h_send_crossed(struct history *history, int queue, int count, uint32_t bytes);
/* With a lease that ends only if the test lets time pass; 0: visible again at once. */
void h_receive(struct history *history, int queue, int max, int64_t visibility_ms);
/* The oldest that are leased. */
void h_delete(struct history *history, int queue, int count);
void h_release(struct history *history, int queue, int64_t delay_ms);
void h_purge(struct history *history, int queue);
void h_redrive(struct history *history, int from, int to);
/* What was sent to FIFO queues is sent again, with the same ids. */
void h_retry(struct history *history);
/* Waits until all that was done is durable. */
void h_settle(struct history *history);

/* ---- after the crash -------------------------------------------------------------------------- */

/* What is wrong with what is there, static memory; NULL: nothing. What was found is what must be there from now on.
 */
const char *history_check(struct history *history);
/* The same if nothing but the engine has ended: all is as it was last. Calls that did not hear may have been made.
 */
const char *history_check_alive(struct history *history);
/* Receives and deletes all there is by the public calls, compared with what history_check() has found. */
const char *history_drain(struct history *history);

/* Does it exist, as it was told or found last? */
bool history_has_queue(const struct history *history, int queue);
/* Where a message was found last. */
const struct message_state *history_state(const struct history *history, unsigned message);

#endif
