#include "client/internal.h"
#include "shm/durable.h"
#include "shm/window.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>

TestSuite(window, .init = queues_begin, .fini = queues_end, .timeout = 60);

enum { PIECE_MAX = WINDOW_BYTES / 4 };

static uint64_t use_all(struct segment *segment, uint64_t begun, uint64_t done, uint64_t bytes)
{
	uint64_t used = 0;

	for (uint64_t sent = 0; sent < bytes; sent += 1024)
		used = seg_window_use(segment, begun, done, 1024);
	return used;
}

Test(window, isForAllHandlesTogether)
{
	struct segment *one = queue_of("q", 100)->seg, *other = queue_again("q")->seg;

	cr_expect_leq(use_all(one, 7, 7, WINDOW_BYTES / 2), WINDOW_BYTES / 2 + PIECE_MAX);
	cr_expect_geq(use_all(other, 7, 7, WINDOW_BYTES / 2), WINDOW_BYTES);
}

Test(window, isWholeForOneWhoAloneSends)
{
	struct segment *one = queue_of("q", 100)->seg;

	queue_again("q");
	queue_again("q");
	cr_expect_leq(use_all(one, 7, 7, WINDOW_BYTES - PIECE_MAX), WINDOW_BYTES);
	cr_expect_gt(use_all(one, 7, 7, PIECE_MAX), WINDOW_BYTES);
}

Test(window, countsTheTurnUnderWayUntilItIsDone)
{
	struct segment *one = queue_of("q", 100)->seg;

	use_all(one, 7, 7, WINDOW_BYTES / 2);
	cr_expect_geq(seg_window_use(one, 8, 7, 1024), WINDOW_BYTES / 2 + 1024);
	cr_expect_leq(seg_window_use(one, 8, 8, 0), PIECE_MAX);
	use_all(one, 8, 8, WINDOW_BYTES / 2);
	cr_expect_leq(seg_window_use(one, 10, 9, 1024), PIECE_MAX, "turn 9 is done, and 10 has nothing");
}

Test(window, countsALargeMessageWhole)
{
	struct segment *one = queue_of("q", 100)->seg;

	cr_expect_gt(seg_window_use(one, 7, 7, UINT64_C(1) << 40), WINDOW_BYTES);
	cr_expect_geq(seg_window_use(one, 7, 7, 0), WINDOW_BYTES);
	cr_expect_eq(seg_window_use(one, 8, 8, 0), 0);
}

Test(window, getsBackWhatIsDeletedBeforeItIsWritten)
{
	struct segment *one = queue_of("q", 100)->seg, *other = queue_again("q")->seg;

	for (int i = 0; i < 10; i++) {
		cr_expect_leq(use_all(one, 7, 7, WINDOW_BYTES / 2), WINDOW_BYTES, "round %d", i);
		for (int sent = 0; sent < WINDOW_BYTES / 2; sent += 1024)
			seg_window_give_back(other, 7, 1024);
	}
	cr_expect_gt(use_all(one, 7, 7, WINDOW_BYTES), WINDOW_BYTES);
}

Test(window, getsNothingBackOfAnEarlierTurn)
{
	struct segment *one = queue_of("q", 100)->seg, *other = queue_again("q")->seg;

	use_all(one, 8, 8, WINDOW_BYTES);
	for (int sent = 0; sent < WINDOW_BYTES; sent += 1024)
		seg_window_give_back(other, 7, 1024);
	cr_expect_gt(use_all(one, 8, 8, PIECE_MAX), WINDOW_BYTES);
}

Test(window, isNotDisturbedByOneWhoWasStopped)
{
	struct segment *one = queue_of("q", 100)->seg, *stopped = queue_again("q")->seg;
	uint64_t used = use_all(one, 9, 9, WINDOW_BYTES / 2);

	cr_expect_leq(seg_window_use(stopped, 7, 7, 1024), PIECE_MAX);
	cr_expect_geq(use_all(one, 9, 9, WINDOW_BYTES / 2), used + WINDOW_BYTES / 2 - PIECE_MAX);
}

Test(window, getsBackNoMoreThanWasTaken)
{
	struct segment *one = queue_of("q", 100)->seg, *other = queue_again("q")->seg;

	use_all(one, 7, 7, PIECE_MAX);
	seg_window_give_back(other, 7, 2 * WINDOW_BYTES);
	cr_expect_leq(seg_window_use(other, 7, 7, 1), WINDOW_BYTES);
	cr_expect_gt(use_all(one, 7, 7, WINDOW_BYTES + PIECE_MAX), WINDOW_BYTES);
}

/* The number of handles is others' to write. */
Test(window, isTakenInPiecesWhateverTheNumberOfHandlesSays)
{
	struct segment *one = queue_of("q", 100)->seg;

	store_seq(&one->header->row_used, 0);
	cr_expect_eq(seg_window_use(one, 7, 7, 1), PIECE_MAX);
	store_seq(&one->header->row_used, UINT32_MAX);
	cr_expect_eq(seg_window_use(one, 8, 8, 1), PIECE_MAX);
	store_seq(&one->header->row_used, 4);
	cr_expect_eq(seg_window_use(one, 9, 9, 1), PIECE_MAX / 4);
}

/* A directory that is made anew counts its turns from 1 again. */
Test(window, beginsAnewWithTurnsFarBack)
{
	struct segment *one = queue_of("q", 100)->seg;

	use_all(one, 1000001, 1000001, WINDOW_BYTES);
	cr_expect_leq(seg_window_use(one, 1, 1, 1024), PIECE_MAX);
	cr_expect_gt(use_all(one, 1, 1, WINDOW_BYTES), WINDOW_BYTES);
}

Test(window, countsWhatAFailedTurnShouldHaveWritten)
{
	struct segment *one = queue_of("q", 100)->seg;

	use_all(one, 7, 7, WINDOW_BYTES / 4);
	use_all(one, 8, 7, WINDOW_BYTES / 4);
	seg_window_carry(one, 8); /* and turn 9 begins */
	cr_expect_geq(seg_window_use(one, 9, 7, 1024), WINDOW_BYTES / 2 + 1024);
	cr_expect_leq(seg_window_use(one, 9, 9, 0), PIECE_MAX);
	seg_window_carry(one, 9); /* fails too */
	cr_expect_geq(seg_window_use(one, 10, 7, 1024), WINDOW_BYTES / 2 + 2048);
	cr_expect_leq(seg_window_use(one, 12, 11, 1024), PIECE_MAX, "all is done");
}

Test(window, ofMovesIsForAllQueuesAndHoldsWhateverFails)
{
	struct seg_engine_page *page = queues_directory()->seg.engine;
	uint64_t admitted = 0;

	while (seg_moves_admit(page, 1000))
		admitted += 1000;
	cr_expect_leq(admitted, MOVES_BYTES);
	cr_expect_gt(admitted, MOVES_BYTES - 32 * 1024);
	cr_assert_eq(seg_turn_begin(page), 1);
	cr_expect_not(seg_moves_admit(page, 1), "it is not done");
	cr_assert_eq(seg_turn_begin(page), 2);
	cr_assert_eq(seg_turn_begin(page), 3);
	cr_expect_not(seg_moves_admit(page, 1), "two have failed");
	seg_turn_done(page, 3);
	cr_expect(seg_moves_admit(page, 2 * MOVES_BYTES), "one that is large goes alone");
	cr_expect_not(seg_moves_admit(page, 1));
	seg_turn_done(page, seg_turn_begin(page));
	cr_expect(seg_moves_admit(page, 1));
}
