#include "client/internal.h"

#include <criterion/criterion.h>
#include <string.h>

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

TestSuite(arena, .fini = tear_down);

Test(arena, shouldGivePiecesThatDoNotTouchEachOther)
{
	unsigned char *pieces[1000];

	for (int i = 0; i < 1000; i++) {
		pieces[i] = arena_take(&arena, (size_t)i);
		cr_assert(pieces[i] != NULL);
		cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], i & 0xff, (size_t)i);
	}
	for (int i = 0; i < 1000; i++)
		for (int at = 0; at < i; at++)
			cr_assert_eq(pieces[i][at], i & 0xff, "piece %d", i);
}

Test(arena, shouldGivePiecesLargerThanAChunk)
{
	unsigned char *small = arena_take(&arena, 100), *large = arena_take(&arena, 1 << 20);
	unsigned char *after = arena_take(&arena, 100);

	cr_assert(small && large && after);
	memset(large, 1, 1 << 20);
	memset(small, 2, 100);
	memset(after, 3, 100);
	cr_assert_eq(large[0], 1);
	cr_assert_eq(large[(1 << 20) - 1], 1);
}

Test(arena, shouldUseItsLargestChunkAgainAfterAReset)
{
	void *large = arena_take(&arena, 1 << 20);

	arena_take(&arena, 100);
	arena_reset(&arena);
	cr_assert_eq(arena_take(&arena, 1 << 20), large);
	arena_reset(&arena);
	cr_assert_eq(arena_take(&arena, 10), large);
}

Test(arena, shouldBearResettingAndFreeingNothing)
{
	arena_reset(&arena);
	arena_free(&arena);
	arena_free(&arena);
	cr_assert(arena.chunks == NULL);
}
