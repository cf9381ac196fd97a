/* The order of a FIFO queue's groups, as each receive of a scene must keep it. */
#ifndef TEST_CRASH_ORDER_H
#define TEST_CRASH_ORDER_H

#include "tests/crash/scene.h"

/* A send has answered; `sequence_before`: the last number answered when it began. */
void order_sent(struct scene *scene, bool is_dlq, uint32_t tag, const struct rlq_sent *sent,
		uint64_t sequence_before);

/* The same of a reservation, of which nobody says whether it is a duplicate. */
void order_published(struct scene *scene, uint32_t tag);

/* A message was received, not yet counted: is it what was sent, and its turn among first receives? */
void order_received(struct actor *actor, bool is_dlq, uint32_t tag, const struct rlq_message *message);

/* What one receive has answered: is all before them gone, or received with them? */
void order_check_batch(struct actor *actor, bool is_dlq, const struct rlq_message *messages, int count);

/* Messages come back from the DLQ, with new numbers. */
void order_redriven(struct scene *scene);

#endif
