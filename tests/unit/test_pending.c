/* What is sent, but not yet durable: PENDING, in a ring and in a queue; and what is marked for the journal. */
#include "client/internal.h"
#include "tests/support/queue_fixture.h"
#include "tests/unit/ring_fixture.h"

#include <criterion/criterion.h>

static struct ring_test test;

static uint32_t publish_pending(uint64_t id, uint64_t due_ms)
{
	struct ring_claim claim;

	cr_assert_eq(ring_claim(&test.ring, &test.producer, test.owner, &claim), RING_OK);
	test.ring.slots[claim.slot].message.id[0] = id;
	cr_assert_eq(ring_publish_pending(&test.ring, &claim, test.owner, due_ms), RING_OK);
	return claim.slot;
}

static bool make_durable(uint32_t slot)
{
	uint64_t again = 0;
	bool done = ring_durable(&test.ring, slot, ring_test_word(&test, slot), &again);

	if (again)
		ring_set_again_word(&test.ring, slot, again);
	return done;
}

/* ---- a ring ----------------------------------------------------------------------------------- */

Test(pending, shouldHideAMessageUntilItIsDurable)
{
	uint32_t slot;
	uint64_t again = 0;
	struct slot_word before;

	ring_test_make(&test, 4);
	slot = publish_pending(5, 0);
	ring_test_send(&test, 6);
	cr_assert_eq(ring_test_consume(&test), 6, "it blocks nobody");
	cr_assert_eq(ring_test_consume(&test), 0);
	before = ring_test_word(&test, slot);
	cr_assert_eq(word_state(before), SLOT_PENDING);
	cr_assert(make_durable(slot));
	cr_assert_not(ring_durable(&test.ring, slot, before, &again), "once only");
	cr_assert_eq(again, 0);
	cr_assert_eq(ring_test_consume(&test), 5);
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(pending, shouldBecomeDelayedIfItWasSentSo)
{
	struct slot_word word;
	uint32_t slot;

	ring_test_make(&test, 4);
	slot = publish_pending(5, (UINT64_C(7) << 32) + 777);
	cr_assert_eq(due_earliest(&test.ring.due), DUE_NEVER, "time does not end it");
	cr_assert(make_durable(slot));
	word = ring_test_word(&test, slot);
	cr_assert_eq(word_state(word), SLOT_DELAYED);
	cr_assert_eq(word_owner(word), OWNER_NONE);
	cr_assert_eq(word_deadline_ms(word), 777);
	cr_assert_leq(due_earliest(&test.ring.due), (UINT64_C(7) << 32) + 777, "never too late");
	cr_assert_eq(ring_test_consume(&test), 0);
	cr_assert(ring_make_ready(&test.ring, slot, word));
	cr_assert_eq(ring_test_consume(&test), 5);
}

Test(pending, shouldBeLeftByItsOwnerAlone)
{
	struct ring_claim claim;

	ring_test_make(&test, 4);
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	cr_expect_eq(ring_publish_pending(&test.ring, &claim, owner_make(4, 9), 0), RING_DAMAGED);
	cr_expect_eq(ring_publish_pending(&test.ring, &claim, test.owner, 0), RING_OK);
	cr_expect_eq(ring_publish_pending(&test.ring, &claim, test.owner, 0), RING_DAMAGED, "once only");
}

Test(pending, shouldBeReachedFromASlotThatConsumersHavePassed)
{
	struct ring_claim claim;

	ring_test_make(&test, 4);
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	ring_test_send(&test, 2);
	cr_assert_eq(ring_test_consume(&test), 2);
	cr_assert_eq(word_state(ring_test_word(&test, claim.slot)), SLOT_PASSED);
	test.ring.slots[claim.slot].message.id[0] = 1;
	cr_assert_eq(ring_publish_pending(&test.ring, &claim, test.owner, 0), RING_OK);
	cr_assert_eq(ring_test_consume(&test), 0);
	cr_assert(make_durable(claim.slot));
	cr_assert_eq(ring_test_consume(&test), 1);
}

Test(pending, shouldBeSteppedOverByProducersThatComeRound)
{
	uint32_t slot;

	ring_test_make(&test, 2);
	slot = publish_pending(99, 0);
	for (uint64_t id = 1; id <= 100; id++) {
		cr_assert(ring_test_send(&test, id));
		cr_assert_eq(ring_test_consume(&test), id);
	}
	cr_assert(make_durable(slot));
	cr_assert_eq(ring_test_consume(&test), 99);
}

/* ---- marks ------------------------------------------------------------------------------------ */

/* Those that are marked with a slot. */
static int64_t marks_of(uint32_t slot)
{
	return slot / MARKS_AT_ONCE;
}

/* The one slot that is marked, as marks_of(); -1 for none, -2 for several. */
static int64_t marked(void)
{
	struct marks_taking taking = {0};
	int64_t slot = -1;
	uint64_t bits;
	uint32_t first;

	while (marks_take(&test.ring.marks, &taking, &first, &bits))
		slot = slot == -1 && (bits >> __builtin_ctzll(bits)) < UINT64_C(1) << MARKS_AT_ONCE
			       ? marks_of(first + (uint32_t)__builtin_ctzll(bits))
			       : -2;
	return slot;
}

Test(pending, shouldMarkEachChangeThatAJournalMustKnowOf)
{
	struct ring_claim claim;
	struct ring_taken taken;
	uint32_t slot;

	ring_test_make_marked(&test, 7);
	cr_assert(ring_has_marks(&test.ring));
	slot = publish_pending(1, 0);
	cr_expect_eq(marked(), marks_of(slot), "sent, not durable");
	make_durable(slot);
	cr_expect_eq(marked(), -1, "whoever made it durable knows");
	cr_assert(ring_test_take(&test, &taken));
	cr_expect_eq(marked(), marks_of(slot), "the receive count");
	ring_set_deadline(&test.ring, slot, taken.word, SLOT_LEASED, 2000);
	cr_expect_eq(marked(), -1, "an extension is no news");
	ring_set_deadline(&test.ring, slot, ring_test_word(&test, slot), SLOT_DELAYED, 3000);
	cr_expect_eq(marked(), marks_of(slot), "released with a delay");
	ring_set_deadline(&test.ring, slot, ring_test_word(&test, slot), SLOT_LEASED, 2000);
	cr_expect_eq(marked(), marks_of(slot), "and the delay taken back");
	ring_make_ready(&test.ring, slot, ring_test_word(&test, slot));
	cr_expect_eq(marked(), marks_of(slot), "visible again");
	ring_free(&test.ring, slot, ring_test_word(&test, slot));
	cr_expect_eq(marked(), marks_of(slot), "deleted");
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	cr_expect_eq(marked(), -1, "a claim is nothing yet");
	ring_abandon(&test.ring, &claim, test.owner);
	cr_expect_eq(marked(), -1, "nor is an abandoned one");
	ring_test_send(&test, 2);
	cr_expect_geq(marked(), 0, "sent");
	ring_claim(&test.ring, &test.producer, test.owner, &claim);
	ring_publish_delayed(&test.ring, &claim, test.owner, 5000);
	cr_expect_eq(marked(), marks_of(claim.slot), "sent with a delay");
	ring_claim_arriving(&test.ring, &test.producer, test.owner, 3, &claim);
	cr_expect_eq(marked(), -1, "a copy under way");
	ring_arrive(&test.ring, claim.slot, ring_test_word(&test, claim.slot));
	cr_expect_eq(marked(), marks_of(claim.slot), "arrived");
}

Test(pending, shouldMarkAReceiveThatLeavesTheMessageVisible)
{
	struct ring_taken taken;

	ring_test_make_marked(&test, 3);
	ring_test_send(&test, 1);
	cr_assert_geq(marked(), 0);
	test.terms.stay_visible = true;
	cr_assert(ring_test_take(&test, &taken));
	cr_assert_eq(marked(), marks_of(taken.slot));
}

Test(pending, shouldCostARingWithoutMarksNoMemory)
{
	ring_test_make(&test, 7);
	cr_assert_not(ring_has_marks(&test.ring));
	cr_assert_lt(ring_bytes(7, false), ring_bytes(7, true));
	cr_assert_leq(ring_bytes(RING_ORDER_MAX, true), SEG_RING_REGION);
}

/* ---- a queue ---------------------------------------------------------------------------------- */

TestSuite(pending_queue, .init = queues_begin, .fini = queues_end, .timeout = 60);

/* A queue whose first message waits for a journal. */
static struct rlq_queue *queue_with_pending(const struct rlq_queue_attributes *attributes)
{
	struct rlq_queue *queue = queue_make("q", attributes);
	struct slot *slot = &queue->seg->ring[0].slots[0];
	struct slot_word ready;

	send_text(queue, "pending");
	ready = slot_read(slot);
	cr_assert_eq(word_state(ready), SLOT_READY);
	cr_assert(slot_change(slot, ready, word_with_deadline(word_with_state(ready, SLOT_PENDING), 0)));
	return queue;
}

static struct slot_word first_word(const struct rlq_queue *queue)
{
	return slot_read(&queue->seg->ring[0].slots[0]);
}

static void make_first_durable(const struct rlq_queue *queue)
{
	uint64_t again = 0;

	cr_assert(ring_durable(&queue->seg->ring[0], 0, first_word(queue), &again));
	ring_set_again_word(&queue->seg->ring[0], 0, again);
}

Test(pending_queue, shouldShowAMessageToNobodyButCountItAsLive)
{
	struct rlq_queue *queue = queue_with_pending(NULL);
	struct rlq_queue_stat stat = stat_of(queue);
	struct rlq_message message;
	uint64_t cursor = 0;

	cr_expect_eq(stat.visible + stat.in_flight + stat.delayed + stat.dead, 0);
	cr_expect_eq(rlq_peek(queue, &message, 1, &cursor), 0);
	cr_expect_eq(receive_now(queue, &message, 1), 0);
	sweep_now(queue);
	cr_expect_eq(seg_live(queue->seg), 1, "the sweep does not think it lost");
	cr_expect_eq(faults_of("q"), 1, "a memory queue has none such");
	make_first_durable(queue);
	cr_assert_str_eq(drain(queue), "pending");
}

Test(pending_queue, shouldLeaveAMessageToTheEngineWhateverElseComesForIt)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;
	uint64_t purged;

	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_with_pending(&attributes);
	send_text(queue, "ready");
	cr_assert_eq(rlq_purge(queue, &purged), 0);
	cr_expect_eq(purged, 1, "a purge takes what is there for somebody");
	time_passes(RLQ_RETENTION_MIN_MS);
	sweep_now(queue);
	cr_expect_eq(word_state(first_word(queue)), SLOT_PENDING, "retention too");
	cr_expect_eq(seg_live(queue->seg), 1);
	make_first_durable(queue);
	sweep_now(queue);
	cr_expect_eq(word_state(first_word(queue)), SLOT_FREE);
	cr_expect_eq(seg_live(queue->seg), 0);
}
