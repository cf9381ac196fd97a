/* How long a send waits that was not asked to: by a clock that moves only while it sleeps. */
#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "shm/rings.h"
#include "shm/room.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>

enum { WAIT_MS = 1000, LOOK_MS = 10 };

static struct rlq_queue *queue;
static int64_t slept_ms, step_ms; /* in all; after which somebody makes a step, 0: nobody does */

static long sleep_through(const _Atomic uint32_t *word, int operation, uint32_t value,
			  const struct timespec *timeout, uint32_t bits)
{
	(void)word, (void)value, (void)timeout, (void)bits;
	if (operation != FUTEX_WAIT_BITSET)
		return 0;
	time_passes(LOOK_MS);
	slept_ms += LOOK_MS;
	if (slept_ms == step_ms)
		fetch_add_seq(&queue->seg->header->region_steps, 1);
	errno = ETIMEDOUT;
	return -1;
}

static void set_up(void)
{
	queues_begin();
	os_sys.futex = sleep_through;
	queue = queue_of("q", 100000);
	slept_ms = step_ms = 0;
}

TestSuite(patience, .init = set_up, .fini = queues_end, .timeout = 60);

/* All regions but that of the ring that is used up are somebody's who is stopped: ours, as far as anybody can see.
 */
static void nobody_can_grow(void)
{
	struct segment *segment = queue->seg;
	struct pair128 busy = {.low = REGION_BUSY | (uint64_t)segment->row << 12, .high = segment->serial};
	struct ring_claim claim;

	cr_assert_eq(seg_enter(segment), 0);
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++) {
		if (rings_contain(segment->rings, i))
			continue;
		store_seq(&segment->header->region[i].low, busy.low);
		store_seq(&segment->header->region[i].high, busy.high);
	}
	while (seg_claim_walk(segment, false, 0, &claim) >= 0)
		;
	seg_leave(segment);
}

static int send(void)
{
	return rlq_send(queue, "a", 1, NULL, NULL);
}

Test(patience, shouldWaitASecondForWhoIsGrowingTheQueue)
{
	nobody_can_grow();
	cr_assert_eq(send(), RLQ_EFULL);
	cr_assert_geq(slept_ms, WAIT_MS - LOOK_MS);
	cr_assert_leq(slept_ms, WAIT_MS + 2 * LOOK_MS);
}

Test(patience, shouldWaitASecondAfterTheLastStep)
{
	step_ms = WAIT_MS / 2;
	nobody_can_grow();
	cr_assert_eq(send(), RLQ_EFULL);
	cr_assert_geq(slept_ms, step_ms + WAIT_MS - LOOK_MS);
	cr_assert_leq(slept_ms, step_ms + WAIT_MS + 2 * LOOK_MS);
}

Test(patience, shouldNotWaitUnaskedForConsumers)
{
	struct rlq_queue *small = queue_of("small", 1);

	cr_assert_eq(rlq_send(small, "a", 1, NULL, NULL), 0);
	cr_assert_eq(rlq_send(small, "a", 1, NULL, NULL), RLQ_EFULL);
	cr_assert_eq(slept_ms, 0);
}
