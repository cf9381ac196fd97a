/* What a client makes of the engine's page: which journal is there, how long it waits for it, and what it frees
 * while the journal reads. No engine runs: the test writes the page. */
#include "shm/durable.h"

#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "shm/message.h"
#include "shm/move.h"
#include "shm/window.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>

static struct os_sysops real;
static struct seg_engine_page *page;

static struct seg_directory *directory(void)
{
	return &queues_directory()->seg;
}

static void set_up(void)
{
	queues_begin();
	real = os_sys;
	page = directory()->engine;
}

static void tear_down(void)
{
	os_sys = real;
	queues_end();
}

TestSuite(durable, .init = set_up, .fini = tear_down, .timeout = 60);

static struct segment *durable_queue(const char *name, enum rlq_durability durability)
{
	struct seg_recipe recipe = {
		.name = name, .capacity = 100, .mode = 0600, .group = UINT32_MAX, .durability = durability};

	recipe.attribute[ATTRIBUTE_RETENTION_MS] = RLQ_RETENTION_MIN_MS;
	cr_assert_eq(seg_create(directory(), &recipe), 0);
	return queue_again(name)->seg;
}

/* This process journals, for all that others can see. */
static uint64_t journal_here(void)
{
	uint64_t key = directory()->liveness.key;

	store_seq(&page->journal_key, key);
	return key;
}

/* ---- which journal is there ------------------------------------------------------------------- */

/* What the kernel says of the journal's process and what a prompt engine makes one guess are the same. */
static void expect_state(int state)
{
	cr_expect_eq(seg_journal_state(directory()), state);
	store_seq(&page->awake_by_ms, 0);
	cr_expect_eq(seg_journal_state_guess(directory(), boot_now()), state, "a late engine is asked for");
	store_seq(&page->awake_by_ms, boot_now());
	cr_expect_eq(seg_journal_state_guess(directory(), boot_now()), state, "a prompt one is believed");
}

Test(durable, shouldTellNoJournalFromOneThatCannotWrite)
{
	expect_state(RLQ_EENGINE);
	journal_here();
	expect_state(0);
	seg_turn_failed(page, -EIO);
	expect_state(RLQ_EJOURNAL);
	seg_turn_done(page, 1);
	expect_state(0);
	store_seq(&page->journal_key, 0);
	expect_state(RLQ_EENGINE);
}

Test(durable, shouldAskAgainAfterTheJournalOfAQueue)
{
	struct segment *segment = durable_queue("q", RLQ_SYNC);

	cr_expect_eq(seg_journal_state_again(segment), RLQ_EENGINE);
	journal_here();
	cr_expect_eq(seg_journal_state_again(segment), 0);
	store_seq(&page->journal_key, 0);
	cr_expect_eq(seg_journal_state_again(segment), RLQ_EENGINE);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static uint64_t key_after; /* of the journal when the turn is done */

/* The journal makes the turn that is waited for while its client sleeps. */
static long turning_futex(const _Atomic uint32_t *word, int operation, uint32_t value,
			  const struct timespec *timeout, uint32_t bits)
{
	os_sys.futex = real.futex;
	store_seq(&page->journal_key, key_after);
	seg_turn_done(page, seg_turn_begin(page));
	return real.futex(word, operation, value, timeout, bits);
}

/* The journal does nothing, and time passes. */
static long endless_futex(const _Atomic uint32_t *word, int operation, uint32_t value,
			  const struct timespec *timeout, uint32_t bits)
{
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)
		time_passes(DURABLE_PATIENCE_MS + 1);
	return real.futex(word, operation, value, timeout, bits);
}

Test(durable, shouldNotWaitForeverForAJournalThatLives)
{
	uint64_t before = boot_now();

	journal_here();
	os_sys.futex = endless_futex;
	cr_expect_eq(seg_wait_durable(directory()), RLQ_EUNKNOWN);
	cr_expect_eq(boot_now(), before + DURABLE_PATIENCE_MS + 1);
}

static int settle_while_the_journal_becomes(const struct segment *segment, uint64_t key)
{
	key_after = key;
	os_sys.futex = turning_futex;
	return seg_settle_sync(segment);
}

Test(durable, shouldCountOnTheJournalThatKnowsTheQueue)
{
	struct segment *segment = durable_queue("q", RLQ_SYNC);
	uint64_t key = journal_here();

	store_seq(&segment->header->journaled_by, key);
	cr_expect_eq(settle_while_the_journal_becomes(segment, key), 0);
	cr_expect_eq(settle_while_the_journal_becomes(segment, 0), 0, "it ended when it had written");
	journal_here();
	cr_expect_eq(settle_while_the_journal_becomes(segment, key + 2), 0, "and another one came");
}

Test(durable, shouldNotCountOnAJournalThatDoesNotKnowTheQueue)
{
	struct segment *segment = durable_queue("q", RLQ_SYNC);
	uint64_t key = journal_here();

	store_seq(&segment->header->journaled_by, key + 2);
	cr_expect_eq(settle_while_the_journal_becomes(segment, key), RLQ_EUNKNOWN);
	store_seq(&segment->header->journaled_by, 0);
	store_seq(&page->journal_key, 0);
	cr_expect_eq(settle_while_the_journal_becomes(segment, 0), RLQ_EUNKNOWN, "none is there");
}

Test(durable, shouldWaitInAnAsyncQueueForWhatIsLate)
{
	struct segment *segment = durable_queue("q", RLQ_ASYNC);

	key_after = journal_here();
	store_seq(&segment->header->journaled_by, key_after);
	store_seq(&page->turn_wanted, 1);
	store_seq(&page->wanted_since_ms[1], boot_now());
	time_passes(WINDOW_MS);
	os_clock_read(&segment->clock);
	cr_expect_eq(seg_settle_async(segment, 10), 0);
	cr_expect_eq(load_seq(&page->turn_done), 0, "not late yet");
	time_passes(1);
	os_clock_read(&segment->clock);
	os_sys.futex = turning_futex;
	cr_expect_eq(seg_settle_async(segment, 10), 0);
	cr_expect_eq(load_seq(&page->turn_done), 1);
}

/* Its turn has begun and ended between our looks at the one and at the other. */
Test(durable, shouldNotTakeForLateWhatIsDurable)
{
	struct segment *segment = durable_queue("q", RLQ_ASYNC);

	journal_here();
	time_passes(100000);
	os_clock_read(&segment->clock);
	store_seq(&page->turn_begun, 5);
	store_seq(&page->turn_wanted, 6);
	store_seq(&page->turn_done, 6);
	cr_expect_eq(seg_settle_async(segment, 10), 0);
}

static void change_after(struct segment *segment, int64_t ms)
{
	time_passes(ms);
	os_clock_read(&segment->clock);
	cr_expect_eq(seg_settle_async(segment, 10), 0);
}

/* The turn that was to have the first change has failed, and the one that is made instead is under way. */
Test(durable, shouldWaitForWhatAFailedTurnShouldHaveWritten)
{
	struct segment *segment = durable_queue("q", RLQ_ASYNC);

	key_after = journal_here();
	store_seq(&segment->header->journaled_by, key_after);
	change_after(segment, 100000);
	cr_assert_eq(seg_turn_begin(page), 1);
	change_after(segment, WINDOW_MS / 2);
	cr_assert_eq(seg_turn_begin(page), 2);
	change_after(segment, WINDOW_MS / 2);
	cr_expect_eq(load_seq(&page->turn_done), 0);
	os_sys.futex = turning_futex;
	change_after(segment, 1);
	cr_expect_gt(load_seq(&page->turn_done), 0, "it has waited");
}

/* ---- moves ----------------------------------------------------------------------------------- */

Test(durable, shouldMoveNothingThatTheJournalDoesNotKnowOfInBothQueues)
{
	struct segment *source = durable_queue("q", RLQ_ASYNC), *target = durable_queue("dlq", RLQ_ASYNC);
	uint64_t key = journal_here();
	struct slot *slot = &source->ring[0].slots[0];
	struct slot_word dead = word_make(SLOT_DEAD, word_generation(slot_read(slot)), OWNER_NONE, 1, 0);

	cr_assert(slot_change(slot, slot_read(slot), dead));
	cr_assert_eq(seg_enter(source), 0);
	store_seq(&source->header->journaled_by, key);
	cr_expect_eq(seg_move(source, 0, 0, dead, target, MOVE_TO_DLQ), RLQ_EENGINE);
	store_seq(&source->header->journaled_by, key + 2);
	store_seq(&target->header->journaled_by, key);
	cr_expect_eq(seg_move(source, 0, 0, dead, target, MOVE_TO_DLQ), RLQ_EENGINE);
	cr_expect_eq(word_state(slot_read(slot)), SLOT_DEAD);
	store_seq(&source->header->journaled_by, key);
	cr_expect_eq(seg_move(source, 0, 0, dead, target, MOVE_TO_DLQ), 0);
	cr_expect_eq(word_state(slot_read(slot)), SLOT_FREE);
	seg_leave(source);
}

/* ---- removal ---------------------------------------------------------------------------------- */

Test(durable, shouldNotRemoveAQueueThatNoJournalCanForget)
{
	struct segment *segment = durable_queue("q", RLQ_SYNC), *again;

	cr_expect_eq(seg_remove(directory(), "q"), RLQ_EENGINE);
	cr_expect_eq(seg_enter(segment), 0, "it can be used as before");
	seg_leave(segment);
	cr_assert_eq(seg_open(directory(), "q", &again), 0);
	seg_close(again);
}

Test(durable, shouldKeepTheNameUntilTheJournalHasForgotten)
{
	struct segment *segment = durable_queue("q", RLQ_SYNC), *again;

	/* Its remover was killed after it had marked it. */
	fetch_or_seq(&segment->header->rings, RINGS_REMOVED);
	journal_here();
	seg_turn_failed(page, -EIO);
	seg_finish_removal(directory(), "q");
	cr_expect_eq(seg_open(directory(), "q", &again), RLQ_EREMOVED);
	key_after = directory()->liveness.key;
	store_seq(&page->journal_error, 0);
	os_sys.futex = turning_futex;
	seg_finish_removal(directory(), "q");
	cr_expect_eq(seg_open(directory(), "q", &again), -ENOENT);
}

/* ---- free while the journal reads ------------------------------------------------------------- */

/* Puts a message into the first slot in that state, frees it, and says what is left. */
static enum slot_state freed_from(struct segment *segment, enum slot_state state)
{
	struct slot *slot = &segment->ring[0].slots[0];
	struct slot_word word = word_make(state, word_generation(slot_read(slot)), OWNER_NONE, 0, 0);

	cr_assert_eq(seg_enter(segment), 0);
	cr_assert(slot_change(slot, slot_read(slot), word));
	cr_expect(message_free(segment, 0, 0, word));
	seg_leave(segment);
	return word_state(slot_read(slot));
}

Test(durable, shouldKeepForTheJournalWhatWasSentAndNothingElse)
{
	static const enum slot_state never_sent[] = {SLOT_WRITING, SLOT_PASSED, SLOT_ARRIVING};
	struct segment *segment = durable_queue("q", RLQ_ASYNC);

	cr_assert_eq(seg_turn_begin(page), 1);
	cr_assert(seg_is_gathering(segment));
	for (size_t i = 0; i < sizeof(never_sent) / sizeof(never_sent[0]); i++)
		cr_expect_eq(freed_from(segment, never_sent[i]), SLOT_FREE, "%d", never_sent[i]);
	cr_expect_eq(freed_from(segment, SLOT_READY), SLOT_HELD);
	cr_expect(word_was_held_in(slot_read(&segment->ring[0].slots[0]), 1));
	cr_expect_not(word_was_held_in(slot_read(&segment->ring[0].slots[0]), 2));
	seg_turn_gathered(page, 1);
	message_free_held(segment, 0, 0);
	cr_expect_eq(word_state(slot_read(&segment->ring[0].slots[0])), SLOT_FREE);
	cr_expect_eq(freed_from(segment, SLOT_READY), SLOT_FREE, "nobody reads now");
}
