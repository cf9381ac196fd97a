#include "kmod-free/sysops.h"
#include "ringlease.h"
#include "tests/support/bodies_segment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { MEBI = 1 << 20, CLASS_LAST = SEG_BODY_CLASS_COUNT - 1, DEAD_ROW = 7 };

static struct segment *segment;

static void set_up(void)
{
	segment = bodies_segment_make();
	cr_assert(segment != NULL);
}

TestSuite(bodies, .init = set_up);

/* ---- helpers ---------------------------------------------------------------------------------- */

static uint64_t place_at(uint32_t slot)
{
	return place_pack(0, slot, 1);
}

static uint64_t allocate(uint64_t bytes, uint32_t slot)
{
	uint64_t block = 0;
	int error = body_allocate(segment, bytes, place_at(slot), &block);

	cr_assert_eq(error, 0, "%lu bytes: %d", (unsigned long)bytes, error);
	cr_assert_neq(block, 0);
	return block;
}

static uint32_t index_of(uint64_t block)
{
	return (uint32_t)block - 1;
}

static struct body_region *region_of(uint32_t class)
{
	struct body_region *region = region_open(segment, class);

	cr_assert(region != NULL);
	cr_assert_eq(region_look(region), 0);
	return region;
}

/* Liveness as the tests say it: slots below `live_below` are live, rows below DEAD_ROW are alive. */
static uint32_t live_below;

static bool is_live(void *context, uint64_t place, uint64_t block)
{
	(void)context;
	(void)block;
	return place_unpack(place).slot < live_below;
}

static bool is_dead(void *context, uint32_t row, uint32_t serial)
{
	(void)context;
	(void)serial;
	return row >= DEAD_ROW;
}

static uint64_t sweep_keeping(uint64_t keep_bytes)
{
	struct body_sweep sweep = {.is_live = is_live, .is_dead = is_dead, .keep_bytes = keep_bytes};
	uint64_t cursor = 0, given = 0;

	do
		given += body_sweep_step(segment, &sweep, &cursor, 1000);
	while (cursor != 0);
	return given;
}

static uint64_t memory(void)
{
	return os_file_memory(segment->fd);
}

/* ---- fault injection: the n-th fallocate ------------------------------------------------------ */

static struct os_sysops real;
static int calls_until;	      /* the fault; counts down */
static bool fault_is_kill;    /* else ENOSPC, from then on */
static bool kill_comes_after; /* the call has been done */

static int faulty_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	int done = 0;

	if (--calls_until > 0 || (fault_is_kill && calls_until < 0) ||
	    (mode & FALLOC_FL_PUNCH_HOLE && !fault_is_kill))
		return real.fallocate(fd, mode, offset, bytes);
	if (!fault_is_kill) {
		errno = ENOSPC;
		return -1;
	}
	if (kill_comes_after)
		done = real.fallocate(fd, mode, offset, bytes);
	raise(SIGKILL);
	return done;
}

static void inject(int calls)
{
	real = os_sys;
	calls_until = calls;
	os_sys.fallocate = faulty_fallocate;
}

static void inject_nothing(void)
{
	os_sys = real;
}

/* Runs `act` as row DEAD_ROW in a process that is killed at its n-th fallocate. False: it was not. */
static bool kill_at(int call, bool after, void (*act)(struct segment *segment))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct segment *child = bodies_segment_join(segment, DEAD_ROW, false);

		fault_is_kill = true;
		kill_comes_after = after;
		inject(call);
		act(child);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

/* ---- geometry --------------------------------------------------------------------------------- */

Test(bodies, shouldLayEveryClassOutWithinItsRegion)
{
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++) {
		struct body_region *region = region_of(class);
		unsigned char *free_bits = (unsigned char *)region->free.level[0];
		unsigned char *hole_bits = (unsigned char *)region->holes.level[0];
		uint64_t align = region->block_bytes < 65536	  ? 65536
				 : region->block_bytes > 2 * MEBI ? 2 * MEBI
								  : region->block_bytes;

		cr_expect(free_bits >= (unsigned char *)(region->table + region->blocks), "class %u", class);
		cr_expect(hole_bits >= free_bits + bitmap_bytes(region->blocks), "class %u", class);
		cr_expect(region->data >= hole_bits + bitmap_bytes(region->blocks / region->per_extent));
		cr_expect_eq((uint64_t)(region->data - region->base) % align, 0, "class %u", class);
		cr_expect((uint64_t)(region->data - region->base) + region->blocks * region->block_bytes <=
				  SEG_BODY_REGION,
			  "class %u", class);
		cr_expect(region->blocks * region->block_bytes > SEG_BODY_REGION / 10 * 9, "class %u", class);
		cr_expect_eq(region->blocks % region->per_extent, 0);
		cr_expect(extent_bytes(region) % 65536 == 0);
	}
}

Test(bodies, shouldFitTheSizeAtEveryClassBoundary)
{
	uint32_t slot = 1;

	for (uint32_t class = 0; class <= CLASS_LAST; class ++) {
		uint64_t edge = class_block_bytes(class), room;

		for (int i = -1; i <= 1; i++) {
			uint64_t bytes = edge + (uint64_t)i, block;
			unsigned char *at;

			if (bytes > body_bytes_max())
				continue;
			block = allocate(bytes, slot);
			at = body_at(segment, block, &room);
			cr_assert(at != NULL);
			cr_expect(room >= bytes && (room == edge || room == class_block_bytes(class + 1)));
			cr_expect_eq(block >> 56, class + (i > 0));
			at[0] = 1;
			at[bytes - 1] = 2;
			cr_expect(body_belongs(segment, block, place_at(slot)));
			cr_expect_not(body_belongs(segment, block, place_at(slot + 1)));
			body_free(segment, block, place_at(slot++));
		}
	}
}

Test(bodies, shouldHoldABodyOf64MiBWithAttributes)
{
	cr_assert_eq(body_bytes_max(), 64 * MEBI + 65536);
	uint64_t room, block = allocate(body_bytes_max(), 1);
	unsigned char *at = body_at(segment, block, &room);

	cr_assert(at != NULL && room == body_bytes_max());
	memset(at, 0x5a, room);
	cr_expect(memory() >= room);
	body_free(segment, block, place_at(1));
	cr_expect_eq(sweep_keeping(0), room);
	cr_expect(memory() < MEBI);
}

Test(bodies, shouldRefuseWhatNoClassHolds)
{
	uint64_t block = 77;

	cr_expect_eq(body_allocate(segment, 0, place_at(1), &block), -EINVAL);
	cr_expect_eq(body_allocate(segment, body_bytes_max() + 1, place_at(1), &block), -EINVAL);
	cr_expect_eq(body_allocate(segment, UINT64_MAX, place_at(1), &block), -EINVAL);
	cr_expect_eq(body_allocate(segment, 100, 5, &block), -EINVAL, "a place has its top bit set");
	cr_expect_eq(block, 77);
	cr_expect_eq(memory(), 0);
}

/* Remembers what was allocated. */
static struct {
	off_t start, end;
} range[2000];
static uint32_t ranges;

static int noting_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	cr_assert(ranges < 2000);
	range[ranges].start = offset / 4096 * 4096;
	range[ranges++].end = (offset + bytes + 4095) / 4096 * 4096;
	return real.fallocate(fd, mode, offset, bytes);
}

static bool has_memory(const struct body_region *region, const void *at)
{
	off_t offset = (off_t)(SEG_BODIES + region->class * SEG_BODY_REGION +
			       (uint64_t)((const unsigned char *)at - region->base));

	for (uint32_t i = 0; i < ranges; i++)
		if (range[i].start <= offset && offset < range[i].end)
			return true;
	return false;
}

/* A search from the last bit looks at the word behind it, on each level. */
Test(bodies, shouldBackTheWordsThatASearchLooksAt)
{
	struct body_region *region = region_of(0);

	real = os_sys;
	os_sys.fallocate = noting_fallocate;
	for (uint32_t i = 0; region->backed < 40000 && i < 100; i++) {
		uint32_t words = region->blocks;

		/* All is open, so the next block that has no bit asks for more words. */
		store_relaxed(&region->words->next, extent_count(region));
		for (uint32_t level = 0; region->backed > 0 && level < region->free.levels; level++)
			memset((void *)region->free.level[level], 0, level == 0 ? region->backed / 8 : 8);
		allocate(256, i);
		cr_assert(has_memory(region, &region->table[region->backed - 1]));
		for (uint32_t level = 0, bit = region->backed; level < region->free.levels; level++) {
			uint32_t last;

			words = (words + 63) / 64;
			last = bit / 64 + 1 < words ? bit / 64 + 1 : words - 1;
			cr_assert(has_memory(region, &region->free.level[level][last]), "%u blocks, level %u",
				  region->backed, level);
			bit /= 64;
		}
	}
	cr_expect(region->backed >= 40000, "%u", region->backed);
}

/* ---- reuse ------------------------------------------------------------------------------------ */

Test(bodies, shouldGiveOutEachBlockOnceAndReuseTheLowest)
{
	enum { COUNT = 5000 };
	static uint64_t block[COUNT];
	static bool taken[2 * COUNT];
	uint64_t before;

	for (uint32_t i = 0; i < COUNT; i++) {
		block[i] = allocate(256, i);
		cr_assert(index_of(block[i]) < 2 * COUNT);
		cr_assert_not(taken[index_of(block[i])]);
		taken[index_of(block[i])] = true;
	}
	before = memory();
	body_free(segment, block[4000], place_at(4000));
	body_free(segment, block[17], place_at(17));
	cr_expect_eq(allocate(256, 6000), block[17] < block[4000] ? block[17] : block[4000]);
	for (uint32_t i = 0; i < COUNT; i++)
		body_free(segment, block[i], place_at(i));
	body_free(segment, block[17], place_at(6000));
	for (uint32_t i = 0; i < COUNT; i++)
		cr_assert(index_of(allocate(256, i)) < 2 * COUNT);
	cr_expect_eq(memory(), before, "reused, not grown");
}

Test(bodies, shouldFreeOnlyForTheMessageThatOwns)
{
	uint64_t room, first = allocate(1000, 1), second;

	body_free(segment, first, place_at(2));
	cr_expect(body_belongs(segment, first, place_at(1)));
	body_free(segment, first, place_at(1));
	second = allocate(1000, 3);
	cr_expect_eq(second, first);
	body_free(segment, first, place_at(1));
	cr_expect(body_belongs(segment, second, place_at(3)), "a late free of the old message does nothing");
	cr_expect(body_at(segment, second, &room) != NULL);
}

Test(bodies, shouldShareBlocksBetweenHandles)
{
	struct segment *other = bodies_segment_join(segment, 2, false);
	uint64_t room, block = allocate(100000, 1);
	unsigned char *mine = body_at(segment, block, &room), *theirs = body_at(other, block, &room);

	cr_assert(mine != NULL && theirs != NULL && mine != theirs);
	memset(mine, 7, 100000);
	cr_expect_eq(theirs[99999], 7);
	body_free(other, block, place_at(1));
	cr_expect_not(body_belongs(segment, block, place_at(1)));
	bodies_unmap(&other->bodies);
	cr_expect_eq(allocate(100000, 2), block);
}

/* ---- a full tmpfs ----------------------------------------------------------------------------- */

static void expect_nothing_held_without_room(uint64_t bytes)
{
	uint64_t block = 0, room;
	int failed = 0, calls = 1;

	for (;; calls++) {
		int error;

		inject(calls);
		error = body_allocate(segment, bytes, place_at(1), &block);
		inject_nothing();
		if (error == 0)
			break;
		failed++;
		cr_assert_eq(error, -ENOSPC);
		cr_assert_eq(block, 0);
		cr_assert(memory() < 128 * 1024, "no more than words and bits: %lu", (unsigned long)memory());
		cr_assert_eq(sweep_keeping(0), 0, "nothing was there to give back");
		cr_assert(calls < 100);
	}
	cr_expect(failed > 0);
	cr_expect(body_at(segment, block, &room) != NULL);
	/* And room again after none at all. */
	body_free(segment, block, place_at(1));
	sweep_keeping(0);
	inject(1);
	cr_expect_eq(body_allocate(segment, bytes, place_at(2), &block), -ENOSPC);
	inject_nothing();
	cr_expect_eq(allocate(bytes, 2), block, "the emptied extent is found again");
}

Test(bodies, shouldHoldNothingWhenTheTmpfsIsFullForSmallBodies)
{
	expect_nothing_held_without_room(300);
}

Test(bodies, shouldHoldNothingWhenTheTmpfsIsFullForLargeBodies)
{
	expect_nothing_held_without_room(3 * MEBI);
}

Test(bodies, shouldStillFreeAndReuseWhenTheTmpfsIsFull)
{
	uint64_t block = allocate(5000, 1), other = 0;

	/* 8 KiB blocks: the extent has 8, so the ninth needs another. */
	for (uint32_t i = 2; i <= 8; i++)
		allocate(5000, i);
	inject(1);
	cr_expect_eq(body_allocate(segment, 5000, place_at(9), &other), -ENOSPC);
	body_free(segment, block, place_at(1));
	cr_expect_eq(body_allocate(segment, 5000, place_at(9), &other), 0);
	inject_nothing();
	cr_expect_eq(other, block);
}

Test(bodies, shouldSayAtOnceThatAClassIsFull)
{
	struct body_region *region = region_of(0);
	uint64_t block = 0;

	store_relaxed(&region->words->backed, (uint64_t)~region->blocks << 32 | region->blocks);
	store_relaxed(&region->words->next, region->blocks / region->per_extent);
	cr_expect_eq(body_allocate(segment, 100, place_at(1), &block), -ENOSPC);
	cr_expect_eq(block, 0);
}

Test(bodies, shouldOpenEveryExtentOfAClassThenSayFull)
{
	struct body_region *region = region_of(CLASS_LAST);
	uint64_t block = 0, last = 0;

	/* All but the last three are in use, as far as the words say. */
	last = allocate(body_bytes_max(), 0);
	for (uint32_t i = 1; i < region->blocks - 3; i++)
		store_relaxed(&region->table[i], place_at(i));
	store_relaxed(&region->words->next, 1);
	for (uint32_t i = 0; i < 3; i++) {
		last = allocate(body_bytes_max(), 1000 + i);
		cr_expect_eq(index_of(last), region->blocks - 3 + i);
	}
	cr_expect_eq(body_allocate(segment, body_bytes_max(), place_at(2000), &block), -ENOSPC);
	body_free(segment, last, place_at(1002));
	cr_expect_eq(allocate(body_bytes_max(), 2000), last);
}

/* ---- sweep: orphans and hints ----------------------------------------------------------------- */

Test(bodies, shouldFreeOrphansAndLeaveTheLive)
{
	uint64_t block[40];

	for (uint32_t i = 0; i < 40; i++)
		block[i] = allocate(2000, i);
	live_below = 20;
	sweep_keeping(UINT64_MAX);
	for (uint32_t i = 0; i < 40; i++)
		cr_expect_eq(body_belongs(segment, block[i], place_at(i)), i < 20);
	for (uint32_t i = 20; i < 40; i++)
		cr_expect(index_of(allocate(2000, i)) < 64, "orphans' blocks are used again");
}

Test(bodies, shouldFindLostBits)
{
	struct body_region *region;
	uint64_t block = allocate(70000, 1);
	uint64_t before;

	region = region_of((uint32_t)(block >> 56));
	body_free(segment, block, place_at(1));
	for (uint32_t level = 0; level < region->free.levels; level++) {
		/* Killed after the bits of the levels below. */
		for (uint32_t i = level; i < region->free.levels; i++)
			store_relaxed(&region->free.level[i][0], 0);
		cr_assert(memory() > 0);
		sweep_keeping(UINT64_MAX);
		before = memory();
		cr_expect_eq(allocate(70000, 2), block, "level %u", level);
		cr_expect_eq(memory(), before);
		body_free(segment, block, place_at(2));
	}
}

Test(bodies, shouldFindLostHoles)
{
	uint64_t block = allocate(70000, 1);
	struct body_region *region = region_of((uint32_t)(block >> 56));

	body_free(segment, block, place_at(1));
	sweep_keeping(0);
	for (uint32_t level = 0; level < region->holes.levels; level++)
		store_relaxed(&region->holes.level[level][0], 0);
	sweep_keeping(0);
	cr_expect_eq(allocate(70000, 2), block);
}

Test(bodies, shouldSweepInStepsThatHoldTheBudget)
{
	struct body_sweep sweep = {.is_live = is_live, .is_dead = is_dead, .keep_bytes = UINT64_MAX};
	uint64_t cursor = 0;
	uint32_t steps = 0;

	for (uint32_t i = 0; i < 3000; i++) {
		allocate(256, i);
		if (i < 20)
			allocate(50000, 4000 + i);
	}
	live_below = 3000;
	do
		body_sweep_step(segment, &sweep, &cursor, 100);
	while (cursor != 0 && ++steps < 1000);
	/* 12 extents of 256 blocks, a step each; what is HOLE costs one block. */
	cr_expect(steps >= 12 && steps < 100, "%u", steps);
	for (uint32_t i = 0; i < 20; i++)
		cr_expect(index_of(allocate(50000, i)) < 20);
}

/* ---- sweep: giving memory back ---------------------------------------------------------------- */

Test(bodies, shouldGiveBackFreeMemoryBeyondWhatIsKept)
{
	uint64_t block[10], all;

	for (uint32_t i = 0; i < 10; i++)
		block[i] = allocate(MEBI, i);
	all = memory();
	cr_expect(all >= 10 * MEBI);
	for (uint32_t i = 0; i < 10; i++)
		body_free(segment, block[i], place_at(i));
	cr_expect_eq(memory(), all, "a freed block stays touched");
	cr_expect_eq(sweep_keeping(4 * MEBI), 6 * MEBI);
	cr_expect_eq(memory(), all - 6 * MEBI);
	cr_expect_eq(sweep_keeping(4 * MEBI), 0);
	for (uint32_t i = 0; i < 10; i++)
		cr_expect_eq(allocate(MEBI, i), block[i], "the low ones were kept, then the lowest hole");
	cr_expect_eq(memory(), all);
}

Test(bodies, shouldKeepAnExtentWithOneBlockInUse)
{
	uint64_t block[256], room;
	unsigned char *at;

	for (uint32_t i = 0; i < 256; i++)
		block[i] = allocate(200, i);
	for (uint32_t i = 0; i < 256; i++)
		if (i != 100)
			body_free(segment, block[i], place_at(i));
	live_below = 256;
	at = body_at(segment, block[100], &room);
	memset(at, 9, room);
	cr_expect_eq(sweep_keeping(0), 0);
	cr_expect_eq(at[255], 9);
	for (uint32_t i = 0; i < 256; i++)
		if (i != 100)
			cr_expect(index_of(allocate(200, i)) < 256, "none was lost on the way");
	cr_expect_eq(at[255], 9);
}

Test(bodies, shouldNotTakeMemoryFromUnderACallThatGoesOn)
{
	struct seg_row *reader = &segment->rows[3];
	uint64_t block = allocate(MEBI, 1), room;

	store_relaxed(&reader->user.low, 1 << 1 | 1);
	store_relaxed(&reader->view, 1);
	body_free(segment, block, place_at(1));
	cr_expect_eq(sweep_keeping(0), 0, "it may still be copying");
	cr_expect(body_at(segment, block, &room) != NULL);
	store_relaxed(&reader->view, 0);
	cr_expect_eq(sweep_keeping(0), MEBI);
	cr_expect(body_at(segment, block, &room) == NULL);

	block = allocate(MEBI, 2);
	body_free(segment, block, place_at(2));
	store_relaxed(&segment->rows[DEAD_ROW].user.low, 1 << 1 | 1);
	store_relaxed(&segment->rows[DEAD_ROW].view, 1);
	cr_expect_eq(sweep_keeping(0), MEBI, "the dead read nothing");
}

static int refuse_membarrier(int command)
{
	(void)command;
	errno = EPERM;
	return -1;
}

Test(bodies, shouldGiveNothingBackWithoutABarrier)
{
	uint64_t block = allocate(MEBI, 1);

	body_free(segment, block, place_at(1));
	real = os_sys;
	os_sys.membarrier = refuse_membarrier;
	cr_expect_eq(sweep_keeping(0), 0);
	inject_nothing();
	cr_expect_eq(sweep_keeping(0), MEBI);
}

/* ---- the dead and the stopped ----------------------------------------------------------------- */

static void act_allocate_small(struct segment *child)
{
	uint64_t block;

	body_allocate(child, 300, place_at(9000), &block);
}

static void act_allocate_large(struct segment *child)
{
	uint64_t block;

	body_allocate(child, MEBI, place_at(9000), &block);
}

static void act_give_back(struct segment *child)
{
	struct body_sweep sweep = {.is_live = is_live, .is_dead = is_dead};
	uint64_t cursor = 0;

	do
		body_sweep_step(child, &sweep, &cursor, 1000);
	while (cursor != 0);
}

/* Kills it at each of its calls, before and after, each time in a new segment that `prepare` made. */
static void expect_whole_after_kills(uint64_t bytes, bool prepare, void (*act)(struct segment *segment))
{
	int kills = 0;

	for (int round = 0, call = 1; round < 2; call++) {
		bool was_killed;
		uint64_t block;

		set_up();
		if (prepare)
			body_free(segment, allocate(bytes, 1), place_at(1));
		was_killed = kill_at(call, round == 1, act);
		kills += was_killed;
		sweep_keeping(0);
		cr_assert(memory() < 64 * 1024, "call %d: %lu left", call, (unsigned long)memory());
		block = allocate(bytes, 1);
		cr_assert_eq(index_of(block), 0, "call %d: the first extent is lost", call);
		body_free(segment, block, place_at(1));
		bodies_unmap(&segment->bodies);
		close(segment->fd);
		if (!was_killed) {
			round++;
			call = 0;
		}
	}
	/* Words, five or fewer levels of bits twice, blocks; or one punch. */
	cr_expect(kills >= (prepare ? 2 : 8), "%d", kills);
}

Test(bodies, shouldTakeOverWhatAKilledOpenerLeft)
{
	expect_whole_after_kills(300, false, act_allocate_small);
}

Test(bodies, shouldTakeOverWhatAKilledOpenerOfALargeBlockLeft)
{
	expect_whole_after_kills(MEBI, false, act_allocate_large);
}

Test(bodies, shouldTakeOverWhatAKilledTrimmerLeft)
{
	expect_whole_after_kills(300, true, act_give_back);
	expect_whole_after_kills(MEBI, true, act_give_back);
}

/* Makes the first extent of class 1 (128 blocks) look as its dead owner left it. */
static struct body_region *left_behind(uint64_t *ret_block)
{
	*ret_block = allocate(512, 1);
	return region_of(1);
}

Test(bodies, shouldFinishAnOpeningThatOthersAlreadyUse)
{
	uint64_t block, used = 0, room, before;
	struct body_region *region = left_behind(&block);
	unsigned char *at;

	store_relaxed(&region->table[0], block_owned(DEAD_ROW, 1));
	for (uint32_t i = 11; i < 128; i++) {
		store_relaxed(&region->table[i], BLOCK_HOLE);
		bitmap_clear(&region->free, i);
	}
	used = allocate(512, 2);
	cr_assert_eq(index_of(used), 1);
	at = body_at(segment, used, &room);
	memset(at, 3, room);
	before = memory();
	cr_expect(body_at(segment, block, &room) == NULL, "OWNED is nobody's to read");
	live_below = 100;
	cr_expect_eq(sweep_keeping(0), 0);
	cr_expect_eq(memory(), before);
	cr_expect_eq(at[511], 3);
	for (uint32_t i = 0; i < 127; i++)
		cr_expect(index_of(allocate(512, 3)) < 128, "all of the extent is there");
}

Test(bodies, shouldUndoAClosingThatHadNotClaimedAll)
{
	uint64_t block;
	struct body_region *region = left_behind(&block);

	for (uint32_t i = 0; i < 50; i++) {
		store_relaxed(&region->table[i], block_owned(DEAD_ROW, 1));
		bitmap_clear(&region->free, i);
	}
	store_relaxed(&region->table[60], place_at(5));
	live_below = 100;
	cr_expect_eq(sweep_keeping(0), 0);
	for (uint32_t i = 0; i < 128; i++)
		cr_expect_eq(load_relaxed(&region->table[i]), i == 60 ? place_at(5) : BLOCK_FREE, "%u", i);
}

Test(bodies, shouldFinishAClosingThatHadClaimedAll)
{
	uint64_t block;
	struct body_region *region = left_behind(&block);

	for (uint32_t i = 0; i < 128; i++)
		store_relaxed(&region->table[i], i > 100 ? BLOCK_HOLE : block_owned(DEAD_ROW, 1));
	cr_expect_eq(sweep_keeping(UINT64_MAX), BODY_EXTENT_BYTES);
	for (uint32_t i = 0; i < 128; i++)
		cr_expect_eq(load_relaxed(&region->table[i]), BLOCK_HOLE);
	cr_expect_eq(allocate(512, 2), block);
}

Test(bodies, shouldFreeTheExtentOfTheDeadWhileACallGoesOn)
{
	uint64_t block;
	struct body_region *region = left_behind(&block);

	for (uint32_t i = 0; i < 128; i++)
		store_relaxed(&region->table[i], block_owned(DEAD_ROW, 1));
	os_file_punch(segment->fd, SEG_BODIES + SEG_BODY_REGION + (uint64_t)(region->data - region->base),
		      BODY_EXTENT_BYTES);
	store_relaxed(&segment->rows[3].user.low, 1 << 1 | 1);
	store_relaxed(&segment->rows[3].view, 1);
	cr_expect_eq(sweep_keeping(0), 0);
	for (uint32_t i = 0; i < 128; i++)
		cr_expect_eq(load_relaxed(&region->table[i]), BLOCK_FREE);
	cr_expect(memory() >= BODY_EXTENT_BYTES, "with memory");
}

Test(bodies, shouldLeaveAStoppedOwnersExtentAlone)
{
	uint64_t block, other;
	struct body_region *region = left_behind(&block);

	for (uint32_t i = 0; i < 128; i++)
		store_relaxed(&region->table[i], block_owned(2, 1));
	sweep_keeping(0);
	other = allocate(512, 2);
	cr_expect(index_of(other) >= 128, "others open another extent");
	for (uint32_t i = 0; i < 128; i++)
		cr_expect_eq(load_relaxed(&region->table[i]), block_owned(2, 1));
}

/* ---- damage ----------------------------------------------------------------------------------- */

Test(bodies, shouldRefuseNamesOfNoBlock)
{
	uint64_t room = 5, block = allocate(300, 1);
	const uint64_t damaged[] = {
		0,
		UINT64_C(1) << 56,
		block ^ UINT64_C(1) << 63,
		block ^ UINT64_C(1) << 55,
		block ^ UINT64_C(1) << 40,
		block + 512,
		block + 100000000,
		UINT64_C(2) << 56 | 1,
		UINT64_C(19) << 56 | 1,
		UINT64_C(255) << 56 | 1,
		UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		cr_expect(body_at(segment, damaged[i], &room) == NULL, "%zu", i);
		cr_expect_not(body_belongs(segment, damaged[i], place_at(1)));
		body_free(segment, damaged[i], place_at(1));
	}
	cr_expect_eq(room, 5);
	cr_expect(body_belongs(segment, block, place_at(1)));
}

Test(bodies, shouldNoticeEveryFlippedBitOfTheWatermark)
{
	uint64_t block = allocate(300, 1), room, other;
	struct body_words *words = class_words(segment, (uint32_t)(block >> 56));
	uint64_t word = load_relaxed(&words->backed);

	for (int bit = 0; bit < 64; bit++) {
		struct segment *fresh = bodies_segment_join(segment, 2, false);

		store_relaxed(&words->backed, word ^ UINT64_C(1) << bit);
		cr_expect_eq(body_allocate(fresh, 300, place_at(2), &other), RLQ_EDAMAGED, "bit %d", bit);
		cr_expect(body_at(fresh, block, &room) == NULL);
		store_relaxed(&words->backed, word);
		bodies_unmap(&fresh->bodies);
		free(fresh);
	}
	cr_expect(body_at(segment, block, &room) != NULL);
}

/* Whatever the sweep makes of it, no block without memory is given out. */
static void expect_no_block_without_memory(struct body_region *region, uint64_t bytes, int bit)
{
	uint64_t room, block, before;
	unsigned char *at;

	store_relaxed(&region->table[0], BLOCK_HOLE ^ UINT64_C(1) << bit);
	sweep_keeping(UINT64_MAX);
	block = allocate(bytes, 2);
	at = body_at(segment, block, &room);
	cr_assert(at != NULL);
	before = memory();
	memset(at, 1, room);
	cr_assert_eq(memory(), before, "bit %d: touching it gave it memory", bit);
	body_free(segment, block, place_at(2));
	store_relaxed(&region->table[0], BLOCK_HOLE);
	sweep_keeping(0);
}

Test(bodies, shouldGiveOutNoHoleOfWhichABitFlipped)
{
	for (int bit = 0; bit < 64; bit++) {
		body_free(segment, allocate(MEBI, 1), place_at(1));
		sweep_keeping(0);
		expect_no_block_without_memory(region_of(12), MEBI, bit);
		body_free(segment, allocate(300, 1), place_at(1));
		sweep_keeping(0);
		expect_no_block_without_memory(region_of(1), 300, bit);
	}
}

Test(bodies, shouldLeaveAnOrphanThatMayBeAHoleWhenTheTmpfsIsFull)
{
	uint64_t other = allocate(MEBI, 1), block, place = place_pack(0, 0, 0);

	cr_assert_eq(place, BLOCK_HOLE_FLIPPED);
	cr_assert_eq(body_allocate(segment, MEBI, place, &block), 0);
	inject(1);
	sweep_keeping(UINT64_MAX);
	inject_nothing();
	cr_expect(body_belongs(segment, block, place));
	cr_expect_not(body_belongs(segment, other, place_at(1)), "the others are none");
	sweep_keeping(UINT64_MAX);
	cr_expect_not(body_belongs(segment, block, place));
}

Test(bodies, shouldMendADamagedStartOfTheUnopened)
{
	uint64_t block = allocate(MEBI, 1);
	struct body_region *region = region_of((uint32_t)(block >> 56));

	live_below = 100;
	store_relaxed(&region->words->next, UINT64_MAX);
	allocate(MEBI, 2);
	sweep_keeping(UINT64_MAX);
	cr_expect_eq(index_of(allocate(MEBI, 3)), 1, "the sweep found the holes that it jumped over");
	store_relaxed(&region->words->next, 0);
	for (uint32_t i = 0; i < 10; i++)
		allocate(MEBI, 10 + i);
}

Test(bodies, shouldLeaveWordsAloneThatMeanNothing)
{
	uint64_t block, room;
	struct body_region *region = left_behind(&block);

	store_relaxed(&region->table[0], 0x1234);
	live_below = 0;
	sweep_keeping(0);
	cr_expect(body_at(segment, block, &room) == NULL);
	cr_expect_eq(load_relaxed(&region->table[0]), 0x1234);
	allocate(512, 2);
}
