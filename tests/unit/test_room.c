#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "ring/event.h"
#include "shm/rings.h"
#include "shm/room.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

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

static struct os_sysops real;

static int broken_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	(void)fd, (void)mode, (void)offset, (void)bytes;
	errno = EIO;
	return -1;
}

/* A full tmpfs is no reason to refuse while the ring has room; what is not understood is said at once. */
Test(room, shouldSayWhatIsWrongWithAGrowingRing)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	int sent = 0, error;

	real = os_sys;
	os_sys.fallocate = broken_fallocate;
	while ((error = rlq_send(queue, "a", 1, NULL, NULL)) == 0 && sent < 2000)
		sent++;
	os_sys = real;
	cr_expect_eq(error, -EIO);
	cr_expect_lt(sent, 1 << SEG_ORDER_FIRST, "before the ring is full");
	cr_expect_eq(stat_of(queue).rings, 1);
	for (int i = 0; i < 2000; i++)
		send_text(queue, "a");
	cr_expect_eq(stat_of(queue).visible, (uint64_t)sent + 2000);
	cr_expect_eq(faults_of("q"), 0);
}

/* Only the first step of a large ring finds memory: it counts for nothing, and is given back. */
static int half_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	static int allocations;

	if (mode != 0 || allocations++ == 0)
		return real.fallocate(fd, mode, offset, mode != 0 ? bytes : 4096);
	errno = ENOSPC;
	return -1;
}

Test(room, shouldGiveBackARingOfWhichOnlyAPartFoundMemory)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t memory = stat_of(queue).memory_bytes;

	real = os_sys;
	os_sys.fallocate = half_fallocate;
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_expect_eq(seg_grow(queue->seg, 22), -ENOSPC); /* 512 MiB, in steps */
	seg_leave(queue->seg);
	os_sys = real;
	cr_expect_eq(stat_of(queue).rings, 1);
	cr_expect_eq(stat_of(queue).memory_bytes, memory);
	cr_expect_eq(faults_of("q"), 0);
}

/* ---- a ring that takes long to make ----------------------------------------------------------- */

enum {
	SLOW_ORDER = 17, /* 16 MiB, in several steps */
	STEP_LOOKS = 75, /* of who waits, in each step: nearly as many as he would wait without one */
	LOOK_MS = 11,
};

static atomic_int looks, looks_allowed;
static atomic_bool is_made;

/* Who waits takes his next look when the maker lets him: no load of the machine makes it one too many. */
static long counted_futex(const _Atomic uint32_t *word, int operation, uint32_t value,
			  const struct timespec *timeout, uint32_t bits)
{
	int look;

	if (!timeout)
		return real.futex(word, operation, value, timeout, bits);
	look = atomic_fetch_add(&looks, 1);
	while (atomic_load(&looks_allowed) <= look && !atomic_load(&is_made))
		sched_yield();
	errno = ETIMEDOUT;
	return -1;
}

/* A step of the slow maker: somebody waits, and looks again and again. */
static int slow_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	(void)fd, (void)mode, (void)offset;
	if (bytes == 1) /* the beginning of a huge page, amid a step */
		return 0;
	for (int i = 0; i < STEP_LOOKS; i++) {
		while (atomic_load(&looks) <= atomic_load(&looks_allowed))
			sched_yield();
		time_passes(LOOK_MS);
		atomic_fetch_add(&looks_allowed, 1);
	}
	return 0;
}

static void *make_ring(void *context)
{
	struct segment *segment = context;

	if (seg_enter(segment) != 0 || seg_grow(segment, SLOW_ORDER) != 0)
		abort();
	seg_leave(segment);
	atomic_store(&is_made, true);
	return NULL;
}

/* It was "full" some time after the wait began, which a ring of 2 GiB may take to make. */
Test(room, shouldWaitForARingAsLongAsItsMakerGoesOn)
{
	struct rlq_queue *queue = queue_make("q", NULL), *maker = queue_again("q");
	struct pair128 busy = {.low = REGION_BUSY | (uint64_t)maker->seg->row << 12, .high = maker->seg->serial};
	struct word128 *region = &queue->seg->header->region[3];
	uint64_t began_ms;
	pthread_t thread;

	set_unused_regions(queue->seg, busy);
	for (int i = 0; i < 1 << SEG_ORDER_FIRST; i++)
		send_text(queue, "a");
	store_seq(&region->low, 0);
	store_seq(&region->high, 0);
	real = os_sys;
	os_sys.fallocate = slow_fallocate;
	os_sys.futex = counted_futex;
	began_ms = boot_now();
	pthread_create(&thread, NULL, make_ring, maker->seg);
	while (load_seq(&region->low) == 0)
		sched_yield();
	cr_expect_eq(rlq_send(queue, "a", 1, NULL, NULL), 0);
	pthread_join(thread, NULL);
	os_sys = real;
	cr_expect_gt(boot_now() - began_ms, 3 * STEP_LOOKS * LOOK_MS);
}
