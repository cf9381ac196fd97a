/* Blocks whose hints lie, whose memory cannot be had or given back, and which somebody else takes meanwhile. */
#include "tests/unit/bodies_fixture.h"

static void tear_down(void)
{
	if (real.mmap)
		os_sys = real;
}

TestSuite(bodies_faults, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- no map ----------------------------------------------------------------------------------- */

static void *refused_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	(void)address, (void)bytes, (void)protection, (void)flags, (void)fd, (void)offset;
	errno = ENOMEM;
	return MAP_FAILED;
}

Test(bodies_faults, shouldAnswerWithoutARegionThatCannotBeMapped)
{
	uint64_t block = allocate(300, 1), other = 7, room = 7;
	struct segment *fresh = bodies_segment_join(segment, 2, false);

	real = os_sys;
	os_sys.mmap = refused_mmap;
	cr_expect_eq(body_allocate(fresh, 300, place_at(2), &other), -ENOMEM);
	cr_expect_null(body_at(fresh, block, &room));
	cr_expect_null(body_of(fresh, block, place_at(1), &room));
	cr_expect_not(body_belongs(fresh, block, place_at(1)));
	body_free(fresh, block, place_at(1));
	os_sys = real;
	cr_expect_eq(other, 7);
	cr_expect_eq(room, 7);
	cr_expect(body_belongs(segment, block, place_at(1)), "nothing was done");
	cr_expect_not_null(body_of(fresh, block, place_at(1), &room));
}

/* ---- places that are none --------------------------------------------------------------------- */

Test(bodies_faults, shouldTakeAWordThatIsNoPlaceForNobody)
{
	uint64_t block = allocate(300, 1), room;
	struct body_region *region = region_of((uint32_t)(block >> 56));

	for (uint32_t i = 0; i < 2; i++) {
		uint64_t word = i == 0 ? BLOCK_FREE : BLOCK_HOLE;

		store_relaxed(&region->table[index_of(block)], word);
		cr_expect_not(body_belongs(segment, block, word));
		cr_expect_null(body_of(segment, block, word, &room));
		body_free(segment, block, word);
		cr_expect_eq(load_relaxed(&region->table[index_of(block)]), word);
	}
}

/* ---- hints that lie --------------------------------------------------------------------------- */

/* The bits say free, the words do not: each is looked at once, and none is given out. */
Test(bodies_faults, shouldGiveOutNoBlockBecauseOfItsBit)
{
	enum { COUNT = 2000 };
	struct body_region *region = region_of(0);
	uint64_t block;

	for (uint32_t i = 0; i < COUNT; i++)
		allocate(256, i);
	for (uint32_t i = 0; i < COUNT; i++)
		bitmap_set(&region->free, i);
	for (uint32_t i = 0; i < 3; i++) {
		block = allocate(256, COUNT + i);
		cr_expect_geq(index_of(block), COUNT);
		cr_expect(body_belongs(segment, block, place_at(COUNT + i)));
	}
	cr_expect_not(bitmap_test(&region->free, 0), "what lied is cleared on the way");
	for (uint32_t i = 0; i < COUNT; i++)
		cr_expect(body_belongs(segment, (uint64_t)i + 1, place_at(i)));
}

/* A bit behind all blocks that have a word: it must be read past, however often it is found. */
Test(bodies_faults, shouldGiveOutNoBlockThatHasNoWord)
{
	struct body_region *region = region_of(0);
	uint32_t last;

	allocate(256, 0);
	last = region->backed - 1;
	for (uint32_t i = 1; i < region->per_extent; i++)
		allocate(256, i);
	cr_assert_not(bitmap_any(&region->free));
	store_relaxed(&region->table[last + 1], BLOCK_FREE);
	bitmap_set(&region->free, last + 1);
	cr_expect_leq(index_of(allocate(256, 1000)), last);
}

Test(bodies_faults, shouldGoOnAtTheFirstBlockAfterTheLast)
{
	struct body_region *region = region_of(12);
	uint64_t block[3];

	for (uint32_t i = 0; i < 3; i++)
		block[i] = allocate(MEBI, i);
	body_free(segment, block[0], place_at(0));
	store_relaxed(&region->table[region->backed - 1], place_at(77));
	bitmap_set(&region->free, region->backed - 1);
	region->turn = 1; /* begins behind the one that is free */
	cr_expect_eq(allocate(MEBI, 3), block[0]);
}

Test(bodies_faults, shouldOpenNoExtentThatHasNoWord)
{
	struct body_region *region = region_of(12);

	allocate(MEBI, 0);
	bitmap_set(&region->holes, region->backed);
	cr_expect_eq(index_of(allocate(MEBI, 1)), 1);
}

/* Extents that are all somebody's, though nobody has opened them as far as the header says. */
Test(bodies_faults, shouldGiveUpAfterSomeTriesAndGoOnFromThere)
{
	struct body_region *region = region_of(12);
	uint64_t block = 7;

	for (uint32_t i = 0; i < 4; i++) {
		store_relaxed(&region->words->next, extent_count(region));
		allocate(MEBI, i * BODY_STEP); /* words for more */
		region_look(region);
	}
	for (uint32_t i = 0; i < BODY_TRIES + 100; i++)
		store_relaxed(&region->table[i], place_at(i));
	for (uint32_t i = 0; i < region->backed; i++)
		bitmap_clear(&region->holes, i);
	store_relaxed(&region->words->next, 0);
	cr_expect_eq(body_allocate(segment, MEBI, place_at(5000), &block), -ENOSPC);
	cr_expect_eq(block, 7);
	cr_expect_eq(load_relaxed(&region->words->next), BODY_TRIES);
	cr_expect_eq(index_of(allocate(MEBI, 5000)), BODY_TRIES + 100);
}

Test(bodies_faults, shouldNoticeAWatermarkThatCannotBe)
{
	uint64_t block = allocate(300, 1), other = 7;
	struct body_region *region = region_of((uint32_t)(block >> 56));
	uint64_t sound = load_relaxed(&region->words->backed);

	store_relaxed(&region->words->backed, watermark_pack(100));
	cr_expect_eq(body_allocate(segment, 300, place_at(2), &other), RLQ_EDAMAGED, "no step");
	store_relaxed(&region->words->backed, watermark_pack(region->blocks / BODY_STEP * BODY_STEP + BODY_STEP));
	cr_expect_eq(body_allocate(segment, 300, place_at(2), &other), RLQ_EDAMAGED, "more than there are");
	store_relaxed(&region->words->backed, sound);
	cr_expect_eq(body_allocate(segment, 300, place_at(2), &other), 0);
}

/* ---- others meanwhile ------------------------------------------------------------------------- */

static void (*meanwhile)(void);
static int refuse_with; /* 0: the call is made */

static int busy_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	void (*act)(void) = meanwhile;

	meanwhile = NULL;
	if (act)
		act();
	if (refuse_with == 0)
		return real.fallocate(fd, mode, offset, bytes);
	errno = refuse_with;
	return -1;
}

static void while_it_allocates(void (*act)(void), int error)
{
	real = os_sys;
	meanwhile = act;
	refuse_with = error;
	os_sys.fallocate = busy_fallocate;
}

static void take_first_word(void)
{
	store_relaxed(&region_of(1)->table[0], place_at(99));
}

Test(bodies_faults, shouldNoticeThatItsOwnWordWasOverwritten)
{
	uint64_t block = 7;

	body_free(segment, allocate(300, 0), place_at(0)); /* its words have memory */
	sweep_keeping(0);
	while_it_allocates(take_first_word, 0);
	cr_expect_eq(body_allocate(segment, 300, place_at(1), &block), RLQ_EDAMAGED);
	cr_expect_null(meanwhile);
	cr_expect_eq(block, 7);
	cr_expect(body_belongs(segment, UINT64_C(1) << 56 | 1, place_at(99)));
}

Test(bodies_faults, shouldLetGoOfAnExtentOfWhichABlockIsTaken)
{
	uint64_t block = allocate(300, 1);
	struct body_region *region = region_of(1);
	uint32_t last = region->per_extent - 1;

	body_free(segment, block, place_at(1));
	store_relaxed(&region->table[last], place_at(5));
	cr_expect_not(extent_claim(segment, region, 0));
	for (uint32_t i = 0; i < last; i++) {
		cr_expect_eq(load_relaxed(&region->table[i]), BLOCK_FREE);
		cr_expect(bitmap_test(&region->free, i));
	}
	cr_expect_eq(load_relaxed(&region->table[last]), place_at(5));
	store_relaxed(&region->table[0], place_at(6));
	cr_expect_not(extent_claim(segment, region, 0), "the first, which is the lock");
	cr_expect_eq(load_relaxed(&region->table[1]), BLOCK_FREE);
}

/* An extent that a dead handle was opening or closing, all of it but its last block. */
static struct body_region *half_owned(void)
{
	uint64_t block = allocate(300, 1);
	struct body_region *region = region_of((uint32_t)(block >> 56));

	for (uint32_t i = 0; i < region->per_extent - 1; i++)
		store_relaxed(&region->table[i], block_owned(DEAD_ROW, 1));
	store_relaxed(&region->table[region->per_extent - 1], place_at(5));
	return region;
}

Test(bodies_faults, shouldLeaveAnExtentOfTheDeadToWhoWasFaster)
{
	struct body_region *region = half_owned();

	cr_expect_not(extent_take_over(segment, region, 0, block_owned(DEAD_ROW, 2)));
	cr_expect_eq(load_relaxed(&region->table[0]), block_owned(DEAD_ROW, 1));
}

Test(bodies_faults, shouldLeaveAnExtentOfTheDeadThatGetsNoMemory)
{
	struct body_region *region = half_owned();

	live_below = 10;
	inject(1);
	sweep_keeping(0);
	inject_nothing();
	cr_expect_eq(load_relaxed(&region->table[0]), block_owned(DEAD_ROW, 1), "for the next sweep");
	sweep_keeping(0);
	for (uint32_t i = 0; i < region->per_extent - 1; i++)
		cr_expect_eq(load_relaxed(&region->table[i]), BLOCK_FREE);
	cr_expect_eq(load_relaxed(&region->table[region->per_extent - 1]), place_at(5));
}

/* As shouldFreeTheExtentOfTheDeadWhileACallGoesOn, with a full tmpfs: nobody may touch what has no memory. */
Test(bodies_faults, shouldCloseAnExtentOfTheDeadThatGetsNoMemory)
{
	struct body_region *region = half_owned();

	store_relaxed(&region->table[region->per_extent - 1], block_owned(DEAD_ROW, 1));
	store_relaxed(&segment->rows[3].user.low, 1 << 1 | 1);
	store_relaxed(&segment->rows[3].view, 1); /* a call goes on */
	inject(1);
	cr_expect_eq(sweep_keeping(0), 0);
	inject_nothing();
	for (uint32_t i = 0; i < region->per_extent; i++)
		cr_expect_eq(load_relaxed(&region->table[i]), BLOCK_HOLE);
	store_relaxed(&segment->rows[3].view, 0);
	cr_expect_eq(index_of(allocate(300, 2)), 0, "it is found again");
}

/* ---- memory that stays ------------------------------------------------------------------------ */

Test(bodies_faults, shouldCountOnlyMemoryThatWasGivenBack)
{
	uint64_t block = allocate(MEBI, 1), before = memory();

	body_free(segment, block, place_at(1));
	while_it_allocates(NULL, EIO);
	cr_expect_eq(sweep_keeping(0), 0);
	os_sys = real;
	cr_expect_eq(memory(), before);
	cr_expect_eq(load_relaxed(&region_of(12)->table[0]), BLOCK_HOLE);
	cr_expect_eq(allocate(MEBI, 2), block, "and it is used again");
	body_free(segment, block, place_at(2));
	cr_expect_eq(sweep_keeping(0), MEBI);
}

Test(bodies_faults, shouldNotWaitForACallOfTheDead)
{
	body_free(segment, allocate(MEBI, 1), place_at(1));
	store_relaxed(&segment->rows[3].user.low, 1 << 1 | 1);
	store_relaxed(&segment->rows[3].view, 1);
	cr_expect_eq(sweep_keeping(0), 0, "the living");
	store_relaxed(&segment->rows[3].view, 0);
	store_relaxed(&segment->rows[DEAD_ROW].user.low, 1 << 1 | 1);
	store_relaxed(&segment->rows[DEAD_ROW].view, 1);
	cr_expect_eq(sweep_keeping(0), MEBI);
}

/* A step looks at one extent at least, else a sweep would never end. */
Test(bodies_faults, shouldSweepWithoutABudget)
{
	struct body_sweep sweep = {.is_live = is_live, .is_dead = is_dead};
	uint64_t cursor = 0, given = 0;
	int steps = 0;

	body_free(segment, allocate(MEBI, 1), place_at(1));
	do
		given += body_sweep_step(segment, &sweep, &cursor, 0);
	while (cursor != 0 && ++steps < 2000);
	cr_expect_lt(steps, 2000);
	cr_expect_eq(given, MEBI);
}
