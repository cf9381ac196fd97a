/* What a history is told of, for the files that are its parts: calls, sends, and the check after a crash. */
#ifndef DURABLE_HISTORY_TOLD_H
#define DURABLE_HISTORY_TOLD_H

#include "tests/durable/history.h"

enum { BODY_MAX = 70000, LONG_MS = 3600000 };

/* The last call would make it so. */
void told_state(struct history *history, unsigned message, struct message_state state);
void told_queue_is(struct history *history, int queue, struct queue_state state);
struct queue_state *told_queue_state(struct history *history, int queue);

/* The call has answered; if it has waited for the journal, what was done so far is durable. */
void told_answer(struct history *history, const char *call, int result, bool has_waited);

bool told_is_sync(const struct history *history, int queue);
/* Opened when it is first asked for; NULL: it cannot be, which is a fault. */
struct rlq_queue *told_handle(struct history *history, int queue);

/* Is it there, with the attribute that all are sent with? */
bool sent_attribute_is_there(const struct rlq_message *message);
/* Whoever had no answer, or lost it, sends again: there is one message, or one that was there. */
void retry_sends(struct history *history, bool is_alive);

#endif
