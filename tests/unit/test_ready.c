#include "ring/ready.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ORDER = 3, SIZE = 1 << ORDER };

static struct ring_ends ends;
static atomic_u64 cells[SIZE];
static const struct ready ready = {.ends = &ends, .cells = cells, .order = ORDER};

static uint64_t token(uint32_t slot)
{
	return link_pack(slot % 3, slot, 77);
}

static void check_is(uint64_t popped, uint32_t slot)
{
	cr_assert_neq(popped, 0);
	cr_assert_eq(link_slot(popped), slot);
	cr_assert_eq(link_ring(popped), slot % 3);
}

Test(ready, shouldBeEmptyWhenItsMemoryIsZero)
{
	cr_assert_not(ready_any(&ready));
	cr_assert_eq(ready_pop(&ready, NULL), 0);
}

Test(ready, shouldPopInTheOrderOfPushing)
{
	for (uint32_t i = 0; i < 5 * SIZE; i++) {
		cr_assert_eq(ready_push(&ready, token(2 * i)), 2 * i + 1);
		cr_assert_eq(ready_push(&ready, token(2 * i + 1)), 2 * i + 2);
		check_is(ready_pop(&ready, NULL), 2 * i);
		check_is(ready_pop(&ready, NULL), 2 * i + 1);
	}
	cr_assert_eq(ready_pop(&ready, NULL), 0);
	cr_assert_not(ready_any(&ready));
}

Test(ready, shouldTellTheFirstSlotOfTheFirstRingFromNothing)
{
	ready_push(&ready, link_pack(0, 0, 0));
	check_is(ready_pop(&ready, NULL), 0);
}

Test(ready, shouldRefuseWhenFullAndTakeAgainAfterAPop)
{
	for (uint32_t i = 0; i < SIZE; i++)
		cr_assert_neq(ready_push(&ready, token(i)), 0);
	cr_assert_eq(ready_push(&ready, token(99)), 0);
	check_is(ready_pop(&ready, NULL), 0);
	cr_assert_neq(ready_push(&ready, token(SIZE)), 0);
	for (uint32_t i = 1; i <= SIZE; i++)
		check_is(ready_pop(&ready, NULL), i);
}

Test(ready, shouldKnowWhichTicketsHavePassed)
{
	uint64_t first = ready_push(&ready, token(1)), second = ready_push(&ready, token(2));

	cr_assert_not(ready_has_passed(&ready, first));
	ready_pop(&ready, NULL);
	cr_assert(ready_has_passed(&ready, first));
	cr_assert_not(ready_has_passed(&ready, second));
	for (uint32_t i = 0; i < SIZE - 1; i++)
		ready_push(&ready, token(i));
	cr_assert(ready_has_passed(&ready, first), "also when its cell is used again");
	cr_assert_not(ready_has_passed(&ready, second));
}

/* ---- what a kill leaves ------------------------------------------------------------------------- */

Test(ready, shouldPassAPusherThatWasKilledAfterItsTicket)
{
	ready_push(&ready, token(1));
	ends.tail++;
	ready_push(&ready, token(2));
	check_is(ready_pop(&ready, NULL), 1);
	check_is(ready_pop(&ready, NULL), 2);
	cr_assert_eq(ready_pop(&ready, NULL), 0);
	cr_assert_not(ready_any(&ready));
}

Test(ready, shouldLeaveTheLastTicketToItsPusher)
{
	uint64_t slow = ++ends.tail;

	cr_assert_not(ready_any(&ready), "he will ask for sleepers when he has pushed");
	cr_assert_eq(ready_pop(&ready, NULL), 0);
	cr_assert_not(ready_has_passed(&ready, slow));
	ready_push(&ready, token(2));
	cr_assert(ready_any(&ready));
	check_is(ready_pop(&ready, NULL), 2);
	cr_assert(ready_has_passed(&ready, slow));
}

/* The pusher comes back: its cell is of another lap. */
Test(ready, shouldPushAgainWhenPassed)
{
	cells[0] = UINT64_C(1) << 28;
	cr_assert_eq(ready_push(&ready, token(5)), 2);
	check_is(ready_pop(&ready, NULL), 5);
}

Test(ready, shouldMoveTheHeadForAPopThatWasKilled)
{
	uint64_t first = ready_push(&ready, token(1));

	ready_push(&ready, token(2));
	cells[0] = UINT64_C(1) << 28;
	cr_assert(ready_has_passed(&ready, first));
	check_is(ready_pop(&ready, NULL), 2);
	cr_assert_eq(ends.head, 2);
}

/* More took tickets at once than there was room for. */
Test(ready, shouldLoseNothingWhenTicketsWereTakenBeyondItsSize)
{
	for (uint32_t i = 0; i < SIZE; i++)
		ready_push(&ready, token(i));
	ends.tail += 3;
	for (uint32_t i = 0; i < SIZE; i++)
		check_is(ready_pop(&ready, NULL), i);
	cr_assert_eq(ready_pop(&ready, NULL), 0);
	cr_assert_neq(ready_push(&ready, token(9)), 0);
	check_is(ready_pop(&ready, NULL), 9);
}

/* ---- damage ------------------------------------------------------------------------------------- */

static void check_works_again(void)
{
	for (uint32_t i = 0; i < 3 * SIZE; i++)
		ready_pop(&ready, NULL);
	for (uint32_t i = 0; i < 100; i++) {
		cr_assert_neq(ready_push(&ready, token(i)), 0);
		check_is(ready_pop(&ready, NULL), i);
	}
}

Test(ready, shouldWorkOnAfterDamageOfItsEnds)
{
	const uint64_t wrong[][2] = {{0, UINT64_C(1) << 40}, {UINT64_C(1) << 40, 0}, {5, 5 + 3 * SIZE}, {7, 3}};

	for (int i = 0; i < 4; i++) {
		memset(cells, 0, sizeof(cells));
		ends.head = wrong[i][0];
		ends.tail = wrong[i][1];
		check_works_again();
	}
}

Test(ready, shouldSayThatATokenHasPassedThatWasLostToDamage)
{
	uint64_t ticket = ready_push(&ready, token(1));

	ends.head = ends.tail = 100;
	cr_assert(ready_has_passed(&ready, ticket));
}

Test(ready, shouldWorkOnAfterDamageOfItsCells)
{
	ends.head = ends.tail = 10 * SIZE;
	for (int i = 0; i < SIZE; i++)
		cells[i] = (uint64_t)(5 + i) << 28 | (i % 2 ? UINT64_C(1) << 27 : 0);
	for (int i = 0; i < 4 * SIZE; i++) {
		ready_push(&ready, token(1));
		ready_pop(&ready, NULL);
	}
	check_works_again();
}
