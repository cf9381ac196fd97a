/* One small ring in private memory, and the calls on it by a single actor. */
#ifndef TEST_RING_FIXTURE_H
#define TEST_RING_FIXTURE_H

#include "ring/ring.h"

struct ring_test {
	struct ring ring;
	struct ring_ends ends;
	struct ring_cursor producer, consumer;
	struct ring_terms terms;
	uint64_t owner;
};

void ring_test_make(struct ring_test *test, uint32_t order);
/* The same with marks of changed slots. */
void ring_test_make_marked(struct ring_test *test, uint32_t order);

/* Sends a message whose id is `id`; false if the ring is full. */
bool ring_test_send(struct ring_test *test, uint64_t id);
/* Receives; false if there is nothing. Ends the test on damage. */
bool ring_test_take(struct ring_test *test, struct ring_taken *ret);
/* Receives and returns the id of what came, 0 for nothing. */
uint64_t ring_test_take_id(struct ring_test *test);
uint64_t ring_test_id(const struct ring_test *test, const struct ring_taken *taken);
/* Receives and deletes; the id, 0 for nothing. */
uint64_t ring_test_consume(struct ring_test *test);

/* The word of a slot now. */
struct slot_word ring_test_word(const struct ring_test *test, uint32_t slot);

#endif
