/* Messages of FIFO queues, and of tenants, put back into a segment that has no name yet, and what is said when they
 * do not fit. */
#include "shm/restore.h"
#include "shm/rows.h"
#include "tests/support/queue_fixture.h"
#include "tests/unit/fifo_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct segment *draft;

static void tear_down(void)
{
	seg_close(draft);
	fifo_test_end();
}

TestSuite(fifo_restore, .init = fifo_test_begin, .fini = tear_down, .timeout = 60);

static void draft_of(enum rlq_type type)
{
	struct seg_recipe recipe = {
		.name = "q",
		.capacity = 1000,
		.mode = 0600,
		.group = UINT32_MAX,
		.type = type,
		.dedup_max = type == RLQ_FIFO ? 100000 : 0,
	};

	recipe.attribute[ATTRIBUTE_DEDUP_WINDOW_MS] = 300000;
	cr_assert_eq(seg_draft_create(fifo_test_directory(), &recipe, &draft), 0);
	cr_assert_eq(seg_enter(draft), 0);
}

Test(fifo_restore, shouldSayWhyIdsThatWereKnownHaveNoTable)
{
	draft_of(RLQ_FIFO);
	cr_expect_eq(seg_restore_ids(draft, 10), 0);
	cr_expect_eq(draft->dedup.count, 1, "they fit");
	fifo_test_refuse_memory(ENOSPC);
	cr_expect_eq(seg_restore_ids(draft, 50000), RLQ_ENOSPACE);
	fifo_test_refuse_memory(EIO);
	cr_expect_eq(seg_restore_ids(draft, 50000), -EIO);
	fifo_test_refuse_memory(0);
	cr_expect_eq(seg_restore_ids(draft, 50000), 0);
	cr_expect_eq(draft->dedup.count, 2);
	cr_expect_eq(draft->dedup.table[1].order, 17);
}

/* More than there are cells for on one probe. */
Test(fifo_restore, shouldSayThatAnIdThatWasKnownHasNoRoom)
{
	struct dedup_message known = {.key = {1, 0}, .sequence = 1};
	int error = 0;

	draft_of(RLQ_FIFO);
	known.boot_ms = draft->clock.boot_ms;
	for (; known.key[1] < UINT64_C(1) << TABLE_ORDER_FIRST; known.key[1]++)
		error |= seg_restore_id(draft, &known);
	cr_expect_eq(error, 0);
	cr_expect_eq(seg_restore_id(draft, &known), RLQ_ENOSPACE);
	known.boot_ms -= 300000;
	cr_expect_eq(seg_restore_id(draft, &known), 0, "it is past its window");
}

static int restore_with(const void *payload, uint32_t body_bytes, uint32_t extra_bytes)
{
	struct restored message = {.number = 1,
				   .payload = payload,
				   .body_bytes = body_bytes,
				   .extra_bytes = extra_bytes,
				   .sent_boot_ms = draft->clock.boot_ms};
	struct restored_place place;

	return seg_restore(draft, &message, &place);
}

static uint32_t extra_with(unsigned char *to, const char *group, const char *dedup_id)
{
	struct message_parts parts = {.group = group,
				      .group_bytes = group ? (uint32_t)strlen(group) : 0,
				      .dedup_id = dedup_id,
				      .dedup_bytes = dedup_id ? (uint32_t)strlen(dedup_id) : 0};

	message_write_extra(to, &parts);
	return (uint32_t)message_extra_bytes(&parts);
}

Test(fifo_restore, shouldNotPutBackAMessageWithoutItsIds)
{
	static const char *const ids[][2] = {{NULL, NULL}, {"g", NULL}, {NULL, "id"}};
	unsigned char payload[64] = "body";

	draft_of(RLQ_FIFO);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(restore_with(payload, 4, extra_with(payload + 4, ids[i][0], ids[i][1])), RLQ_EDAMAGED,
			     "%d", i);
	memset(payload, 0xff, sizeof(payload));
	cr_expect_eq(restore_with(payload, 4, 9), RLQ_EDAMAGED, "they cannot be read");
	cr_expect_eq(restore_with(payload, 4, extra_with(payload + 4, "g", "id")), 0);
}

Test(fifo_restore, shouldNotPutBackAMessageWhoseTenantCannotBeKept)
{
	unsigned char payload[64] = "body";
	uint32_t extra_bytes = extra_with(payload + 4, "tenant", NULL);

	draft_of(RLQ_STANDARD);
	fifo_test_refuse_memory(ENOSPC);
	cr_expect_eq(restore_with(payload, 4, extra_bytes), RLQ_ENOSPACE);
	fifo_test_refuse_memory(EIO);
	cr_expect_eq(restore_with(payload, 4, extra_bytes), -EIO);
	fifo_test_refuse_memory(0);
	cr_expect_eq(restore_with(payload, 4, extra_bytes), 0);
	memset(payload, 0xff, sizeof(payload));
	cr_expect_eq(restore_with(payload, 4, 9), RLQ_EDAMAGED);
}

/* What was moved counts for nobody's id, before a reboot and after it. */
Test(fifo_restore, shouldNotKnowTheIdOfWhatWasMovedBeforeAReboot)
{
	unsigned char payload[64] = "body";
	struct restored message = {.number = 1,
				   .payload = payload,
				   .body_bytes = 4,
				   .extra_bytes = extra_with(payload + 4, "g", "id"),
				   .was_moved = true};
	struct restored_place place;

	draft_of(RLQ_FIFO);
	message.sent_boot_ms = draft->clock.boot_ms;
	cr_expect_eq(seg_restore(draft, &message, &place), 0);
	cr_expect_eq(load_relaxed(&draft->dedup.table[0].head->used), 0);
	message.was_moved = false;
	cr_expect_eq(seg_restore(draft, &message, &place), 0);
	cr_expect_eq(load_relaxed(&draft->dedup.table[0].head->used), 1);
}

Test(fifo_restore, shouldNotPutBackAMessageWhoseGroupGetsNoCell)
{
	unsigned char payload[64] = "body";
	uint32_t extra_bytes = extra_with(payload + 4, "g", "id");

	draft_of(RLQ_FIFO);
	queue = &(struct rlq_queue){.seg = draft};
	fifo_test_wear_out();
	fifo_test_refuse_memory(ENOSPC);
	cr_expect_eq(restore_with(payload, 4, extra_bytes), RLQ_ENOSPACE);
	fifo_test_refuse_memory(0);
	cr_expect_eq(restore_with(payload, 4, extra_bytes), 0);
}

/* Who made a table of groups for it is dead. */
Test(fifo_restore, shouldMakeWayForWhatIsPutBack)
{
	unsigned char payload[64] = "body";

	draft_of(RLQ_FIFO);
	queue = &(struct rlq_queue){.seg = draft};
	fifo_test_wear_out();
	fifo_test_take_regions(TABLE_GROUPS, SEG_ROWS_STEP - 1, 77);
	cr_expect_eq(restore_with(payload, 4, extra_with(payload + 4, "g", "id")), 0);
	cr_expect_eq(draft->groups.table_count, 2);
}
