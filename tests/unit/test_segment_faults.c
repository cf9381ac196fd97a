/* Calls of the system that fail under a segment, names that are no file, and a list of rings that lies. */
#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"
#include "tests/unit/faulty_calls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct os_sysops real;

static void set_up(void)
{
	queues_begin();
	real = os_sys;
}

static void tear_down(void)
{
	faulty_calls_end();
	os_sys = real;
	queues_end();
}

TestSuite(segment_faults, .init = set_up, .fini = tear_down, .timeout = 60);

static struct seg_directory *directory(void)
{
	return &queues_directory()->seg;
}

static int open_it(struct segment **ret_segment)
{
	return seg_open(directory(), "q", ret_segment);
}

static bool has_file(const char *file)
{
	return faccessat(directory()->fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- creation that fails ---------------------------------------------------------------------------------- */

/* Fails each call of a creation in turn; returns how many failed. */
static int fail_each_call_of_a_creation(int error)
{
	int calls = 1;

	for (;; calls++) {
		int result;

		faulty_calls_begin(FAULTY_ANY, calls, error);
		result = rlq_queue_create(queues_directory(), "q", NULL);
		faulty_calls_end();
		if (result == 1)
			return calls - 1;
		cr_expect_lt(result, 0, "call %d", calls);
		cr_expect_not(has_file("q.rlq"), "call %d", calls);
		cr_expect_eq(tmpdir_count(queues_path(), ".build-"), 0, "call %d", calls);
		cr_assert_lt(calls, 100);
	}
}

Test(segment_faults, shouldLeaveNothingOfACreationThatFails)
{
	cr_expect_geq(fail_each_call_of_a_creation(EIO), 5, "length, map, header, ring, name");
	cr_expect_eq(faults_of("q"), 0);
}

Test(segment_faults, shouldSayWhichCallOfACreationFailed)
{
	struct seg_recipe recipe = {.name = "q", .capacity = 1000, .mode = 0600, .group = UINT32_MAX};

	faulty_calls_begin(FAULTY_MMAP, 1, ENOMEM);
	cr_expect_eq(seg_create(directory(), &recipe), -ENOMEM);
	faulty_calls_begin(FAULTY_FALLOCATE, 2, ENOSPC);
	cr_expect_eq(seg_create(directory(), &recipe), -ENOSPC);
}

/* All descriptors in use: what needs one more says so. */
static struct rlimit use_all_descriptors(void)
{
	struct rlimit before, none;
	int next = dup(0);

	cr_assert_geq(next, 0);
	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	return before;
}

static int say_nothing(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 0;
}

Test(segment_faults, shouldSayThatNoDescriptorIsLeft)
{
	struct seg_recipe recipe = {.name = "new", .capacity = 1000, .mode = 0600, .group = UINT32_MAX};
	struct segment *segment;
	struct rlimit before;

	queue_make("q", NULL);
	before = use_all_descriptors();
	cr_expect_eq(seg_create(directory(), &recipe), -EMFILE);
	cr_expect_eq(open_it(&segment), -EMFILE);
	cr_expect_eq(seg_directory_list(directory(), NULL, say_nothing, NULL), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_eq(seg_create(directory(), &recipe), 0);
}

Test(segment_faults, shouldNotBeOpenedHalf)
{
	struct segment *segment = NULL;
	struct rlq_queue *queue = queue_make("q", NULL);

	faulty_calls_begin(FAULTY_MMAP, 1, ENOMEM);
	cr_expect_eq(open_it(&segment), -ENOMEM);
	faulty_calls_end();
	cr_expect_null(segment);
	cr_expect_eq(stat_of(queue).handles, 1, "no row is left in use");
	cr_expect_eq(open_it(&segment), 0);
	seg_close(segment);
}

/* The first rows have memory from the beginning; the next need more. */
Test(segment_faults, shouldRefuseAHandleWhoseRowGetsNoMemory)
{
	struct segment *segments[SEG_ROWS_STEP - 2], *more;
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < SEG_ROWS_STEP - 2; i++)
		cr_assert_eq(open_it(&segments[i]), 0);
	faulty_calls_begin(FAULTY_FALLOCATE, 1, ENOSPC);
	cr_expect_eq(open_it(&more), RLQ_ENOSPACE);
	faulty_calls_begin(FAULTY_FALLOCATE, 1, EIO);
	cr_expect_eq(open_it(&more), -EIO);
	cr_expect_eq(stat_of(queue).handles, SEG_ROWS_STEP - 1);
	cr_expect_eq(open_it(&more), 0, "and once there is memory, it gets it");
	cr_expect_eq(more->row, SEG_ROWS_STEP);
	seg_close(more);
	for (int i = 0; i < SEG_ROWS_STEP - 2; i++)
		seg_close(segments[i]);
}

static int zeros_left;

static ssize_t zero_getrandom(void *bytes, size_t count, unsigned flags)
{
	if (zeros_left == 0)
		return real.getrandom(bytes, count, flags);
	zeros_left--;
	memset(bytes, 0, count);
	return (ssize_t)count;
}

/* 0 stands for "any queue" where a move is finished. */
Test(segment_faults, shouldNeverHaveIncarnationZero)
{
	struct seg_recipe recipe = {.name = "q", .capacity = 1000, .mode = 0600, .group = UINT32_MAX};
	struct segment *segment;

	os_sys.getrandom = zero_getrandom;
	zeros_left = 3;
	cr_assert_eq(seg_create(directory(), &recipe), 0);
	cr_assert_eq(zeros_left, 0);
	cr_assert_eq(open_it(&segment), 0);
	cr_expect_neq(segment->incarnation, 0);
	seg_close(segment);
}

/* ---- removal ---------------------------------------------------------------------------------- */

Test(segment_faults, shouldRemoveANameThatCannotBeOpened)
{
	cr_assert_eq(symlinkat("q.rlq", directory()->fd, "q.rlq"), 0); /* to itself */
	cr_expect_eq(seg_remove(directory(), "q"), 0);
	cr_expect_not(has_file("q.rlq"));
}

Test(segment_faults, shouldNotRemoveADirectoryOfThatName)
{
	cr_assert_eq(mkdirat(directory()->fd, "q.rlq", 0700), 0);
	cr_expect_eq(seg_remove(directory(), "q"), -EISDIR);
	cr_expect(has_file("q.rlq"));
	cr_assert_eq(unlinkat(directory()->fd, "q.rlq", AT_REMOVEDIR), 0);
}

static bool makes_anew;

/* Another remover, and another creator, while ours wakes the sleepers: the queue is marked by then. */
static long removing_futex(const _Atomic uint32_t *word, int operation, uint32_t value,
			   const struct timespec *timeout, uint32_t bits)
{
	struct seg_recipe recipe = {.name = "q", .capacity = 7, .mode = 0600, .group = UINT32_MAX};

	os_sys.futex = real.futex;
	cr_assert_eq(unlinkat(directory()->fd, "q.rlq", 0), 0);
	if (makes_anew)
		cr_assert_eq(seg_create(directory(), &recipe), 0);
	return real.futex(word, operation, value, timeout, bits);
}

static void remove_while_others_do(struct rlq_queue *queue)
{
	event_prepare(&queue->seg->header->producers);
	os_sys.futex = removing_futex;
	cr_expect_eq(seg_remove(directory(), "q"), -ENOENT);
	cr_expect(os_sys.futex == real.futex, "somebody was to be woken");
}

Test(segment_faults, shouldNotTakeTheNameFromAQueueThatWasMadeAnewMeanwhile)
{
	struct segment *segment;

	makes_anew = true;
	remove_while_others_do(queue_make("q", NULL));
	cr_assert_eq(open_it(&segment), 0);
	cr_expect_eq(segment->capacity, 7);
	seg_close(segment);
}

Test(segment_faults, shouldSayThatAnotherHasRemovedIt)
{
	makes_anew = false;
	remove_while_others_do(queue_make("q", NULL));
	cr_expect_not(has_file("q.rlq"));
}

/* ---- a list of rings that lies ---------------------------------------------------------------- */

static void expect_list_refused(struct rlq_queue *queue, uint64_t rings)
{
	atomic_u64 *word = &queue->seg->header->rings;
	uint64_t sound = load_seq(word);

	store_seq(word, rings);
	cr_expect_eq(rlq_send(queue, "b", 1, NULL, NULL), RLQ_EDAMAGED, "%lx", (unsigned long)rings);
	store_seq(word, sound);
	send_text(queue, "a");
	cr_expect_str_eq(drain(queue), "a");
}

Test(segment_faults, shouldNoticeAListThatNamesARegionThatIsNone)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	expect_list_refused(queue, rings_make(1, 2, 9));
	expect_list_refused(queue, rings_make(2, 2, 0xf0));
}

Test(segment_faults, shouldNoticeAListOfNoRingsOrTooMany)
{
	static const uint32_t counts[] = {0, SEG_RING_COUNT + 1};
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t sound = load_seq(&queue->seg->header->rings);

	for (int i = 0; i < 2; i++) {
		uint64_t rings = rings_make(counts[i], 2, 0);

		expect_list_refused(queue, rings);
		store_seq(&queue->seg->header->rings, rings);
		cr_expect_gt(faults_of("q"), 0, "%u rings", counts[i]);
		store_seq(&queue->seg->header->rings, sound);
	}
}

/* Eight regions at most, whatever the number says: what lies behind them is the version. */
Test(segment_faults, shouldLookForARegionInTheListOnly)
{
	uint64_t rings = rings_make(15, 9, 0x76543210);

	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		cr_expect(rings_contain(rings, i));
	cr_expect_not(rings_contain(rings, 9));
}

Test(segment_faults, shouldNoticeMoreRowsThanThereCanBe)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	atomic_u64 *high = &queue->seg->header->row_high;
	uint64_t sound = load_seq(high);
	struct segment *more;

	store_seq(high, watermark_pack(SEG_ROW_COUNT));
	cr_expect_eq(seg_row_high(queue->seg), 0);
	cr_expect_eq(open_it(&more), RLQ_EDAMAGED);
	store_seq(high, watermark_pack(SEG_ROW_COUNT - 1));
	cr_expect_eq(seg_row_high(queue->seg), SEG_ROW_COUNT - 1);
	store_seq(high, sound);
}

static uint32_t woken;

static long noting_futex(const _Atomic uint32_t *word, int operation, uint32_t value,
			 const struct timespec *timeout, uint32_t bits)
{
	woken = value;
	return real.futex(word, operation, value, timeout, bits);
}

/* The kernel takes the number for an int. */
Test(segment_faults, shouldWakeAllWhenAskedForMoreThanCanBe)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	os_sys.futex = noting_futex;
	seg_wake(&queue->seg->header->consumers, 3);
	cr_expect_eq(woken, 3);
	seg_wake(&queue->seg->header->consumers, UINT64_C(1) << 33);
	cr_expect_eq(woken, INT32_MAX);
}

static uint64_t list_again(struct rlq_queue *queue)
{
	uint64_t rings = load_seq(&queue->seg->header->rings);

	return rings_make(rings_count(rings), rings_version(rings) + 1, (uint32_t)rings);
}

Test(segment_faults, shouldNoticeARingThatHasBecomeSmallerOrNobodys)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct word128 *region = &queue->seg->header->region[0];
	uint64_t low = load_seq(&region->low), high = load_seq(&region->high);

	store_seq(&region->low, REGION_LIVE | region_order_pack(SEG_ORDER_FIRST - 1));
	expect_list_refused(queue, list_again(queue));
	store_seq(&region->low, low);
	store_seq(&region->high, 0);
	expect_list_refused(queue, list_again(queue));
	store_seq(&region->high, high);
	cr_expect_eq(faults_of("q"), 0);
}
