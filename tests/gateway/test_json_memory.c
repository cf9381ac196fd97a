/* Pieces of jansson's trees are kept by the thread that gives them back, so many and no longer than it lives. */
#include <criterion/criterion.h>

#include <malloc.h>
#include <pthread.h>

#include "gateway/json_memory.h"

#include <jansson.h>

enum { PIECES = 100, TOO_MANY = 100000, THREADS = 200, PIECE_BYTES = 240 };

static json_malloc_t take;
static json_free_t give;

static void keep(void)
{
	if (!json_memory_keep())
		cr_skip_test("left to the sanitizer");
	json_get_alloc_funcs(&take, &give);
}

static int times_in(void *const *pieces, const void *piece)
{
	int times = 0;

	for (int i = 0; i < PIECES; i++)
		times += pieces[i] == piece;
	return times;
}

/* All but the few that malloc has made a little larger than they were asked for. */
Test(json_memory, what_was_given_back_is_taken_again)
{
	for (size_t bytes = 16; bytes <= 256; bytes += 5) {
		void *pieces[PIECES], *again[PIECES];
		int same = 0;

		keep();
		for (int i = 0; i < PIECES; i++)
			pieces[i] = take(bytes);
		for (int i = 0; i < PIECES; i++)
			give(pieces[i]);
		for (int i = 0; i < PIECES; i++)
			again[i] = take(bytes);
		for (int i = 0; i < PIECES; i++)
			same += times_in(pieces, again[i]);
		cr_expect_gt(same, PIECES / 2, "%d pieces of %zu bytes", same, bytes);
		cr_expect_leq(same, PIECES);
		for (int i = 0; i < PIECES; i++)
			give(again[i]);
	}
}

static size_t used(void)
{
	return mallinfo2().uordblks;
}

Test(json_memory, only_so_many_are_kept)
{
	static void *pieces[TOO_MANY];
	size_t before;

	keep();
	before = used();
	for (int i = 0; i < TOO_MANY; i++)
		pieces[i] = take(PIECE_BYTES);
	for (int i = 0; i < TOO_MANY; i++)
		give(pieces[i]);
	cr_expect_lt(used(), before + TOO_MANY / 100 * PIECE_BYTES);
}

static void *keep_some(void *context)
{
	void *pieces[PIECES];

	(void)context;
	for (int i = 0; i < PIECES; i++)
		pieces[i] = take(PIECE_BYTES);
	for (int i = 0; i < PIECES; i++)
		give(pieces[i]);
	return NULL;
}

Test(json_memory, what_a_thread_keeps_ends_with_it)
{
	size_t before;

	keep();
	before = used();
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, keep_some, NULL), 0);
		pthread_join(thread, NULL);
	}
	cr_expect_lt(used(), before + THREADS / 10 * PIECES * PIECE_BYTES);
}

/* Made by one thread, freed by another. */
static void *free_tree(void *tree)
{
	json_decref(tree);
	return NULL;
}

Test(json_memory, trees_may_pass_between_threads)
{
	keep();
	for (int i = 0; i < THREADS; i++) {
		json_t *tree = json_pack("{s:[s, i, {s:s}], s:s}", "list", "text", i, "key", "value", "a", "b");
		pthread_t thread;

		cr_assert_str_eq(json_string_value(json_object_get(tree, "a")), "b");
		cr_assert_eq(pthread_create(&thread, NULL, free_tree, tree), 0);
		pthread_join(thread, NULL);
	}
}
