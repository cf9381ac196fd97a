#include "tests/unit/bodies_fixture.h"

TestSuite(extents, .init = set_up);

/* ---- geometry --------------------------------------------------------------------------------- */

Test(extents, shouldLayEveryClassOutWithinItsRegion)
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
Test(extents, shouldBackTheWordsThatASearchLooksAt)
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

/* ---- giving memory back ----------------------------------------------------------------------- */

Test(extents, shouldGiveBackFreeMemoryBeyondWhatIsKept)
{
	uint64_t block[10], all;
	uint32_t again = 0;

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
	/* The low ones were kept, in any order since they take turns, then the lowest holes. */
	for (uint32_t i = 0; i < 4; i++)
		again |= 1u << index_of(allocate(MEBI, i));
	cr_expect_eq(again, 0xf);
	for (uint32_t i = 4; i < 10; i++)
		cr_expect_eq(allocate(MEBI, i), block[i]);
	cr_expect_eq(memory(), all);
}

/* One round; says whether the next may have more to give. */
static bool sweep_round(uint64_t keep_bytes, uint64_t keep_idle_bytes)
{
	struct body_sweep sweep = {.is_live = is_live,
				   .is_dead = is_dead,
				   .keep_bytes = keep_bytes,
				   .keep_idle_bytes = keep_idle_bytes};
	uint64_t cursor = 0;

	do
		body_sweep_step(segment, &sweep, &cursor, 1000);
	while (cursor != 0);
	return sweep.has_more;
}

Test(extents, shouldKeepLessOfAClassThatIsNotInUse)
{
	uint64_t block = allocate(MEBI, 0), other = allocate(4 * MEBI, 1), all = memory();

	body_free(segment, block, place_at(0));
	body_free(segment, other, place_at(1));
	for (uint32_t round = 0; round < 5; round++) {
		block = allocate(MEBI, 0);
		body_free(segment, block, place_at(0));
		cr_expect(sweep_round(16 * MEBI, 65536), "it is kept for now");
		cr_expect_eq(memory(), round == 0 ? all : all - 4 * MEBI, "round %u", round);
	}
	cr_expect_not(sweep_round(16 * MEBI, 65536));
	cr_expect_lt(memory(), MEBI);
}

Test(extents, shouldGiveBackWhatAskedForAndNoMore)
{
	uint64_t block[20], all;

	for (uint32_t i = 0; i < 20; i++)
		block[i] = allocate(MEBI, i);
	for (uint32_t i = 0; i < 20; i++)
		if (i != 7)
			body_free(segment, block[i], place_at(i));
	all = memory();
	cr_expect_eq(body_give_back(segment, 1), MEBI);
	cr_expect_eq(memory(), all - MEBI);
	cr_expect_eq(body_give_back(segment, UINT64_MAX), 18 * MEBI);
	cr_expect_eq(body_give_back(segment, 1), 0);
	cr_expect(body_belongs(segment, block[7], place_at(7)));
	cr_expect_eq(allocate(MEBI, 0), block[0]);
}

Test(extents, shouldKeepAnExtentWithOneBlockInUse)
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

Test(extents, shouldNotTakeMemoryFromUnderACallThatGoesOn)
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

Test(extents, shouldTakeOverWhatAKilledOpenerLeft)
{
	expect_whole_after_kills(300, false, act_allocate_small);
}

Test(extents, shouldTakeOverWhatAKilledOpenerOfALargeBlockLeft)
{
	expect_whole_after_kills(MEBI, false, act_allocate_large);
}

Test(extents, shouldTakeOverWhatAKilledTrimmerLeft)
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

Test(extents, shouldFinishAnOpeningThatOthersAlreadyUse)
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

Test(extents, shouldUndoAClosingThatHadNotClaimedAll)
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

Test(extents, shouldFinishAClosingThatHadClaimedAll)
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

Test(extents, shouldFreeTheExtentOfTheDeadWhileACallGoesOn)
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

Test(extents, shouldLeaveAStoppedOwnersExtentAlone)
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

Test(extents, shouldNoticeEveryFlippedBitOfTheWatermark)
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

Test(extents, shouldGiveOutNoHoleOfWhichABitFlipped)
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

Test(extents, shouldMendADamagedStartOfTheUnopened)
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

Test(extents, shouldLeaveWordsAloneThatMeanNothing)
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
