#include "tests/unit/ring_fixture.h"

#include <criterion/criterion.h>

static struct ring_test test;

/* ---- the plain way ---------------------------------------------------------------------------- */

Test(ring, shouldBeEmptyWhenItsMemoryIsZero)
{
	struct ring_taken taken;

	ring_test_make(&test, 4);
	cr_assert_not(ring_test_take(&test, &taken));
}

Test(ring, shouldDeliverInOrderThroughManyLaps)
{
	ring_test_make(&test, 3);
	for (uint64_t id = 1; id <= 1000; id++) {
		cr_assert(ring_test_send(&test, id));
		cr_assert_eq(ring_test_consume(&test), id);
	}
	for (uint64_t id = 1; id <= 1000; id += 5) {
		for (uint64_t i = 0; i < 5; i++)
			cr_assert(ring_test_send(&test, id + i));
		for (uint64_t i = 0; i < 5; i++)
			cr_assert_eq(ring_test_consume(&test), id + i);
	}
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(ring, shouldWorkWithTwoSlots)
{
	ring_test_make(&test, 1);
	for (uint64_t id = 1; id <= 200; id++) {
		cr_assert(ring_test_send(&test, id));
		cr_assert_eq(ring_test_consume(&test), id);
	}
}

Test(ring, shouldTakeEachMessageOnce)
{
	ring_test_make(&test, 4);
	ring_test_send(&test, 7);
	cr_assert_eq(ring_test_take_id(&test), 7);
	cr_assert_eq(ring_test_take_id(&test), 0);
}

Test(ring, shouldCountReceivesAndNoteTheDeadline)
{
	struct ring_taken taken;

	ring_test_make(&test, 4);
	ring_test_send(&test, 1);
	cr_assert(ring_test_take(&test, &taken));
	cr_assert_eq(word_receives(taken.word), 1);
	cr_assert_eq(word_deadline_ms(taken.word), 1000);
	cr_assert_eq(due_earliest(&test.ring.due), 1000);
	cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
	test.terms.deadline_ms = 2000;
	cr_assert(ring_test_take(&test, &taken));
	cr_assert_eq(word_receives(taken.word), 2);
	cr_assert_eq(word_deadline_ms(taken.word), 2000);
}

/* ---- claim and publish ------------------------------------------------------------------------ */

Test(ring, shouldNotDeliverWhatIsClaimedButNotPublished)
{
	struct ring_claim claim;

	ring_test_make(&test, 4);
	cr_assert_eq(ring_claim(&test.ring, &test.producer, test.owner, &claim), RING_OK);
	cr_assert_eq(word_state(ring_test_word(&test, claim.slot)), SLOT_WRITING);
	cr_assert_eq(word_serial(ring_test_word(&test, claim.slot)), test.owner >> 32,
		     "the owner goes in with the claim");
	cr_assert_eq(ring_test_take_id(&test), 0);
}

Test(ring, shouldPassAnUnpublishedClaimAndDeliverItWhenItComes)
{
	struct ring_claim claim;

	ring_test_make(&test, 4);
	cr_assert_eq(ring_claim(&test.ring, &test.producer, test.owner, &claim), RING_OK);
	ring_test_send(&test, 2);
	ring_test_send(&test, 3);
	cr_assert_eq(ring_test_consume(&test), 2, "a stopped producer is passed");
	cr_assert_eq(word_state(ring_test_word(&test, claim.slot)), SLOT_PASSED);
	test.ring.slots[claim.slot].message.id[0] = 1;
	cr_assert_eq(ring_publish(&test.ring, &claim, test.owner), RING_OK);
	cr_assert_eq(ring_test_consume(&test), 1, "it has a redelivery bit");
	cr_assert_eq(ring_test_consume(&test), 3);
}

Test(ring, shouldRefuseToPublishForAnotherOwner)
{
	struct ring_claim claim;

	ring_test_make(&test, 4);
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	cr_assert_eq(ring_publish(&test.ring, &claim, owner_make(4, 9)), RING_DAMAGED);
	cr_assert_eq(ring_publish(&test.ring, &claim, test.owner), RING_OK);
	cr_assert_eq(ring_publish(&test.ring, &claim, test.owner), RING_DAMAGED, "once only");
}

Test(ring, shouldRefuseToDelayOrAbandonForAnotherOwner)
{
	uint64_t other = owner_make(4, 9);
	struct ring_claim claim;

	ring_test_make(&test, 4);
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	cr_expect_eq(ring_publish_delayed(&test.ring, &claim, other, 5), RING_DAMAGED);
	cr_expect_eq(ring_abandon(&test.ring, &claim, other), RING_DAMAGED);
	cr_expect_eq(word_state(ring_test_word(&test, claim.slot)), SLOT_WRITING);
	cr_expect_eq(ring_publish_delayed(&test.ring, &claim, test.owner, 5), RING_OK);
	cr_expect_eq(ring_publish_delayed(&test.ring, &claim, test.owner, 5), RING_DAMAGED, "once only");
	cr_expect_eq(ring_abandon(&test.ring, &claim, test.owner), RING_DAMAGED);
	cr_expect_eq(word_state(ring_test_word(&test, claim.slot)), SLOT_DELAYED);
}

Test(ring, shouldFreeAnAbandonedClaimForTheNextLap)
{
	struct ring_claim claim;

	ring_test_make(&test, 2);
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	cr_assert_eq(ring_abandon(&test.ring, &claim, test.owner), RING_OK);
	cr_assert_eq(word_state(ring_test_word(&test, claim.slot)), SLOT_FREE);
	cr_assert_eq(word_generation(ring_test_word(&test, claim.slot)), 1);
	for (uint64_t id = 1; id <= 20; id++) {
		cr_assert(ring_test_send(&test, id));
		cr_assert_eq(ring_test_consume(&test), id);
	}
}

Test(ring, shouldMarkALateClaimAndStillDeliverIt)
{
	struct ring_cursor slow = {0};
	struct ring_claim claim;
	struct ring_taken taken;

	/* The slow producer has read the tail; others go past, and a consumer with them. */
	ring_test_make(&test, 2);
	for (uint64_t id = 1; id <= 40; id++) {
		ring_test_send(&test, id);
		ring_test_consume(&test);
	}
	slow.tail = 0;
	cr_assert_eq(ring_claim(&test.ring, &slow, test.owner, &claim), RING_OK);
	test.ring.slots[claim.slot].message.id[0] = 99;
	cr_assert_eq(ring_publish(&test.ring, &claim, test.owner), RING_OK);
	cr_assert(ring_test_take(&test, &taken));
	cr_assert_eq(ring_test_id(&test, &taken), 99);
}

Test(ring, shouldHideADelayedMessageUntilItIsMadeReady)
{
	struct ring_claim claim;
	struct slot_word word;

	ring_test_make(&test, 4);
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	test.ring.slots[claim.slot].message.id[0] = 5;
	cr_assert_eq(ring_publish_delayed(&test.ring, &claim, test.owner, 777), RING_OK);
	cr_assert_eq(due_earliest(&test.ring.due), 777);
	ring_test_send(&test, 6);
	cr_assert_eq(ring_test_consume(&test), 6, "a delayed message blocks nobody");
	cr_assert_eq(ring_test_consume(&test), 0);
	word = ring_test_word(&test, claim.slot);
	cr_assert_eq(word_state(word), SLOT_DELAYED);
	cr_assert_eq(word_deadline_ms(word), 777);
	cr_assert(ring_make_ready(&test.ring, claim.slot, word));
	cr_assert_eq(ring_test_consume(&test), 5);
}

/* ---- the rest of a message's life ------------------------------------------------------------- */

Test(ring, shouldFreeASlotOnlyFromTheWordThatWasSeen)
{
	struct ring_taken taken;

	ring_test_make(&test, 4);
	ring_test_send(&test, 1);
	ring_test_take(&test, &taken);
	cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
	cr_assert_not(ring_free(&test.ring, taken.slot, taken.word), "it expired meanwhile");
	cr_assert_not(ring_make_ready(&test.ring, taken.slot, taken.word), "and is not made visible twice");
	cr_assert(ring_free(&test.ring, taken.slot, ring_test_word(&test, taken.slot)));
	cr_assert_eq(ring_test_take_id(&test), 0, "a stale bit brings nothing");
}

Test(ring, shouldMoveADeadlineAndTellTheReaper)
{
	struct ring_taken taken;

	ring_test_make(&test, 4);
	ring_test_send(&test, 1);
	ring_test_take(&test, &taken);
	cr_assert(ring_set_deadline(&test.ring, taken.slot, taken.word, SLOT_LEASED, 500));
	cr_assert_eq(due_earliest(&test.ring.due), 500);
	cr_assert_not(ring_set_deadline(&test.ring, taken.slot, taken.word, SLOT_LEASED, 600),
		      "decided with the state");
	cr_assert(ring_set_deadline(&test.ring, taken.slot, ring_test_word(&test, taken.slot), SLOT_DELAYED, 900));
	cr_assert_eq(word_state(ring_test_word(&test, taken.slot)), SLOT_DELAYED);
}

Test(ring, shouldMakeAnArrivedCopyReceivable)
{
	struct ring_claim claim;
	struct ring_taken taken;
	struct slot_word word;

	ring_test_make(&test, 4);
	cr_assert_eq(ring_claim_arriving(&test.ring, &test.producer, test.owner, 3, &claim), RING_OK);
	cr_assert_eq(ring_test_take_id(&test), 0);
	word = ring_test_word(&test, claim.slot);
	cr_assert(ring_arrive(&test.ring, claim.slot, word));
	cr_assert_not(ring_arrive(&test.ring, claim.slot, word), "once only");
	cr_assert(ring_test_take(&test, &taken));
	cr_assert_eq(word_receives(taken.word), 4, "the count goes on");
}

Test(ring, shouldSayWhichMessagesTheHeadWillNotMeet)
{
	struct ring_taken taken;

	ring_test_make(&test, 4);
	for (uint64_t id = 1; id <= 20; id++) {
		ring_test_send(&test, id);
		if (id < 20)
			ring_test_consume(&test);
	}
	cr_assert_not(ring_is_behind_head(&test.ring, 19 % 16, ring_test_word(&test, 19 % 16)));
	ring_test_take(&test, &taken);
	store_seq(&test.ends.head, 20);
	cr_assert(ring_is_behind_head(&test.ring, taken.slot, taken.word));
}
