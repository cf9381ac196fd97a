/* The ring when many slots stay occupied, and when a message is received again and again. */
#include "tests/unit/ring_fixture.h"

#include <criterion/criterion.h>

static struct ring_test test;

enum { ORDER = 8, SLOTS = 1 << ORDER };

static void make(void)
{
	ring_test_make(&test, ORDER);
}

TestSuite(ring_crowded, .init = make);

static void fill(uint64_t count)
{
	for (uint64_t id = 1; id <= count; id++)
		cr_assert(ring_test_send(&test, id), "message %lu", (unsigned long)id);
}

static void lease(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		cr_assert_neq(ring_test_take_id(&test), 0);
}

Test(ring_crowded, shouldSayFullOnlyWhenEverySlotIsOccupied)
{
	struct ring_taken taken;

	fill(SLOTS);
	cr_assert_not(ring_test_send(&test, 1000));
	cr_assert(ring_test_take(&test, &taken));
	cr_assert_not(ring_test_send(&test, 1000), "a leased message keeps its slot");
	cr_assert(ring_free(&test.ring, taken.slot, taken.word));
	cr_assert(ring_test_send(&test, 1000));
	cr_assert_not(ring_test_send(&test, 1001));
}

Test(ring_crowded, shouldStillDeliverAllAfterItWasFull)
{
	fill(SLOTS);
	for (int i = 0; i < 5; i++)
		cr_assert_not(ring_test_send(&test, 1000));
	for (uint64_t id = 1; id <= SLOTS; id++)
		cr_assert_neq(ring_test_consume(&test), 0, "message %lu", (unsigned long)id);
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(ring_crowded, shouldGoOnBesideLeasesThatNeverEnd)
{
	fill(SLOTS - 10);
	lease(SLOTS - 10);
	for (uint64_t id = 1000; id < 3000; id++) {
		cr_assert(ring_test_send(&test, id));
		cr_assert_eq(ring_test_consume(&test), id);
	}
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(ring_crowded, shouldGoOnWithOneFreeSlot)
{
	fill(SLOTS - 1);
	lease(SLOTS - 1);
	for (uint64_t id = 1000; id < 1300; id++) {
		cr_assert(ring_test_send(&test, id));
		cr_assert_eq(ring_test_consume(&test), id);
	}
}

Test(ring_crowded, shouldDeliverWhatWasSentWhileNobodyReceivedForManyLaps)
{
	struct ring_taken taken;
	uint64_t got = 0;

	/* One slot comes free again and again, so the tail runs laps ahead of the head. */
	fill(SLOTS);
	for (int i = 0; i < 100; i++) {
		uint32_t slot = (uint32_t)i % SLOTS;

		cr_assert(ring_free(&test.ring, slot, ring_test_word(&test, slot)));
		cr_assert(ring_test_send(&test, 5000));
	}
	while (ring_test_take(&test, &taken))
		got++;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (word_state(ring_test_word(&test, slot)) == SLOT_READY)
			cr_assert(bitmap_test(&test.ring.again, slot) ||
					  ring_is_behind_head(&test.ring, slot, ring_test_word(&test, slot)),
				  "slot %u would never be met again", slot);
	cr_assert_eq(got, SLOTS);
}

Test(ring_crowded, shouldJumpOverMarkedSlotsAndForgetMarksOfFreedOnes)
{
	fill(SLOTS - 4);
	lease(SLOTS - 4);
	for (uint64_t id = 1000; id < 1100; id++) {
		ring_test_send(&test, id);
		ring_test_consume(&test);
	}
	cr_assert(bitmap_any(&test.ring.kept), "slots that stay occupied bear a mark");
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		struct slot_word word = ring_test_word(&test, slot);

		if (word_state(word) == SLOT_LEASED)
			cr_assert(ring_free(&test.ring, slot, word));
	}
	cr_assert_not(bitmap_any(&test.ring.kept));
	for (uint64_t id = 1; id <= SLOTS; id++)
		cr_assert(ring_test_send(&test, id));
	for (uint64_t i = 0; i < SLOTS; i++)
		cr_assert_neq(ring_test_consume(&test), 0);
}

Test(ring_crowded, shouldBelieveNoStaleMark)
{
	/* Marks that lie: over free slots, and over messages that were never received. */
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		bitmap_set(&test.ring.kept, slot);
	fill(SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++)
		cr_assert_neq(ring_test_consume(&test), 0);
}

/* ---- redelivery ------------------------------------------------------------------------------- */

Test(ring_crowded, shouldRedeliverBeforeWhatIsNew)
{
	struct ring_taken taken;

	fill(10);
	cr_assert(ring_test_take(&test, &taken));
	cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
	test.consumer.turn = 0;
	cr_assert_eq(ring_test_take_id(&test), 1);
}

Test(ring_crowded, shouldTakeOneInFourFromTheHeadHoweverMuchIsRedelivered)
{
	uint64_t from_head = 0, takes = 0;
	struct ring_taken taken;

	fill(110);
	for (int i = 0; i < 10; i++)
		lease(1);
	for (uint32_t slot = 0; slot < 10; slot++)
		ring_make_ready(&test.ring, slot, ring_test_word(&test, slot));
	/* The first ten are poison: always given back at once. */
	while (from_head < 100) {
		cr_assert(ring_test_take(&test, &taken));
		takes++;
		if (ring_test_id(&test, &taken) <= 10) {
			cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
		} else {
			from_head++;
			cr_assert(ring_free(&test.ring, taken.slot, taken.word));
		}
		cr_assert_leq(takes, RING_HEAD_EVERY * (from_head + 1), "starved");
	}
}

Test(ring_crowded, shouldServeAllRedeliveriesInTurn)
{
	bool seen[21] = {false};

	fill(20);
	lease(20);
	for (uint32_t slot = 0; slot < 20; slot++)
		ring_make_ready(&test.ring, slot, ring_test_word(&test, slot));
	for (int i = 0; i < 20; i++)
		seen[ring_test_take_id(&test)] = true;
	for (int id = 1; id <= 20; id++)
		cr_assert(seen[id], "message %d", id);
}

Test(ring_crowded, shouldKeepAMessageVisibleThatIsReceivedWithoutALease)
{
	struct ring_taken taken;

	fill(1);
	test.terms.stay_visible = true;
	for (uint32_t count = 1; count <= 50; count++) {
		cr_assert(ring_test_take(&test, &taken));
		cr_assert_eq(word_receives(taken.word), count);
		cr_assert_eq(word_state(taken.word), SLOT_READY);
		cr_assert_eq(ring_test_take_id(&test), 0, "once a call");
		ring_set_again(&test.ring, taken.slot); /* the call is over */
	}
}

Test(ring_crowded, shouldDeclareDeadInsteadOfLeasingOnceTooOften)
{
	struct ring_taken taken;

	fill(2);
	test.terms.receives_max = 2;
	for (int i = 0; i < 2; i++) {
		test.consumer.turn = 0;
		cr_assert(ring_test_take(&test, &taken));
		cr_assert_not(taken.is_dead);
		cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
	}
	test.consumer.turn = 0;
	cr_assert(ring_test_take(&test, &taken));
	cr_assert(taken.is_dead);
	cr_assert_eq(word_state(taken.word), SLOT_DEAD);
	cr_assert_eq(word_receives(taken.word), 2, "declaring dead is no receive");
	cr_assert_eq(ring_test_take_id(&test), 2);
}

Test(ring_crowded, shouldNotLetTheReceiveCountWrap)
{
	struct slot_word word;

	fill(2);
	word = ring_test_word(&test, 0);
	cr_assert(slot_change(&test.ring.slots[0], word, word_make(SLOT_READY, 0, 0, UINT32_MAX, 0)));
	ring_set_again(&test.ring, 0);
	cr_assert_eq(ring_test_take_id(&test), 2);
	cr_assert_eq(ring_test_take_id(&test), 0);
}

/* ---- slots set aside -------------------------------------------------------------------------- */

static uint64_t claim_of(struct ring_cursor *cursor)
{
	struct ring_claim claim;

	cr_assert_eq(ring_claim(&test.ring, cursor, test.owner, &claim), RING_OK);
	return claim.position;
}

Test(ring_crowded, shouldLetTwoGoOnSideBySide)
{
	struct ring_cursor other = {0};

	ring_claim_run(&test.ring, &test.producer, 3);
	ring_claim_run(&test.ring, &other, 2);
	for (uint64_t i = 0; i < 2; i++) {
		cr_expect_eq(claim_of(&test.producer), i);
		cr_expect_eq(claim_of(&other), 3 + i);
	}
	cr_expect_eq(claim_of(&test.producer), 2);
}

Test(ring_crowded, shouldLoseNoSlotThatWasSetAside)
{
	struct ring_cursor other = {0};

	ring_claim_run(&test.ring, &test.producer, 16);
	cr_expect_eq(claim_of(&other), 0, "who comes upon it may claim there");
	cr_expect_geq(claim_of(&test.producer), 1);
	fill(SLOTS - 2);
	cr_assert_not(ring_test_send(&test, 1000));
}

Test(ring_crowded, shouldSetNothingAsideWhereTheTailIsDamaged)
{
	store_seq(&test.ring.ends->tail, UINT64_MAX - 1);
	ring_claim_run(&test.ring, &test.producer, 16);
	cr_expect_eq(load_seq(&test.ring.ends->tail), UINT64_MAX - 1);
}
