/* Messages put back into a segment that has no name yet, and what is said when they do not fit. */
#include "shm/restore.h"

#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "shm/tenants.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"
#include "tests/unit/faulty_calls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

enum { BLOCK_BYTES = 1000, NUMBER = 7 };

static struct os_sysops real;
static struct segment *draft;
static struct restored_place place;
static unsigned char payload[BLOCK_BYTES] = "payload";

static void set_up(void)
{
	queues_begin();
	real = os_sys;
}

static void tear_down(void)
{
	os_sys = real;
	seg_close(draft);
	queues_end();
}

TestSuite(restore, .init = set_up, .fini = tear_down, .timeout = 60);

static struct seg_directory *directory(void)
{
	return &queues_directory()->seg;
}

/* The first ring has two slots. */
static struct seg_recipe recipe_of(uint64_t capacity)
{
	return (struct seg_recipe){.name = "q",
				   .capacity = capacity,
				   .mode = 0600,
				   .group = UINT32_MAX,
				   .durability = RLQ_SYNC,
				   .order_first = 1};
}

static void draft_of(uint64_t capacity)
{
	struct seg_recipe recipe = recipe_of(capacity);

	cr_assert_eq(seg_draft_create(directory(), &recipe, &draft), 0);
	cr_assert_eq(seg_enter(draft), 0);
}

static int restore(uint64_t number, uint64_t block)
{
	struct restored message = {.number = number,
				   .block = block,
				   .body_bytes = block ? BLOCK_BYTES : 7,
				   .payload = block ? NULL : payload};

	return seg_restore(draft, &message, &place);
}

static int full_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return real.fallocate(fd, mode, offset, bytes);
	errno = ENOSPC;
	return -1;
}

Test(restore, aDraftIsNoQueueUntilItIsPublished)
{
	struct segment *segment;

	draft_of(10);
	cr_assert_eq(restore(NUMBER, 0), 0);
	cr_expect_eq(seg_open(directory(), "q", &segment), -ENOENT);
	cr_assert_eq(seg_draft_publish(directory(), "q"), 0);
	cr_assert_eq(seg_open(directory(), "q", &segment), 0);
	cr_expect_eq(seg_live(segment), 1);
	seg_close(segment);
}

Test(restore, anEmptyMessageNeedsNoPayload)
{
	struct restored message = {.number = NUMBER, .payload = NULL};

	draft_of(10);
	cr_assert_eq(seg_restore(draft, &message, &place), 0);
	cr_expect_eq(seg_live(draft), 1);
}

/* A body of so many bytes, and a group id, which is none if it is empty. */
static uint32_t restore_of(const char *group, uint32_t body_bytes, bool in_block)
{
	struct message_parts parts = {.group = *group ? group : NULL, .group_bytes = (uint32_t)strlen(group)};
	struct restored message = {.number = NUMBER,
				   .payload = payload,
				   .body_bytes = body_bytes,
				   .extra_bytes = (uint32_t)message_extra_bytes(&parts)};

	message_write_extra(payload + body_bytes, &parts);
	if (in_block)
		cr_assert_eq(seg_restore_payload(draft, NUMBER, payload, body_bytes + message.extra_bytes,
						 &message.block),
			     0);
	cr_assert_eq(seg_restore(draft, &message, &place), 0);
	return slot_tenant(&draft->ring[place.ring].slots[place.slot]);
}

Test(restore, aMessageHasItsTenantAgain)
{
	uint32_t tenant;

	draft_of(10);
	cr_expect_eq(restore_of("", 7, false), TENANT_NONE);
	cr_expect_not(seg_has_tenants(draft));
	tenant = seg_tenant_of(draft, "tenant", 6);
	cr_expect_eq(restore_of("tenant", 7, false), tenant);
	cr_expect_eq(restore_of("tenant", 500, true), tenant);
	cr_expect_eq(restore_of("", 7, false), TENANT_NOBODY);
	seg_tenants_flush(draft);
	cr_expect_eq(((uint32_t *)(void *)(draft->base + SEG_TENANTS))[tenant], 2);
}

Test(restore, aDraftTakesNoName, .description = "from a queue that was made meanwhile")
{
	struct seg_recipe recipe = recipe_of(10);

	cr_assert_eq(seg_create(directory(), &recipe), 0);
	draft_of(10);
	cr_expect_eq(seg_draft_publish(directory(), "q"), -EEXIST);
	seg_draft_remove(directory(), "q");
	cr_expect_eq(tmpdir_count(queues_path(), ".restore-"), 0);
}

Test(restore, aDraftThatCannotBeMadeLeavesNothing)
{
	struct seg_recipe recipe = recipe_of(10);

	faulty_calls_begin(FAULTY_FTRUNCATE, 1, EIO);
	cr_expect_eq(seg_draft_create(directory(), &recipe, &draft), -EIO);
	faulty_calls_end();
	cr_expect_eq(tmpdir_count(queues_path(), ".restore-"), 0);
}

Test(restore, aQueueTakesNoMoreThanItHolds)
{
	draft_of(1);
	cr_assert_eq(restore(NUMBER, 0), 0);
	cr_expect_eq(restore(NUMBER + 1, 0), RLQ_EFULL);
	cr_expect_eq(seg_live(draft), 1);
}

Test(restore, aRingThatCannotGrowIsFilledFirst)
{
	draft_of(100);
	os_sys.fallocate = full_fallocate;
	cr_expect_eq(restore(NUMBER, 0), 0);
	cr_expect_eq(restore(NUMBER + 1, 0), 0);
	cr_expect_eq(restore(NUMBER + 2, 0), RLQ_ENOSPACE);
	os_sys = real;
	cr_expect_eq(restore(NUMBER + 2, 0), 0);
	cr_expect_eq(seg_live(draft), 3);
}

Test(restore, aPayloadSaysWhyItHasNoBlock)
{
	uint64_t block;

	draft_of(10);
	cr_expect_eq(seg_restore_payload(draft, NUMBER, payload, body_bytes_max() + 1, &block), -EINVAL);
	os_sys.fallocate = full_fallocate;
	cr_expect_eq(seg_restore_payload(draft, NUMBER, payload, BLOCK_BYTES, &block), RLQ_ENOSPACE);
	os_sys = real;
	cr_assert_eq(seg_restore_payload(draft, NUMBER, payload, BLOCK_BYTES, &block), 0);
	cr_expect_eq(restore(NUMBER, block), 0);
}

Test(restore, aBlockGoesToItsOwnMessageOnly)
{
	uint64_t block;

	draft_of(10);
	cr_assert_eq(seg_restore_payload(draft, NUMBER, payload, BLOCK_BYTES, &block), 0);
	cr_expect_eq(restore(NUMBER + 1, block), RLQ_EDAMAGED);
	cr_expect_eq(restore(NUMBER, UINT64_MAX), RLQ_EDAMAGED, "no block at all");
	cr_expect_eq(restore(NUMBER, block), 0);
	cr_expect_eq(restore(NUMBER, block), RLQ_EDAMAGED, "once only");
	cr_expect_eq(seg_live(draft), 1);
}
