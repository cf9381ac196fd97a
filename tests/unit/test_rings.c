#include "client/internal.h"
#include "kmod-free/memory.h"
#include "shm/rings.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

TestSuite(rings, .init = queues_begin, .fini = queues_end, .timeout = 60);

enum { MANY = 5000 };

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
	cr_assert_eq(seg_grow(queue->seg, 4), -ENOSPC);
	seg_leave(queue->seg);
	send_many(queue, 5);
	drain_many(queue, 5);
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
	os_file_allocate(segment->fd, SEG_RINGS + SEG_RING_REGION, ring_bytes(12));
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
