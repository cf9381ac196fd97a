#include "ring/bitmap.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct bitmap map;

static void make(uint32_t bits)
{
	bitmap_place(&map, calloc(1, bitmap_bytes(bits)), bits);
}

Test(bitmap, shouldBeEmptyWhenItsMemoryIsZero)
{
	make(300000);
	cr_assert_not(bitmap_any(&map));
	cr_assert_eq(bitmap_find(&map, 0), -1);
	cr_assert_eq(bitmap_find(&map, 299999), -1);
}

Test(bitmap, shouldUseOneWordForUpTo64BitsAndALevelMoreForEach64Times)
{
	static const struct {
		uint32_t bits, levels;
		size_t words;
	} sizes[] = {{1, 1, 1}, {64, 1, 1}, {65, 2, 3}, {4096, 2, 65}, {4097, 3, 65 + 2 + 1}, {1 << 24, 4, 0}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(sizes[i].bits);
		cr_expect_eq(map.levels, sizes[i].levels, "%u bits", sizes[i].bits);
		if (sizes[i].words)
			cr_expect_eq(bitmap_bytes(sizes[i].bits), sizes[i].words * 8);
	}
}

Test(bitmap, shouldFindEachSetBitFromEveryPlace)
{
	static const uint32_t bits[] = {0, 1, 63, 64, 4095, 4096, 5000, 299999};

	make(300000);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		bitmap_set(&map, bits[i]);
		for (uint32_t from = 0; from < 300000; from += 997)
			cr_assert_eq(bitmap_find(&map, from), bits[i], "bit %u from %u", bits[i], from);
		cr_assert(bitmap_test(&map, bits[i]));
		cr_assert(bitmap_clear(&map, bits[i]));
		cr_assert_not(bitmap_any(&map));
	}
}

Test(bitmap, shouldFindTheNextBitAtOrAfterAndGoRound)
{
	make(10000);
	bitmap_set(&map, 70);
	bitmap_set(&map, 9000);
	cr_assert_eq(bitmap_find(&map, 0), 70);
	cr_assert_eq(bitmap_find(&map, 70), 70);
	cr_assert_eq(bitmap_find(&map, 71), 9000);
	cr_assert_eq(bitmap_find(&map, 9001), 70);
}

Test(bitmap, shouldSayWhoClearedABit)
{
	make(100);
	bitmap_set(&map, 42);
	cr_assert(bitmap_clear(&map, 42));
	cr_assert_not(bitmap_clear(&map, 42));
}

Test(bitmap, shouldKeepSummariesWhileANeighbourIsSet)
{
	make(10000);
	bitmap_set(&map, 128);
	bitmap_set(&map, 129);
	bitmap_clear(&map, 128);
	cr_assert_eq(bitmap_find(&map, 0), 129);
}

/* A kill between two levels of a clear leaves a summary over an empty word. */
Test(bitmap, shouldFindABitBehindASummaryThatLiesAtAnyLevel)
{
	for (uint32_t level = 1; level < 3; level++) {
		uint32_t lie = level == 1 ? 64 : 4096; /* the first bit below the lying summary */

		make(300000);
		for (uint32_t at = level, index = lie >> (6 * level); at < map.levels; at++, index /= 64)
			fetch_or_seq(&map.level[at][index / 64], UINT64_C(1) << (index % 64));
		bitmap_set(&map, 100000);
		cr_assert_eq(bitmap_find(&map, 0), 100000, "a lie at level %u hides it", level);
		cr_assert_eq(bitmap_find(&map, 200000), 100000, "a lie at level %u hides it", level);
		bitmap_clear(&map, 100000);
		cr_assert_eq(bitmap_find(&map, 0), -1);
		cr_assert_not(bitmap_any(&map), "lies are taken away");
	}
}

Test(bitmap, shouldCountARunToTheEndOfItsWord)
{
	make(256);
	for (uint32_t bit = 60; bit < 130; bit++)
		bitmap_set(&map, bit);
	cr_assert_eq(bitmap_run(&map, 59), 0);
	cr_assert_eq(bitmap_run(&map, 60), 4);
	cr_assert_eq(bitmap_run(&map, 64), 64);
	cr_assert_eq(bitmap_run(&map, 128), 2);
	cr_assert_eq(bitmap_run(&map, 255), 0);
}

Test(bitmap, shouldAgreeWithAPlainArrayUnderRandomUse)
{
	enum { BITS = 9000, STEPS = 200000 };
	static bool wanted[BITS];
	uint64_t random = 1;

	make(BITS);
	for (int step = 0; step < STEPS; step++) {
		uint32_t bit, from;
		int64_t expected = -1;

		random = random * 6364136223846793005 + 1442695040888963407;
		bit = (uint32_t)(random >> 33) % BITS;
		if (random >> 62) {
			cr_assert_eq(bitmap_clear(&map, bit), wanted[bit]);
			wanted[bit] = false;
		} else {
			bitmap_set(&map, bit);
			wanted[bit] = true;
		}
		if (step % 64)
			continue;
		from = (uint32_t)(random >> 20) % BITS;
		for (uint32_t i = 0; i < BITS && expected < 0; i++)
			if (wanted[(from + i) % BITS])
				expected = (from + i) % BITS;
		cr_assert_eq(bitmap_find(&map, from), expected);
	}
}

/* The last word has bits to spare, which damage may set. */
Test(bitmap, shouldNotFindABitBehindItsEnd)
{
	make(100);
	bitmap_set(&map, 3);
	fetch_or_seq(&map.level[0][1], UINT64_C(1) << 50);
	fetch_or_seq(&map.level[1][0], 2);
	cr_expect_eq(bitmap_find(&map, 64), 3, "it goes round");
	bitmap_clear(&map, 3);
	cr_expect_eq(bitmap_find(&map, 0), -1);
	cr_expect_eq(bitmap_find(&map, 64), -1);
}

Test(bitmap, shouldGoRoundFromTheLastBitOfAFullWordOfEachLevel)
{
	make(4096);
	bitmap_set(&map, 5);
	cr_expect_eq(bitmap_find(&map, 4095), 5);
	cr_expect_eq(bitmap_find(&map, 4032), 5);
}
