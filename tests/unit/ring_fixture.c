#include "tests/unit/ring_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ROW = 3, SERIAL = 9 };

static void make(struct ring_test *test, uint32_t order, bool has_marks)
{
	size_t bytes = (ring_bytes(order, has_marks) + 127) & ~(size_t)127;
	void *memory = aligned_alloc(128, bytes);

	cr_assert(memory != NULL);
	memset(memory, 0, bytes);
	memset(test, 0, sizeof(*test));
	ring_place(&test->ring, &test->ends, memory, order, has_marks);
	test->owner = owner_make(ROW, SERIAL);
	test->terms = (struct ring_terms){.deadline_ms = 1000};
}

void ring_test_make(struct ring_test *test, uint32_t order)
{
	make(test, order, false);
}

void ring_test_make_marked(struct ring_test *test, uint32_t order)
{
	make(test, order, true);
}

bool ring_test_send(struct ring_test *test, uint64_t id)
{
	struct ring_claim claim;
	enum ring_result result;

	while ((result = ring_claim(&test->ring, &test->producer, test->owner, &claim)) == RING_BUSY)
		;
	if (result == RING_FULL)
		return false;
	cr_assert_eq(result, RING_OK);
	test->ring.slots[claim.slot].message.id[0] = id;
	cr_assert_eq(ring_publish(&test->ring, &claim, test->owner), RING_OK);
	return true;
}

bool ring_test_take(struct ring_test *test, struct ring_taken *ret)
{
	enum ring_result result;

	while ((result = ring_take(&test->ring, &test->consumer, &test->terms, ret)) == RING_BUSY)
		;
	cr_assert_neq(result, RING_DAMAGED);
	return result == RING_OK;
}

uint64_t ring_test_id(const struct ring_test *test, const struct ring_taken *taken)
{
	return test->ring.slots[taken->slot].message.id[0];
}

uint64_t ring_test_take_id(struct ring_test *test)
{
	struct ring_taken taken;

	return ring_test_take(test, &taken) ? ring_test_id(test, &taken) : 0;
}

uint64_t ring_test_consume(struct ring_test *test)
{
	struct ring_taken taken;
	uint64_t id;

	if (!ring_test_take(test, &taken))
		return 0;
	id = ring_test_id(test, &taken);
	cr_assert(ring_free(&test->ring, taken.slot, taken.word));
	return id;
}

struct slot_word ring_test_word(const struct ring_test *test, uint32_t slot)
{
	return slot_read(&test->ring.slots[slot]);
}
