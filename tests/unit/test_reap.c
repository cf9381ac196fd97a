#include "client/internal.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(reap, .init = queues_begin, .fini = queues_end, .timeout = 60);

static struct segment *seg_of(struct rlq_queue *queue)
{
	return queue->seg;
}

static uint64_t reap(struct rlq_queue *queue)
{
	uint64_t next;

	cr_assert_eq(seg_enter(seg_of(queue)), 0);
	os_clock_read(&seg_of(queue)->clock);
	next = seg_reap_due(seg_of(queue), 1000);
	seg_leave(seg_of(queue));
	return next;
}

static struct ring *ring_of(struct rlq_queue *queue)
{
	return &seg_of(queue)->ring[0];
}

/* ---- due -------------------------------------------------------------------------------------- */

Test(reap, shouldSayWhenTheNextThingIsDue)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	cr_assert_eq(reap(queue), DUE_NEVER);
	send_text(queue, "a");
	cr_assert_eq(reap(queue), DUE_NEVER);
	cr_assert_eq(receive_for(queue, &message, 5000), 1);
	cr_assert_eq(reap(queue), boot_now() + 5000 + LEASE_SLACK_MS);
}

Test(reap, shouldEndALeaseAtItsTimeNotBefore)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	send_text(queue, "a");
	cr_assert_eq(receive_for(queue, &message, 5000), 1);
	time_passes(5000);
	reap(queue);
	cr_assert_eq(stat_of(queue).in_flight, 1, "never shorter than asked");
	time_passes(LEASE_SLACK_MS);
	reap(queue);
	cr_assert_eq(stat_of(queue).visible, 1);
}

Test(reap, shouldEndAThousandLeasesOfAllRings)
{
	enum { MANY = 3000 };
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < MANY; i++)
		send_text(queue, "a");
	cr_assert_gt(stat_of(queue).rings, 1);
	for (int i = 0; i < MANY; i++)
		receive_one(queue);
	cr_assert_eq(stat_of(queue).in_flight, MANY);
	time_passes(40000);
	cr_assert_eq(reap(queue), DUE_NEVER);
	cr_assert_eq(stat_of(queue).visible, MANY);
}

Test(reap, shouldWorkInPiecesOfItsBudget)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < 640; i++) {
		send_text(queue, "a");
		receive_one(queue);
	}
	time_passes(40000);
	for (uint64_t left = 640; left > 0; left -= 64) {
		cr_assert_eq(seg_enter(seg_of(queue)), 0);
		os_clock_read(&seg_of(queue)->clock);
		seg_reap_due(seg_of(queue), 1);
		seg_leave(seg_of(queue));
		cr_assert_eq(stat_of(queue).in_flight, left - 64);
	}
}

Test(reap, shouldShowADelayedMessageWhenItsDelayEnds)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	cr_assert_eq(send_delayed(queue, "late", 700), 0);
	time_passes(700 + LEASE_SLACK_MS - 1);
	reap(queue);
	cr_assert_eq(stat_of(queue).delayed, 1);
	time_passes(1);
	reap(queue);
	cr_assert_eq(stat_of(queue).visible, 1);
}

/* ---- what a kill loses ------------------------------------------------------------------------ */

/* A client that finds nothing sweeps, but not twice within a second. */
static void no_sweep_for_now(struct rlq_queue *queue)
{
	struct rlq_message message;

	for (int i = 0; i < 3; i++) {
		time_passes(1);
		cr_assert_eq(receive_now(queue, &message, 1), 0);
	}
}

Test(reap, shouldFindALeaseWhoseHintsWereLost)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct due *due = &ring_of(queue)->due;

	send_text(queue, "a");
	receive_one(queue);
	exchange_seq(&due->groups[0], 0);
	exchange_seq(&due->summary[0], 0);
	cr_assert_eq(reap(queue), DUE_NEVER);
	sweep_now(queue);
	cr_assert_neq(reap(queue), DUE_NEVER, "the sweep has made them again");
	/* Only the summary, as a kill between the two leaves it. */
	exchange_seq(&due->summary[0], 0);
	sweep_now(queue);
	time_passes(40000);
	reap(queue);
	cr_assert_eq(stat_of(queue).visible, 1);
}

Test(reap, shouldFindAMessageWhoseRedeliveryBitWasLost)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	no_sweep_for_now(queue);
	send_text(queue, "a");
	message = receive_one(queue);
	cr_assert_eq(rlq_release(queue, &message.receipt, 0), 0);
	bitmap_clear(&ring_of(queue)->again, 0);
	cr_assert_eq(receive_now(queue, &message, 1), 0, "nobody knows of it");
	sweep_now(queue);
	cr_assert_eq(receive_now(queue, &message, 1), 1);
}

Test(reap, shouldFindANewMessageThatTheHeadHasPassed)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	no_sweep_for_now(queue);
	send_text(queue, "a");
	store_seq(&ring_of(queue)->ends->tail, 5);
	store_seq(&ring_of(queue)->ends->head, 5);
	queue->seg->cursor[seg_newest_ring(queue->seg)].head = 5;
	cr_assert_eq(receive_now(queue, &message, 1), 0);
	sweep_now(queue);
	cr_assert_eq(receive_now(queue, &message, 1), 1);
}

static void reserve_and_hold(void *context)
{
	struct rlq_directory *directory;
	struct rlq_reservation reservation;
	struct rlq_queue *queue;

	(void)context;
	if (rlq_directory_open(queues_path(), &directory) == 0 && rlq_queue_open(directory, "q", &queue) == 0)
		for (int i = 0; i < 3; i++)
			rlq_reserve(queue, 1000, NULL, &reservation);
}

static int slots_in(struct rlq_queue *queue, enum slot_state state)
{
	int count = 0;

	for (uint32_t i = 0; i < ring_slot_count(ring_of(queue)); i++)
		count += word_state(slot_read(&ring_of(queue)->slots[i])) == state;
	return count;
}

Test(reap, shouldFreeWhatTheDeadWereWriting)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_reservation mine;

	cr_assert_eq(rlq_reserve(queue, 10, NULL, &mine), 0);
	die_doing(reserve_and_hold, NULL);
	cr_assert_eq(slots_in(queue, SLOT_WRITING), 4);
	time_passes(60000);
	sweep_now(queue);
	cr_assert_eq(slots_in(queue, SLOT_WRITING), 1, "the living keep theirs however long it takes");
	sweep_now(queue);
	memcpy(mine.body, "0123456789", 10);
	cr_assert_eq(rlq_publish(queue, &mine, NULL), 0);
	cr_assert_str_eq(drain(queue), "0123456789");
	cr_assert_eq(faults_of("q"), 0);
}

Test(reap, shouldCorrectACountThatAKillHasLost)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.capacity = 10;
	queue = queue_make("q", &attributes);
	for (int i = 0; i < 5; i++)
		send_text(queue, "a");
	/* As if five deletes had died before they were counted. */
	seg_count(&seg_of(queue)->me->sent, 5);
	cr_assert_eq(seg_live(seg_of(queue)), 10);
	sweep_now(queue);
	cr_assert_eq(seg_live(seg_of(queue)), 5);
	for (int i = 0; i < 5; i++)
		send_text(queue, "a");
	cr_assert_eq(rlq_send(queue, "a", 1, NULL, NULL), RLQ_EFULL);
	seg_count(&seg_of(queue)->me->left, 7);
	sweep_now(queue);
	cr_assert_eq(seg_live(seg_of(queue)), 10, "and sends that died before they were counted");
}

/* ---- retention -------------------------------------------------------------------------------- */

Test(reap, shouldFreeMessagesOverTheirRetentionInEveryState)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;
	struct rlq_message message;

	attributes.retention_ms = RLQ_RETENTION_MIN_MS;
	queue = queue_make("q", &attributes);
	send_text(queue, "in flight");
	cr_assert_eq(receive_for(queue, &message, 3600000), 1);
	send_text(queue, "visible");
	cr_assert_eq(send_delayed(queue, "delayed", 3600000), 0);
	time_passes(RLQ_RETENTION_MIN_MS - 1);
	sweep_now(queue);
	cr_assert_eq(seg_live(seg_of(queue)), 3);
	time_passes(1);
	sweep_now(queue);
	cr_assert_eq(seg_live(seg_of(queue)), 0);
	cr_assert_eq(stat_of(queue).expired, 3);
	cr_assert_eq(slots_in(queue, SLOT_FREE), (int)ring_slot_count(ring_of(queue)));
}
