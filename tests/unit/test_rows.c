#include "client/internal.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>

TestSuite(rows, .init = queues_begin, .fini = queues_end, .timeout = 60);

static struct segment *open_one(const char *name)
{
	struct segment *segment = NULL;

	cr_assert_eq(seg_open(&queues_directory()->seg, name, &segment), 0);
	return segment;
}

Test(rows, shouldBeUsedAgainWithANewSerial)
{
	struct segment *first, *second;
	uint32_t row, serial;

	queue_make("q", NULL);
	first = open_one("q");
	row = first->row;
	serial = first->serial;
	cr_assert_neq(row, 0, "row 0 is nobody's");
	cr_assert_not(seg_handle_is_gone(first, row, serial));
	seg_close(first);
	second = open_one("q");
	cr_assert_eq(second->row, row);
	cr_assert_eq(second->serial, serial + 1);
	cr_assert(seg_handle_is_gone(second, row, serial), "who had the row before is gone");
	cr_assert_not(seg_handle_is_gone(second, row, serial + 1));
	seg_close(second);
}

Test(rows, shouldTakeARowThatDoesNotExistForGone)
{
	struct segment *segment;

	queue_make("q", NULL);
	segment = open_one("q");
	cr_assert(seg_handle_is_gone(segment, 0, 0));
	cr_assert(seg_handle_is_gone(segment, SEG_ROW_COUNT, 1));
	cr_assert(seg_handle_is_gone(segment, 0xfff, 1));
	seg_close(segment);
}

Test(rows, shouldGetMemoryForMoreHandlesAsTheyCome)
{
	struct segment *segments[100];
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < 100; i++) {
		segments[i] = open_one("q");
		cr_assert_eq(segments[i]->row, (uint32_t)i + 2);
	}
	cr_assert_eq(stat_of(queue).handles, 101);
	for (int i = 0; i < 100; i++)
		seg_close(segments[i]);
	cr_assert_eq(stat_of(queue).handles, 1);
}

Test(rows, shouldRefuseOneHandleTooManyAndRecover)
{
	static struct segment *segments[SEG_ROW_COUNT];
	struct segment *more;

	queue_make("q", NULL);
	for (int i = 0; i < SEG_ROW_COUNT - 2; i++)
		segments[i] = open_one("q");
	cr_assert_eq(seg_open(&queues_directory()->seg, "q", &more), RLQ_EHANDLES);
	seg_close(segments[500]);
	cr_assert_eq(seg_open(&queues_directory()->seg, "q", &more), 0);
	seg_close(more);
	segments[500] = NULL;
	for (int i = 0; i < SEG_ROW_COUNT - 2; i++)
		seg_close(segments[i]);
}

Test(rows, shouldLetAQueueBeRemovedWhenNoRowIsLeft)
{
	static struct segment *segments[SEG_ROW_COUNT];
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < SEG_ROW_COUNT - 2; i++)
		segments[i] = open_one("q");
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	cr_assert_eq(rlq_send(queue, "a", 1, NULL, NULL), RLQ_EREMOVED, "and its handles hear of it");
	for (int i = 0; i < SEG_ROW_COUNT - 2; i++)
		seg_close(segments[i]);
}

static void open_and_send(void *context)
{
	struct rlq_directory *directory;
	struct rlq_queue *queue;

	(void)context;
	if (rlq_directory_open(queues_path(), &directory) == 0 && rlq_queue_open(directory, "q", &queue) == 0)
		send_text(queue, "from the dead");
}

Test(rows, shouldComeBackFromTheDeadAndKeepTheirCounts)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < 5; i++)
		die_doing(open_and_send, NULL);
	cr_assert_eq(stat_of(queue).sent, 5);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).handles, 1);
	cr_assert_eq(stat_of(queue).sent, 5, "counters belong to the row");
	cr_assert_eq(seg_live(queue->seg), 5);
	cr_assert_eq(faults_of("q"), 0);
}
