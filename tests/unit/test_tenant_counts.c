/* The counts of tenants in the segment: what comes, what goes, and what a kill leaves wrong. */
#include "client/internal.h"
#include "shm/tenants.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(tenant_counts, .init = queues_begin, .fini = queues_end, .timeout = 60);

static void send_of(struct rlq_queue *queue, const char *group, unsigned count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(rlq_send(queue, "x", 1, &options, NULL), 0);
}

static uint32_t number_of(struct rlq_queue *queue, const char *group)
{
	return group ? seg_tenant_of(queue->seg, group, strlen(group)) : TENANT_NOBODY;
}

/* As all handles see it. */
static atomic_u32 *count_of(struct rlq_queue *queue, const char *group)
{
	seg_tenants_flush(queue->seg);
	return (atomic_u32 *)(void *)(queue->seg->base + SEG_TENANTS) + number_of(queue, group);
}

static void take(struct rlq_queue *queue, struct rlq_message *ret_message)
{
	cr_assert_eq(receive_now(queue, ret_message, 1), 1);
}

Test(tenant_counts, shouldHaveNoMemoryWithoutGroupIds)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_text(queue, "a");
	cr_assert_not(seg_has_tenants(queue->seg));
	send_of(queue, "g", 1);
	cr_assert(seg_has_tenants(queue->seg));
	cr_assert(seg_has_tenants(queue_again("q")->seg));
}

Test(tenant_counts, shouldCountWhatIsWaitingAndInFlight)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	send_of(queue, "g", 5);
	cr_assert_eq(*count_of(queue, "g"), 5);
	take(queue, &message);
	cr_assert_eq(*count_of(queue, "g"), 5);
	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	cr_assert_eq(*count_of(queue, "g"), 4);
}

Test(tenant_counts, shouldCountTheFirstMessageOfAMillisecondAtOnce)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	const atomic_u32 *count;

	send_of(queue, "g", 1);
	count = (atomic_u32 *)(void *)(queue->seg->base + SEG_TENANTS) + number_of(queue, "g");
	cr_assert_eq(*count, 1);
	send_of(queue, "g", 3);
	cr_assert_eq(*count, 1, "these are noted");
	time_passes(1);
	send_of(queue, "g", 1);
	cr_assert_eq(*count, 5);
}

Test(tenant_counts, shouldLeaveNothingNotedWhenAHandleIsClosed)
{
	struct rlq_queue *queue = queue_make("q", NULL), *other;

	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &other), 0);
	send_of(other, "g", 4);
	rlq_queue_close(other);
	cr_assert_eq(*count_of(queue, "g"), 4);
}

Test(tenant_counts, shouldForgetWhatIsPurgedAndWhatExpires)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.retention_ms = 60000;
	queue = queue_make("q", &attributes);
	send_of(queue, "g", 20);
	cr_assert_eq(rlq_purge(queue, NULL), 0);
	cr_assert_eq(*count_of(queue, "g"), 0);
	send_of(queue, "g", 20);
	time_passes(60001);
	sweep_now(queue);
	cr_assert_eq(*count_of(queue, "g"), 0);
}

Test(tenant_counts, shouldCountAnewWhatAKillHasLeftWrong)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_of(queue, "g", 20);
	send_of(queue, "h", 3);
	*count_of(queue, "g") = 7;
	*count_of(queue, "h") = 100000;
	*count_of(queue, "nobody sends as this one") = (uint32_t)-5;
	sweep_now(queue);
	cr_assert_eq(*count_of(queue, "g"), 20);
	cr_assert_eq(*count_of(queue, "h"), 3);
	cr_assert_eq(*count_of(queue, "nobody sends as this one"), 0);
}

Test(tenant_counts, shouldCountWhatHasNoGroupIdAsOneTenantsOnceThereAreSome)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_text(queue, "before");
	send_of(queue, "g", 1);
	cr_assert_eq(*count_of(queue, NULL), 0);
	send_text(queue, "after");
	cr_assert_eq(*count_of(queue, NULL), 1);
}

Test(tenant_counts, shouldMoveWithAMessage)
{
	struct rlq_queue *dlq, *queue = queue_with_dlq("q", 1, &dlq);
	struct rlq_message message;

	send_of(queue, "g", 1);
	take(queue, &message);
	time_passes(1000 + LEASE_SLACK_MS);
	cr_assert_eq(receive_now(queue, &message, 1), 0);
	cr_assert_eq(*count_of(queue, "g"), 0);
	cr_assert(seg_has_tenants(dlq->seg));
	sweep_now(dlq);
	cr_assert_eq(*count_of(dlq, "g"), 1);
}

static enum ring_result take_from(const struct ring *ring, struct ring_cursor *cursor,
				  const struct tenants *tenants)
{
	struct ring_terms terms = {.deadline_ms = boot_now() + 1000, .tenants = tenants};
	struct ring_taken taken;
	enum ring_result result = ring_take(ring, cursor, &terms, &taken);

	return result == RING_EMPTY && tenants == NULL ? ring_take_aside(ring, cursor, &terms, &taken) : result;
}

/* A bit whose consumer was killed before the lease. */
Test(tenant_counts, shouldShowAgainWhatWasPutAsideAndHasLostItsBit)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	const struct ring *ring = &queue->seg->ring[0];
	struct ring_cursor *cursor = &queue->seg->cursor[0];
	struct tenants tenants = {.limit = 0};

	send_of(queue, "g", 1);
	tenants.live = count_of(queue, "g") - number_of(queue, "g");
	cr_assert_eq(take_from(ring, cursor, &tenants), RING_EMPTY);
	cr_assert(ring_is_aside(ring, 0));
	sweep_now(queue);
	cr_assert_not(bitmap_test(&ring->again, 0), "it is not lost");
	cr_assert(bitmap_clear(ring_lane(ring, number_of(queue, "g")), 0));
	cr_assert_eq(take_from(ring, cursor, NULL), RING_EMPTY);
	sweep_now(queue);
	cr_assert_eq(take_from(ring, cursor, NULL), RING_OK);
}

Test(tenant_counts, shouldNotBelieveADamagedFlag)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	store_relaxed(&queue->seg->header->tenants, 1);
	cr_assert_not(seg_has_tenants(queue->seg));
	send_text(queue, "a");
	cr_assert_eq(stat_of(queue).visible, 1);
	receive_one(queue);
}
