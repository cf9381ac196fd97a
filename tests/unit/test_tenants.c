/* Who is noisy, and what the ring does with the messages of noisy tenants. */
#include "ring/tenants.h"

#include "tests/unit/ring_fixture.h"

#include <criterion/criterion.h>

static struct ring_test test;
static _Alignas(8) atomic_u32 live[TENANT_COUNT];
static struct tenants tenants = {.live = live};

/* ---- judgement -------------------------------------------------------------------------------- */

static void judge(void)
{
	tenants_judge(&tenants);
}

Test(tenants, shouldFindNobodyNoisyWhileNobodyHasMessages)
{
	judge();
	cr_assert_not(tenants.any_is_noisy);
	cr_assert_not(tenant_is_noisy(&tenants, 1));
}

Test(tenants, shouldNotFindOneNoisyThatIsAlone)
{
	live[1] = 50000;
	judge();
	cr_assert_not(tenants.any_is_noisy);
	cr_assert_not(tenant_is_noisy(&tenants, 1));
}

Test(tenants, shouldFindOneNoisyBesideAnotherThatHasOneMessage)
{
	live[1] = 50000;
	live[2] = 1;
	judge();
	cr_assert(tenants.any_is_noisy);
	cr_assert(tenant_is_noisy(&tenants, 1));
	cr_assert_not(tenant_is_noisy(&tenants, 2));
}

Test(tenants, shouldNotFindThoseNoisyThatHaveLittle)
{
	live[1] = TENANT_FLOOR;
	live[2] = 1;
	judge();
	cr_assert_not(tenant_is_noisy(&tenants, 1));
	live[1]++;
	judge();
	cr_assert(tenant_is_noisy(&tenants, 1));
}

Test(tenants, shouldFindNobodyNoisyAmongEquals)
{
	for (uint32_t tenant = 1; tenant <= 100; tenant++)
		live[tenant] = 500 + tenant;
	judge();
	cr_assert_not(tenants.any_is_noisy);
}

Test(tenants, shouldFindThirtyOfAHundredNoisy)
{
	for (uint32_t tenant = 1; tenant <= 100; tenant++)
		live[tenant] = tenant <= 30 ? 1000 : 1;
	judge();
	cr_assert(tenant_is_noisy(&tenants, 1));
	cr_assert(tenant_is_noisy(&tenants, 30));
	cr_assert_not(tenant_is_noisy(&tenants, 31));
}

Test(tenants, shouldTakeCountsBelowZeroForNothing)
{
	live[1] = 50000;
	live[2] = (uint32_t)-3;
	judge();
	cr_assert_not(tenants.any_is_noisy, "the first one is alone");
	cr_assert_not(tenant_is_noisy(&tenants, 2));
}

Test(tenants, shouldNeverTakeForNoisyWhatIsNobodys)
{
	live[1] = 1;
	judge();
	cr_assert_not(tenants.any_is_noisy);
	cr_assert_not(tenant_is_noisy(&tenants, TENANT_NONE));
}

/* ---- the ring --------------------------------------------------------------------------------- */

enum { NOISY = 1, QUIET = 2, NOISY_TOO = 3, ORDER = 10 };

/* Tenant NOISY and NOISY_TOO are noisy from here on. */
static void make(void)
{
	ring_test_make(&test, ORDER);
	live[NOISY] = live[NOISY_TOO] = 1000;
	live[QUIET] = 1;
	tenants = (struct tenants){.live = live, .limit = 100, .any_is_noisy = true};
	test.terms.tenants = &tenants;
}

/* Ids tell whose it is: tenant * 1000 + count. */
static void send(uint32_t tenant, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct ring_claim claim;

		cr_assert_eq(ring_claim(&test.ring, &test.producer, test.owner, &claim), RING_OK);
		test.ring.slots[claim.slot].message.id[0] = tenant * 1000 + i;
		test.ring.slots[claim.slot].message.block = block_with_tenant(0, tenant);
		cr_assert_eq(ring_publish(&test.ring, &claim, test.owner), RING_OK);
	}
}

static bool take_aside(struct ring_taken *ret)
{
	enum ring_result result;

	while ((result = ring_take_aside(&test.ring, &test.consumer, &test.terms, ret)) == RING_BUSY)
		;
	cr_assert_neq(result, RING_DAMAGED);
	return result == RING_OK;
}

/* Receives and deletes what was put aside; its id, 0 for nothing. */
static uint64_t consume_aside(void)
{
	struct ring_taken taken;

	if (!take_aside(&taken))
		return 0;
	cr_assert(ring_free(&test.ring, taken.slot, taken.word));
	return ring_test_id(&test, &taken);
}

static bool is_aside(uint32_t slot)
{
	return bitmap_test(&test.ring.aside[NOISY % RING_LANES], slot);
}

Test(aside, shouldFindQuietOnesAtOnceBehindANoisyOne)
{
	make();
	send(NOISY, 500);
	send(QUIET, 3);
	cr_assert_eq(ring_test_consume(&test), 2000);
	cr_assert_eq(ring_test_consume(&test), 2001);
	cr_assert_eq(ring_test_consume(&test), 2002);
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(aside, shouldKeepWhatWasPutAsideEachOnceAndInOrder)
{
	make();
	send(NOISY, 500);
	cr_assert_eq(ring_test_consume(&test), 0);
	for (unsigned i = 0; i < 500; i++)
		cr_assert_eq(consume_aside(), 1000 + i);
	cr_assert_eq(consume_aside(), 0);
}

Test(aside, shouldPassEachMessageOnce)
{
	make();
	send(NOISY, 100);
	cr_assert_eq(ring_test_consume(&test), 0);
	cr_assert_eq(load_relaxed(&test.ends.head), 100);
	for (uint32_t slot = 0; slot < 100; slot++)
		cr_assert(bitmap_clear(&test.ring.aside[NOISY % RING_LANES], slot));
	cr_assert_eq(ring_test_consume(&test), 0);
	cr_assert_not(is_aside(0), "the head does not come back");
}

Test(aside, shouldPutNothingAsideWhileNobodyIsNoisy)
{
	make();
	test.terms.tenants = NULL;
	send(NOISY, 2);
	cr_assert_eq(ring_test_consume(&test), 1000);
	cr_assert_eq(ring_test_consume(&test), 1001);
}

Test(aside, shouldTakeFromTheHeadWhatIsNobodys)
{
	make();
	send(NOISY, 2);
	send(TENANT_NONE, 1);
	ring_test_send(&test, 77);
	cr_assert_eq(ring_test_consume(&test), TENANT_NONE * 1000 + 0);
	cr_assert_eq(ring_test_consume(&test), 77);
}

Test(aside, shouldServeNoisyOnesInTurn)
{
	make();
	cr_assert_neq(NOISY % RING_LANES, NOISY_TOO % RING_LANES);
	send(NOISY, 100);
	send(NOISY_TOO, 3);
	cr_assert_eq(ring_test_consume(&test), 0);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t first = consume_aside(), second = consume_aside();

		cr_assert_neq(first / 1000, second / 1000);
	}
	cr_assert_eq(consume_aside(), 1003);
}

Test(aside, shouldPutAsideWhatComesBackToANoisyOne)
{
	struct ring_taken taken;

	make();
	send(NOISY, 1);
	test.terms.tenants = NULL;
	cr_assert(ring_test_take(&test, &taken));
	cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
	test.terms.tenants = &tenants;
	send(QUIET, 1);
	cr_assert_eq(ring_test_consume(&test), 2000);
	cr_assert_eq(ring_test_consume(&test), 0);
	cr_assert_not(bitmap_test(&test.ring.again, taken.slot), "the bit was moved");
	cr_assert(take_aside(&taken));
	cr_assert_eq(word_receives(taken.word), 2);
}

Test(aside, shouldLeaveRedeliveryOfQuietOnesAlone)
{
	struct ring_taken taken;

	make();
	send(QUIET, 1);
	cr_assert(ring_test_take(&test, &taken));
	cr_assert(ring_make_ready(&test.ring, taken.slot, taken.word));
	send(NOISY, 10);
	cr_assert_eq(ring_test_consume(&test), 2000);
}

Test(aside, shouldFindEverythingBeforeItSleeps)
{
	make();
	send(NOISY, 1);
	cr_assert_eq(ring_test_consume(&test), 0);
	/* A summary that is gone for a moment, see bitmap.h. */
	test.ring.aside[NOISY % RING_LANES].level[1][0] = 0;
	cr_assert_eq(consume_aside(), 0);
	test.terms.before_sleep = true;
	cr_assert_eq(consume_aside(), 1000);
}

Test(aside, shouldGoOnFromLapToLap)
{
	make();
	for (unsigned lap = 0; lap < 20; lap++) {
		send(NOISY, 300);
		send(QUIET, 10);
		for (unsigned i = 0; i < 10; i++)
			cr_assert_eq(ring_test_consume(&test), 2000 + i);
		for (unsigned i = 0; i < 300; i++)
			cr_assert_eq(consume_aside() / 1000, NOISY);
		cr_assert_eq(ring_test_consume(&test), 0);
		cr_assert_eq(consume_aside(), 0);
	}
}

/* Bits are hints: of a slot that has another message by now, or none. */
Test(aside, shouldNotMindStaleBits)
{
	make();
	bitmap_set(&test.ring.aside[NOISY % RING_LANES], 5);
	cr_assert_eq(consume_aside(), 0);
	bitmap_set(&test.ring.aside[NOISY % RING_LANES], 0);
	send(QUIET, 1);
	cr_assert_eq(consume_aside(), 2000, "a quiet one's, earlier than it had to be");
	cr_assert_eq(ring_test_consume(&test), 0);
}

Test(aside, shouldSayWhatIsAside)
{
	make();
	send(NOISY, 1);
	cr_assert_not(ring_is_aside(&test.ring, 0));
	cr_assert_eq(ring_test_consume(&test), 0);
	cr_assert(ring_is_aside(&test.ring, 0));
}
