/* What a ring does with words that cannot be, and how far one call walks. */
#include "tests/unit/ring_fixture.h"

#include <criterion/criterion.h>

static struct ring_test test;

Test(ring_bounds, shouldReportAStateThatDoesNotExist)
{
	struct ring_taken taken;
	struct ring_claim claim;

	ring_test_make(&test, 4);
	ring_test_send(&test, 1);
	store_seq(&test.ring.slots[0].word.low, load_seq(&test.ring.slots[0].word.low) | 15);
	cr_assert_eq(ring_take(&test.ring, &test.consumer, &test.terms, &taken), RING_DAMAGED);
	test.producer.tail = 0;
	cr_assert_eq(ring_claim(&test.ring, &(struct ring_cursor){0}, test.owner, &claim), RING_DAMAGED);
}

Test(ring_bounds, shouldWalkABoundedNumberOfPositionsACall)
{
	enum { ORDER = 14 };
	struct ring_taken taken;
	uint64_t calls = 0;

	/* Everything is leased and unmarked: the head has a lap of used-up positions before it. */
	ring_test_make(&test, ORDER);
	for (uint64_t id = 1; id <= 1 << ORDER; id++)
		cr_assert(ring_test_send(&test, id));
	while (ring_test_take(&test, &taken))
		;
	test.consumer = (struct ring_cursor){0};
	store_seq(&test.ends.head, 0);
	while (ring_take(&test.ring, &test.consumer, &test.terms, &taken) == RING_BUSY)
		calls++;
	cr_assert_geq(calls, (1 << ORDER) / RING_STEPS_MAX - 1);
	cr_assert_leq(calls, (1 << ORDER) / RING_STEPS_MAX + 1);
}

Test(ring_bounds, shouldNotWalkADistanceThatCannotBe, .timeout = 30)
{
	struct ring_taken taken;
	int calls = 0;

	/* A damaged tail, a lap number that could still be, far ahead of the head. */
	ring_test_make(&test, 4);
	ring_test_send(&test, 1);
	store_seq(&test.ends.tail, UINT64_C(1) << 40);
	test.consumer.head = 1;
	while (ring_take(&test.ring, &test.consumer, &test.terms, &taken) == RING_BUSY)
		cr_assert_lt(++calls, 1000, "walks on and on");
}

Test(ring_bounds, shouldDeliverBeforeAndAfterATailThatIsFarAhead, .timeout = 30)
{
	ring_test_make(&test, 4);
	for (uint64_t id = 1; id <= 5; id++)
		ring_test_send(&test, id);
	store_seq(&test.ends.tail, UINT64_C(1) << 40);
	for (uint64_t id = 6; id <= 10; id++)
		cr_assert(ring_test_send(&test, id));
	for (int i = 0; i < 10; i++)
		cr_assert_neq(ring_test_consume(&test), 0);
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(ring_bounds, shouldSayDamagedWhereALapDoesNotFitItsField, .timeout = 30)
{
	struct ring_taken taken;
	struct ring_claim claim;
	enum ring_result result = RING_BUSY;

	ring_test_make(&test, 4);
	ring_test_send(&test, 1);
	store_seq(&test.ends.tail, UINT64_MAX - 5);
	store_seq(&test.ends.head, UINT64_MAX - 5);
	for (int calls = 0; calls < 1000 && result == RING_BUSY; calls++)
		result = ring_claim(&test.ring, &(struct ring_cursor){0}, test.owner, &claim);
	cr_expect_eq(result, RING_DAMAGED);
	/* At the message itself a cursor of its own would still find it. */
	cr_expect_eq(ring_take(&test.ring, &(struct ring_cursor){.head = 1}, &test.terms, &taken), RING_DAMAGED);
}

/* Bits that lead to nothing are cleared a bounded number at a time; the caller may ask again. */
Test(ring_bounds, shouldLookAtSoManyStaleBitsInOneTake)
{
	enum { STALE = RING_STEPS_MAX + 100 };
	struct ring_taken taken;

	ring_test_make(&test, 13);
	for (uint32_t slot = 0; slot < STALE; slot++)
		ring_set_again(&test.ring, slot);
	cr_expect_eq(ring_take(&test.ring, &test.consumer, &test.terms, &taken), RING_BUSY);
	cr_expect_not(bitmap_test(&test.ring.again, RING_STEPS_MAX - 1));
	cr_expect(bitmap_test(&test.ring.again, RING_STEPS_MAX));
	cr_expect_eq(ring_take(&test.ring, &test.consumer, &test.terms, &taken), RING_EMPTY);
	cr_expect_not(bitmap_any(&test.ring.again));
}
