#include "ring/marks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct marks marks;
static char taken[256]; /* what take() has found: where each run of marks begins that were set at once */
static unsigned taken_count;

static void make(uint32_t slots)
{
	marks_place(&marks, calloc(1, marks_bytes(slots)), slots);
}

static const char *take(void)
{
	struct marks_taking taking = {0};
	uint64_t bits;
	uint32_t first;

	taken[0] = '\0';
	taken_count = 0;
	while (marks_take(&marks, &taking, &first, &bits)) {
		taken_count += (unsigned)__builtin_popcountll(bits);
		for (uint32_t i = 0; i < MARKS_WORD; i++) {
			size_t length = strlen(taken);
			bool is_first = i % MARKS_AT_ONCE == 0 || !(bits >> (i - 1) & 1);

			if (bits >> i & 1 && is_first)
				snprintf(taken + length, sizeof(taken) - length, " %u", first + i);
		}
	}
	return taken;
}

Test(marks, shouldBeNoneWhenTheirMemoryIsZero)
{
	make(100000);
	cr_assert_str_eq(take(), "");
}

Test(marks, shouldNeedABitForEachSlotAndOneForEachWord)
{
	cr_expect_eq(marks_bytes(1), 16);
	cr_expect_eq(marks_bytes(64), 16);
	cr_expect_eq(marks_bytes(65), 24);
	cr_expect_eq(marks_bytes(4096), 8 * (64 + 1));
	cr_expect_eq(marks_bytes(4097), 8 * (65 + 2));
	cr_expect_eq(marks_bytes(1 << 24), 8 * ((1 << 18) + (1 << 12)));
}

Test(marks, shouldBeTakenOnceAndInOrder)
{
	static const uint32_t slots[] = {99999, 0, 5, 63, 64, 4095, 4096, 70000, 5};

	make(100000);
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		marks_set(&marks, slots[i]);
	cr_assert_str_eq(take(), " 0 56 64 4088 4096 70000 99992");
	cr_assert_str_eq(take(), "");
	marks_set(&marks, 4096);
	cr_assert_str_eq(take(), " 4096");
}

Test(marks, shouldBeTakenAllOfThem)
{
	struct marks_taking taking = {0};
	uint64_t bits, count = 0;
	uint32_t first;

	make(10000);
	for (uint32_t slot = 0; slot < 10000; slot++)
		marks_set(&marks, slot);
	while (marks_take(&marks, &taking, &first, &bits)) {
		cr_assert_eq(first, count);
		count += (uint64_t)__builtin_popcountll(bits);
	}
	cr_assert_eq(count, 10000);
}

Test(marks, shouldWaitForTheNextTakeWhenSetBehindIt)
{
	struct marks_taking taking = {0};
	uint64_t bits;
	uint32_t first;

	make(10000);
	marks_set(&marks, 100);
	marks_set(&marks, 200);
	cr_assert(marks_take(&marks, &taking, &first, &bits));
	marks_set(&marks, 101);
	cr_assert(marks_take(&marks, &taking, &first, &bits));
	cr_assert_eq(first, 192);
	cr_assert_not(marks_take(&marks, &taking, &first, &bits));
	cr_assert_str_eq(take(), " 96");
}

Test(marks, shouldShowAMarkWhoseSummaryWasLostWhenItsWordIsMarkedAgain)
{
	make(10000);
	store_seq(&marks.words[2], UINT64_C(1) << 3); /* killed before the summary */
	cr_assert_str_eq(take(), "");
	marks_set(&marks, 131);
	cr_assert_str_eq(take(), " 131", "though its bit was set");
	store_seq(&marks.words[2], UINT64_C(1) << 11);
	marks_set(&marks, 128);
	cr_assert_str_eq(take(), " 128 139");
}

Test(marks, shouldPassOverASummaryOfNothing)
{
	make(10000);
	store_seq(&marks.summary[0], UINT64_MAX);
	marks_set(&marks, 77);
	cr_assert_str_eq(take(), " 72");
}

Test(marks, shouldNotBeLedOutOfTheRingByDamage)
{
	make(5);
	store_seq(&marks.words[0], UINT64_MAX);
	store_seq(&marks.summary[0], UINT64_MAX);
	cr_assert_str_eq(take(), " 0");
	cr_assert_eq(taken_count, 5);
	make(8192 + 64);
	store_seq(&marks.summary[2], UINT64_MAX - 1); /* of one word only, which is not among them */
	cr_assert_str_eq(take(), "");
	store_seq(&marks.summary[2], UINT64_MAX);
	store_seq(&marks.words[128], 1);
	cr_assert_str_eq(take(), " 8192");
}
