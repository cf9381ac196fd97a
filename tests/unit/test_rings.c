#include "client/internal.h"
#include "kmod-free/memory.h"
#include "kmod-free/sysops.h"
#include "shm/regions.h"
#include "shm/rings.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

TestSuite(rings, .init = queues_begin, .fini = queues_end, .timeout = 60);

enum { MANY = 7000 };

static void send_many(struct rlq_queue *queue, int count)
{
	for (int i = 0; i < count; i++)
		cr_assert_eq(rlq_send(queue, &i, sizeof(i), NULL, NULL), 0);
}

/* Receives and deletes `count` messages; each id must come once. */
static void drain_many(struct rlq_queue *queue, int count)
{
	static bool seen[MANY];
	struct rlq_message message;

	for (int i = 0; i < count; i++) {
		int id;

		message = receive_one(queue);
		id = *(const int *)message.body;
		cr_assert(id >= 0 && id < MANY && !seen[id], "message %d", id);
		seen[id] = true;
		cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	}
	cr_assert_eq(receive_now(queue, &message, 1), 0);
}

Test(rings, shouldGrowWithTheDepthAndLoseNothing)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_many(queue, MANY);
	cr_assert_gt(stat_of(queue).rings, 1);
	cr_assert_eq(stat_of(queue).visible, MANY);
	cr_assert_eq(faults_of("q"), 0);
	drain_many(queue, MANY);
}

Test(rings, shouldBeSeenByHandlesThatWereOpenBefore)
{
	struct rlq_queue *queue = queue_make("q", NULL), *other = queue_again("q");

	send_many(queue, MANY);
	drain_many(other, MANY);
}

Test(rings, shouldGiveMemoryBackOnceTheyAreEmpty)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t full, empty;

	send_many(queue, MANY);
	full = stat_of(queue).memory_bytes;
	drain_many(queue, MANY);
	for (int i = 0; i < 4; i++)
		sweep_now(queue);
	empty = stat_of(queue).memory_bytes;
	cr_assert_eq(stat_of(queue).rings, 1);
	cr_assert_lt(empty, full);
	send_many(queue, 10);
	cr_assert_eq(stat_of(queue).visible, 10);
	cr_assert_eq(faults_of("q"), 0);
}

Test(rings, shouldKeepReceiptsOfAnOlderRingValid)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message old;
	int zero = 0;

	cr_assert_eq(rlq_send(queue, &zero, sizeof(zero), NULL, NULL), 0);
	old = receive_one(queue);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(seg_enter(queue->seg), 0);
		cr_assert_eq(seg_grow(queue->seg, SEG_ORDER_FIRST), 0);
		seg_leave(queue->seg);
	}
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).in_flight, 1);
	cr_assert_eq(rlq_extend(queue, &old.receipt, 60000), 0);
	cr_assert_eq(rlq_delete(queue, &old.receipt), 0);
	cr_assert_eq(rlq_delete(queue, &old.receipt), RLQ_ESTALE);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).rings, 1);
	cr_assert_eq(rlq_delete(queue, &old.receipt), RLQ_ESTALE, "also when the ring is gone");
}

Test(rings, shouldNotRetireUnderACallThatIsStillGoingOn)
{
	struct rlq_queue *queue = queue_make("q", NULL), *other = queue_again("q");

	cr_assert_eq(seg_enter(other->seg), 0);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_grow(queue->seg, SEG_ORDER_FIRST), 0);
	seg_leave(queue->seg);
	cr_assert(seg_retire_step(queue->seg), "something is left to do");
	cr_assert_eq(rings_count(load_seq(&queue->seg->header->rings)), 2);
	seg_leave(other->seg);
	while (seg_retire_step(queue->seg))
		;
	cr_assert_eq(rings_count(load_seq(&queue->seg->header->rings)), 1);
}

Test(rings, shouldKeepAReservationOfAnOlderRing)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_reservation reservation;

	cr_assert_eq(rlq_reserve(queue, 4, NULL, &reservation), 0);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_grow(queue->seg, SEG_ORDER_FIRST), 0);
	seg_leave(queue->seg);
	sweep_now(queue);
	*(int *)reservation.body = 7;
	cr_assert_eq(rlq_publish(queue, &reservation, NULL), 0);
	drain_many(queue, 1);
}

Test(rings, shouldUseNoMoreThanThereAreRegions)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	cr_assert_eq(seg_enter(queue->seg), 0);
	for (int i = 1; i < SEG_RING_COUNT; i++)
		cr_assert_eq(seg_grow(queue->seg, 4), 0);
	cr_assert_eq(seg_grow(queue->seg, 4), -EBUSY);
	seg_leave(queue->seg);
	send_many(queue, 5);
	drain_many(queue, 5);
}

/* ---- what a message that nobody deletes keeps ------------------------------------------------- */

/* Sends and deletes so many that the queue grows, and lets it come back. */
static void swell(struct rlq_queue *queue)
{
	struct rlq_message message;
	uint32_t before = stat_of(queue).slots;

	send_many(queue, MANY);
	cr_assert_gt(stat_of(queue).slots, before + MANY / 2);
	for (int i = 0; i < MANY; i++) {
		message = receive_one(queue);
		cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	}
	for (int i = 0; i < 4; i++)
		sweep_now(queue);
}

Test(rings, shouldGetASmallRingAgainOnceNearlyEmpty)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t memory = stat_of(queue).memory_bytes;

	swell(queue);
	cr_assert_eq(stat_of(queue).rings, 1);
	cr_assert_eq(stat_of(queue).slots, 1 << SEG_ORDER_FIRST);
	cr_assert_eq(stat_of(queue).memory_bytes, memory);
	cr_assert_eq(faults_of("q"), 0);
}

Test(rings, shouldComeAndGoWhileAMessageKeepsTheOldest)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message kept;
	int id = 0;

	cr_assert_eq(rlq_send(queue, &id, sizeof(id), NULL, NULL), 0);
	kept = receive_one(queue);
	for (int round = 0; round < 10; round++) {
		swell(queue);
		cr_assert_eq(stat_of(queue).rings, 2, "round %d", round);
		cr_assert_eq(stat_of(queue).slots, 2 << SEG_ORDER_FIRST, "round %d", round);
	}
	cr_assert_eq(rlq_delete(queue, &kept.receipt), 0);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).rings, 1);
	cr_assert_eq(faults_of("q"), 0);
}

static void append(struct rlq_queue *queue, uint32_t order)
{
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_grow(queue->seg, order), 0);
	seg_leave(queue->seg);
}

Test(rings, shouldGoFromAnyPlaceInTheList)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message[6];

	for (int i = 0; i < 6; i++) {
		cr_assert_eq(rlq_send(queue, &i, sizeof(i), NULL, NULL), 0);
		append(queue, SEG_ORDER_FIRST);
	}
	for (int i = 0; i < 6; i++)
		message[i] = receive_one(queue);
	/* The second and the fifth ring become empty, then the first and the last but one. */
	cr_assert_eq(rlq_delete(queue, &message[1].receipt), 0);
	cr_assert_eq(rlq_delete(queue, &message[4].receipt), 0);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).rings, 5);
	cr_assert_eq(rlq_delete(queue, &message[4].receipt), RLQ_ESTALE);
	cr_assert_eq(rlq_delete(queue, &message[0].receipt), 0);
	cr_assert_eq(rlq_delete(queue, &message[5].receipt), 0);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).rings, 3);
	cr_assert_eq(stat_of(queue).in_flight, 2);
	append(queue, SEG_ORDER_FIRST); /* into a region that was used before */
	cr_assert_eq(rlq_delete(queue, &message[1].receipt), RLQ_ESTALE, "of the ring that was there before");
	cr_assert_eq(rlq_delete(queue, &message[2].receipt), 0);
	cr_assert_eq(rlq_release(queue, &message[3].receipt, 0), 0);
	drain_many(queue, 1);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).rings, 1);
	cr_assert_eq(faults_of("q"), 0);
}

/* All regions but one hold rings of 16 slots, each kept by a message. */
static struct rlq_queue *queue_of_kept_rings(uint64_t capacity)
{
	struct rlq_queue *queue = queue_of("q", capacity);
	int id = 0;

	for (int i = 1; i < SEG_RING_COUNT - 1; i++) {
		cr_assert_eq(rlq_send(queue, &id, sizeof(id), NULL, NULL), 0);
		append(queue, 4);
	}
	return queue;
}

Test(rings, shouldReachTheCapacityWhateverOldRingsAreKept)
{
	enum { CAPACITY = 20000 };
	struct rlq_queue *queue = queue_of_kept_rings(CAPACITY);
	int sent = SEG_RING_COUNT - 2, error;

	while ((error = rlq_send(queue, &sent, sizeof(sent), NULL, NULL)) == 0)
		sent++;
	cr_assert_eq(error, RLQ_EFULL);
	cr_assert_eq(sent, CAPACITY);
	cr_assert_eq(stat_of(queue).rings, SEG_RING_COUNT);
}

Test(rings, shouldNotSayThatMemoryIsFullWhenOthersHoldTheRegions)
{
	struct rlq_queue *queue = queue_of("q", 20000), *stopped;
	struct word128 *region = queue->seg->header->region;
	int sent = 0, error;

	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &stopped), 0);
	for (uint32_t i = 1; i < SEG_RING_COUNT; i++) {
		store_seq(&region[i].low, REGION_BUSY | region_order_pack(4) | (uint64_t)stopped->seg->row << 12);
		store_seq(&region[i].high, UINT64_C(99) << 32 | stopped->seg->serial);
	}
	while ((error = rlq_send(queue, &sent, sizeof(sent), NULL, NULL)) == 0)
		sent++;
	cr_assert_eq(error, RLQ_EFULL);
	cr_assert_eq(sent, 1 << SEG_ORDER_FIRST, "the ring is used to its last slot");
	rlq_queue_close(stopped);
	cr_assert_eq(rlq_send(queue, &sent, sizeof(sent), NULL, NULL), 0, "gone, they hold nothing");
}

Test(rings, shouldNotShrinkIntoTheLastRegion)
{
	struct rlq_queue *queue = queue_of_kept_rings(20000);

	append(queue, 14);
	for (int i = 0; i < 3; i++)
		sweep_now(queue); /* retires the one that is not kept */
	cr_assert_eq(stat_of(queue).rings, SEG_RING_COUNT - 1);
	cr_assert_gt(stat_of(queue).slots, 1 << 14);
}

static void build_half(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	struct segment *segment;
	uint64_t low, high;

	(void)context;
	if (rlq_directory_open(queues_path(), &directory) != 0 || rlq_queue_open(directory, "q", &queue) != 0)
		return;
	segment = queue->seg;
	/* What a builder leaves that is killed between BUSY and the list. */
	low = REGION_BUSY | region_order_pack(12) | (uint64_t)segment->row << 12;
	high = UINT64_C(99) << 32 | segment->serial;
	cas128_seq(&segment->header->region[1], (struct pair128){0}, (struct pair128){low, high});
	os_file_allocate(segment->fd, SEG_RINGS + SEG_RING_REGION, ring_bytes(12, false));
}

static uint32_t collapses;

static int collapse_counted(void *address, size_t bytes, int advice)
{
	(void)address, (void)bytes, (void)advice;
	collapses++;
	return 0;
}

/* Regions begin at odd MiB, so one of 4 MiB holds one whole huge page, and one of 8 three. */
Test(rings, shouldAskForHugePagesInLargeRegionsOnly)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct os_sysops real = os_sys;

	os_sys.madvise = collapse_counted;
	cr_assert_eq(region_allocate(queue->seg, 4, 10), 0);
	cr_expect_eq(collapses, 0);
	cr_assert_eq(region_allocate(queue->seg, 5, 15), 0);
	cr_expect_eq(collapses, 1);
	cr_assert_eq(region_allocate(queue->seg, 6, 16), 0);
	cr_expect_eq(collapses, 1 + 3);
	os_sys = real;
}

Test(rings, shouldTakeARegionBackFromADeadBuilder)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t before = stat_of(queue).memory_bytes;

	die_doing(build_half, NULL);
	cr_assert_gt(stat_of(queue).memory_bytes, before);
	sweep_now(queue);
	sweep_now(queue);
	cr_assert_eq(load_seq(&queue->seg->header->region[1].low) & 15, REGION_EMPTY);
	cr_assert_eq(stat_of(queue).memory_bytes, before);
}

/* Ids are 32 bits of a counter; 0 says that a region has no ring. */
Test(rings, shouldNeverHaveIdZero)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	store_seq(&queue->seg->header->ring_next, UINT64_C(1) << 32);
	send_many(queue, MANY);
	cr_expect_eq(load_seq(&queue->seg->header->region[1].high) >> 32, 1);
	cr_expect_eq(faults_of("q"), 0);
	drain_many(queue, MANY);
}
