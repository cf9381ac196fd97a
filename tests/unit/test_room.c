#include "client/internal.h"
#include "ring/event.h"
#include "shm/room.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>

TestSuite(room, .init = queues_begin, .fini = queues_end, .timeout = 60);

/* What makes a claim owe a wake-up is a race (tests/interleave, sleep_marks): here it just owes one. */
Test(room, shouldWakeAConsumerForAMessageThatAMarkHadHidden)
{
	struct rlq_queue *queue = queue_of("q", 1);
	struct segment *segment = queue->seg;
	struct ring_cursor *cursor = &segment->cursor[seg_newest_ring(segment)];
	struct ring_claim claim;
	uint32_t ticket = event_prepare(&segment->header->consumers);

	cr_assert_eq(seg_enter(segment), 0);
	cursor->owes_wake = true;
	cr_assert_geq(seg_claim_walk(segment, false, 0, &claim), 0);
	cr_assert_neq(segment->header->consumers, ticket, "a sleeper would sleep on");
	cr_assert_not(cursor->owes_wake, "paid");
	seg_leave(segment);
}

static void set_unused_regions(struct segment *segment, struct pair128 word)
{
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++) {
		if (rings_contain(segment->rings, i))
			continue;
		store_seq(&segment->header->region[i].low, word.low);
		store_seq(&segment->header->region[i].high, word.high);
	}
}

/* All are busy when several producers grow at once; then nobody must hear "full". */
Test(room, shouldSayThatARingIsBeingMadeWhileOthersHaveTheRegions)
{
	struct segment *segment = queue_of("q", 100000)->seg;
	struct pair128 busy = {.low = REGION_BUSY | (uint64_t)segment->row << 12, .high = segment->serial};
	struct ring_claim claim;
	uint32_t ticket;
	int claimed;

	cr_assert_eq(seg_enter(segment), 0);
	set_unused_regions(segment, busy);
	while ((claimed = seg_claim_walk(segment, false, 0, &claim)) >= 0)
		;
	cr_assert_eq(claimed, ROOM_GROWING);
	set_unused_regions(segment, (struct pair128){0});
	ticket = event_prepare(&segment->header->producers);
	cr_assert_geq(seg_claim_walk(segment, false, 0, &claim), 0);
	cr_assert_neq(segment->header->producers, ticket, "who waits for the ring would sleep on");
	seg_leave(segment);
}
