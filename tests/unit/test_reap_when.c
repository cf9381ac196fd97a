/* When a sweep is asked for, and what it must leave alone. */
#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "shm/fifo.h"
#include "shm/rings.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(reap_when, .init = queues_begin, .fini = queues_end, .timeout = 60);

static void sweep_to_end(struct rlq_queue *queue, struct sweep *sweep)
{
	os_clock_read(&queue->seg->clock);
	while (seg_sweep_step(queue->seg, sweep, 1 << 16))
		;
}

/* ---- when to sweep ---------------------------------------------------------------------------- */

Test(reap_when, shouldAskForASweepASecondAfterSomethingMoved)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct sweep sweep = {0};

	while (seg_sweep_step(queue->seg, &sweep, 100))
		;
	time_passes(SWEEP_MS * 5);
	os_clock_read(&queue->seg->clock);
	cr_assert_not(seg_sweep_is_due(queue->seg, &sweep), "nothing has moved");
	send_text(queue, "a");
	cr_assert(seg_sweep_is_due(queue->seg, &sweep));
	while (seg_sweep_step(queue->seg, &sweep, 100))
		;
	send_text(queue, "a");
	cr_assert_not(seg_sweep_is_due(queue->seg, &sweep), "not twice within a second");
}

Test(reap_when, shouldAskAgainWhileAUsedUpMessageWaitsToBeOverdue)
{
	struct rlq_queue *dlq, *queue = queue_with_dlq("q", 1, &dlq);
	struct sweep sweep = {0};

	send_text(queue, "poison");
	receive_one(queue);
	for (int second = 0; second < 60; second++) {
		os_clock_read(&queue->seg->clock);
		while (seg_sweep_is_due(queue->seg, &sweep) && seg_sweep_step(queue->seg, &sweep, 10000))
			;
		time_passes(SWEEP_MS);
	}
	cr_assert_eq(stat_of(dlq).visible, 1, "nobody called, nothing else moved");
}

static void take_the_token(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *mine;
	uint64_t head;

	(void)context;
	if (rlq_directory_open(queues_path(), &directory) != 0 || rlq_queue_open(directory, "q.fifo", &mine) != 0 ||
	    seg_enter(mine->seg) != 0 || fifo_next(mine->seg, &head) != 1)
		abort();
}

/* F4 of docs/PROMISES.md: who took it is dead, and nobody sends, receives or deletes since. */
Test(reap_when, shouldOfferAGroupAgainWithin10SecondsWhoseTokenIsLost)
{
	struct rlq_queue *queue = fifo_make("q.fifo", NULL, true);
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_message message;
	struct sweep sweep = {0};

	options.group = "g";
	cr_assert_eq(rlq_send(queue, "a", 1, &options, NULL), 0);
	sweep_to_end(queue, &sweep);
	die_doing(take_the_token, NULL);
	store_relaxed(&queue->seg->header->sweep_ms, boot_now()); /* none by a client */
	cr_assert_eq(receive_now(queue, &message, 1), 0);
	for (int ms = 0; ms < 10000 + 100; ms += 100) {
		time_passes(100);
		os_clock_read(&queue->seg->clock);
		if (seg_sweep_is_due(queue->seg, &sweep))
			sweep_to_end(queue, &sweep);
	}
	store_relaxed(&queue->seg->header->sweep_ms, boot_now());
	cr_assert_eq(receive_now(queue, &message, 1), 1);
}

Test(reap_when, shouldAskForASweepWhenRetentionEnds)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct sweep sweep = {0};

	send_text(queue, "a");
	while (seg_sweep_step(queue->seg, &sweep, 100))
		;
	cr_assert_eq(sweep.due_ms, boot_now() + 345600000);
	time_passes(345600000);
	os_clock_read(&queue->seg->clock);
	cr_assert(seg_sweep_is_due(queue->seg, &sweep));
}

Test(reap_when, shouldNotAskForASweepAgainAndAgainWhileAnExpiredMessageIsMoving)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct slot *slot = &queue->seg->ring[0].slots[0];
	struct sweep sweep = {0};
	struct slot_word moving;

	send_text(queue, "a");
	/* Its mover is alive, and stopped. */
	moving = word_with_deadline(word_with_owner(word_with_state(slot_read(slot), SLOT_MOVING), queue->seg->row),
				    queue->seg->serial);
	cr_assert(slot_change(slot, slot_read(slot), moving));
	time_passes(345600000);
	sweep_to_end(queue, &sweep);
	cr_assert_not(seg_sweep_is_due(queue->seg, &sweep), "it cannot be expired now");
	cr_assert(slot_change(slot, moving, word_with_state(moving, SLOT_DEAD)));
	time_passes(SWEEP_MS * 20);
	os_clock_read(&queue->seg->clock);
	cr_assert(seg_sweep_is_due(queue->seg, &sweep));
	sweep_to_end(queue, &sweep);
	cr_assert_eq(stat_of(queue).expired, 1);
}

/* How many sweeps an idle engine makes in a minute. */
static int sweeps_in_a_minute(struct rlq_queue *queue, struct sweep *sweep)
{
	int count = 0;

	for (int second = 0; second < 60; second++) {
		time_passes(SWEEP_MS);
		os_clock_read(&queue->seg->clock);
		if (!seg_sweep_is_due(queue->seg, sweep))
			continue;
		count++;
		while (seg_sweep_step(queue->seg, sweep, 1 << 16))
			;
	}
	return count;
}

/* Its sender stands between publishing and counting it. */
Test(reap_when, shouldCountAgainAfterASweepThatFreedWhatNobodyHadCounted)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct sweep sweep = {0};

	send_text(queue, "a");
	queue->seg->me->sent--;
	time_passes(345600001);
	sweep_to_end(queue, &sweep);
	time_passes(SWEEP_MS * 2);
	os_clock_read(&queue->seg->clock);
	cr_assert(seg_sweep_is_due(queue->seg, &sweep), "what moved in it makes its count vague");
	sweep_to_end(queue, &sweep);
	cr_assert_eq(seg_live(queue->seg), 0);
	time_passes(SWEEP_MS * 100);
	os_clock_read(&queue->seg->clock);
	cr_assert_not(seg_sweep_is_due(queue->seg, &sweep), "settled");
}

Test(reap_when, shouldSeldomSweepWhileAMessageKeepsAnOldRing)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct sweep sweep = {0};
	struct rlq_message kept;

	send_text(queue, "kept");
	cr_assert_eq(receive_for(queue, &kept, 3600000), 1);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_grow(queue->seg, SEG_ORDER_FIRST), 0);
	seg_leave(queue->seg);
	cr_assert_lt(sweeps_in_a_minute(queue, &sweep), 8);
	cr_assert_eq(stat_of(queue).rings, 2);
	cr_assert_eq(rlq_delete(queue, &kept.receipt), 0);
	time_passes(SWEEP_MS);
	os_clock_read(&queue->seg->clock);
	cr_assert(seg_sweep_is_due(queue->seg, &sweep), "once it is deleted, at once");
	sweeps_in_a_minute(queue, &sweep);
	cr_assert_eq(stat_of(queue).rings, 1);
}

Test(reap_when, shouldRetireARingThatLostItsLastMessageWithoutATrace)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct sweep sweep = {0};
	struct rlq_message held;

	send_text(queue, "held");
	cr_assert_eq(receive_in_place(queue, &held), 1);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_grow(queue->seg, SEG_ORDER_FIRST), 0);
	seg_leave(queue->seg);
	/* Deleted through another handle: the slot stays HELD until it is let go. */
	cr_assert_eq(rlq_delete(queue_again("q"), &held.receipt), 0);
	sweeps_in_a_minute(queue, &sweep);
	cr_assert_eq(stat_of(queue).rings, 2);
	cr_assert_eq(rlq_let_go(queue, &held), 0);
	sweeps_in_a_minute(queue, &sweep);
	cr_assert_eq(stat_of(queue).rings, 1);
}

Test(reap_when, shouldAskEverMoreSeldomForWhatSomebodyStoppedHoldsUp)
{
	struct rlq_queue *queue = queue_make("q", NULL), *stopped = queue_again("q");
	struct sweep sweep = {0};

	cr_assert_eq(seg_enter(stopped->seg), 0);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_grow(queue->seg, SEG_ORDER_FIRST), 0);
	seg_leave(queue->seg);
	cr_assert_lt(sweeps_in_a_minute(queue, &sweep), 12);
	seg_leave(stopped->seg);
	sweeps_in_a_minute(queue, &sweep);
	cr_assert_eq(stat_of(queue).rings, 1);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static struct rlq_queue *other;
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int grown;

/* The sweep maps a class: at this very moment somebody appends a ring and sends into it. */
static void *growing_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	static char body[2000];

	if (!grown++) {
		memset(body, 'x', sizeof(body));
		cr_assert_eq(seg_enter(other->seg), 0);
		cr_assert_eq(seg_grow(other->seg, SEG_ORDER_FIRST), 0);
		seg_leave(other->seg);
		cr_assert_eq(rlq_send(other, body, sizeof(body), NULL, NULL), 0);
	}
	return real_mmap(address, bytes, protection, flags, fd, offset);
}

Test(reap_when, shouldKeepABlockOfARingThatWasAppendedDuringTheSweep)
{
	struct rlq_queue *queue = queue_make("q", NULL), *third = queue_again("q");
	struct rlq_message message;
	char body[2000];

	memset(body, 'a', sizeof(body));
	other = queue_again("q");
	cr_assert_eq(rlq_send(other, body, sizeof(body), NULL, NULL), 0);
	real_mmap = os_sys.mmap;
	os_sys.mmap = growing_mmap;
	sweep_now(third);
	os_sys.mmap = real_mmap;
	cr_assert_gt(grown, 0);
	cr_assert_eq(faults_of("q"), 0);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(rlq_send(other, body, sizeof(body), NULL, NULL), 0);
	for (int i = 0; i < 10; i++) {
		message = receive_one(queue);
		cr_assert_eq(((const char *)message.body)[0], i == 1 ? 'x' : 'a', "message %d", i);
	}
}

Test(reap_when, shouldHaveNothingDueInAQueueThatWasRemoved)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t last_ms;

	send_delayed(queue, "a", 5000);
	cr_assert_neq(seg_reap_for_client(queue->seg, &queue->sweep), DUE_NEVER);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	time_passes(6000);
	last_ms = load_seq(&queue->seg->header->sweep_ms);
	cr_expect_eq(seg_reap_for_client(queue->seg, &queue->sweep), DUE_NEVER);
	cr_expect_eq(load_seq(&queue->seg->header->sweep_ms), last_ms, "no sweep is begun either");
	cr_expect_not(seg_sweep_step(queue->seg, &queue->sweep, 1000));
}
