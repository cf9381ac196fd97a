#include "tests/unit/bodies_fixture.h"

TestSuite(bodies, .init = set_up);

/* ---- sizes ------------------------------------------------------------------------------------ */

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

Test(bodies, shouldGoFromTheMessageThatOwnsToAnother)
{
	uint64_t block = allocate(300, 1);

	cr_expect_not(body_hand_over(segment, block, place_at(2), place_at(3)));
	cr_expect_not(body_hand_over(segment, block, BLOCK_FREE, place_at(3)));
	cr_expect_not(body_hand_over(segment, block, place_at(1), BLOCK_FREE));
	cr_expect(body_belongs(segment, block, place_at(1)));
	cr_expect(body_hand_over(segment, block, place_at(1), place_at(3)));
	cr_expect(body_belongs(segment, block, place_at(3)));
	body_free(segment, block, place_at(3));
	cr_expect_not(body_hand_over(segment, block, BLOCK_FREE, place_at(3)), "it is given out by its bit");
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
		cr_expect_not(body_hand_over(segment, damaged[i], place_at(1), place_at(2)));
		body_prefetch(segment, damaged[i], 300);
		body_free(segment, damaged[i], place_at(1));
	}
	cr_expect_eq(room, 5);
	cr_expect(body_belongs(segment, block, place_at(1)));
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
