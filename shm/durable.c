#include "shm/durable.h"

#include "kmod-free/clock.h"
#include "kmod-free/futex.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/window.h"

int seg_journal_state(const struct seg_directory *directory)
{
	const struct seg_engine_page *page = directory->engine;
	uint64_t key = load_acquire(&page->journal_key);

	if (key == 0 || os_liveness_ask(&directory->liveness, key) == OS_DEAD)
		return RLQ_EENGINE;
	return load_acquire(&page->journal_error) ? RLQ_EJOURNAL : 0;
}

int seg_journal_state_again(struct segment *segment)
{
	const struct seg_directory *directory = segment->directory;
	const struct seg_engine_page *page = directory->engine;
	uint64_t key = load_acquire(&page->journal_key);

	if (key == 0 || os_liveness_ask_again(&directory->liveness, &segment->journal, key) == OS_DEAD)
		return RLQ_EENGINE;
	return load_acquire(&page->journal_error) ? RLQ_EJOURNAL : 0;
}

int seg_journal_state_guess(const struct seg_directory *directory, uint64_t now_ms)
{
	const struct seg_engine_page *page = directory->engine;

	if (!seg_engine_is_prompt(directory, now_ms) || load_acquire(&page->journal_key) == 0)
		return seg_journal_state(directory);
	return load_acquire(&page->journal_error) ? RLQ_EJOURNAL : 0;
}

int seg_journal_room(const struct segment *segment)
{
	return load_acquire(&segment->header->sends_refused) ? RLQ_EDISKFULL : 0;
}

bool seg_is_journaled(const struct segment *segment)
{
	uint64_t key = load_acquire(&segment->directory->engine->journal_key);

	return key != 0 && load_acquire(&segment->header->journaled_by) == key;
}

static void ring_journal(struct seg_engine_page *page)
{
	if (event_has_sleepers(&page->journal_bell)) /* [E1] */
		seg_wake(&page->journal_bell, 1);
}

/* [E1] Said, then asked whether the journal sleeps; pairs with [E2] of its thread. */
static void want_turn_now(struct seg_engine_page *page, uint64_t turn)
{
	raise_seq(&page->turn_urgent, turn);
	ring_journal(page);
}

static void want_turn_soon(struct seg_engine_page *page, uint64_t turn, uint64_t now_ms)
{
	store_seq(&page->wanted_since_ms[turn % 2], now_ms);
	raise_seq(&page->turn_wanted, turn);
	ring_journal(page);
}

void seg_want_turn(struct segment *segment)
{
	struct seg_engine_page *page = segment->directory->engine;
	uint64_t begun = load_seq(&page->turn_begun); /* [J3] */

	if (load_relaxed(&page->turn_wanted) <= begun) /* relaxed: one more who wants it does no harm */
		want_turn_soon(page, begun + 1, segment->clock.boot_ms);
}

/* Once more after the ticket, then asleep until woken, or for a slice. False: nobody woke us. */
static bool sleep_until_done(struct seg_engine_page *page, uint64_t turn, uint64_t now_ms)
{
	atomic_u32 *event = &page->durable[turn % 2];
	uint32_t ticket = event_prepare(event);

	if (load_seq(&page->turn_done) >= turn) /* [E2] */
		return true;
	return os_futex_wait(event, ticket, now_ms + DURABLE_SLICE_MS) == 0;
}

int seg_wait_durable(const struct seg_directory *directory)
{
	struct seg_engine_page *page = directory->engine;
	uint64_t turn = load_seq(&page->turn_begun) + 1; /* [J3] */
	uint64_t began_ms = os_boot_ms(), now_ms = began_ms;

	want_turn_now(page, turn);
	while (load_acquire(&page->turn_done) < turn) {
		int error;

		if (load_acquire(&page->journal_error)) /* nobody will wake us */
			return RLQ_EJOURNAL;
		error = sleep_until_done(page, turn, now_ms) ? 0 : seg_journal_state(directory);
		now_ms = os_boot_ms();
		if (load_acquire(&page->turn_done) >= turn)
			break;
		if (load_acquire(&page->journal_error))
			return RLQ_EJOURNAL;
		if (error || now_ms > began_ms + DURABLE_PATIENCE_MS)
			return RLQ_EUNKNOWN;
	}
	return 0;
}

int seg_compact(const struct seg_directory *directory)
{
	struct seg_engine_page *page = directory->engine;
	uint64_t number = load_seq(&page->compact_done) + 1;
	int error = seg_journal_state(directory);

	if (!error)
		raise_seq(&page->compact_asked, number);
	while (!error && load_seq(&page->compact_done) < number)
		error = seg_wait_durable(directory);
	return error;
}

int seg_settle_sync(const struct segment *segment)
{
	/* Of the journal that may end, or be followed by another, while we wait. */
	uint64_t key = load_acquire(&segment->directory->engine->journal_key);
	int error = seg_wait_durable(segment->directory);

	if (error || seg_is_journaled(segment))
		return error;
	return key != 0 && load_acquire(&segment->header->journaled_by) == key ? 0 : RLQ_EUNKNOWN;
}

/* ---- async: the window ------------------------------------------------------------------------ */

/* Is something not durable that was changed longer ago than the window? The first turn that will have what is not
 * durable is the one under way, though others before it may have failed; or the next one. */
static bool is_late(const struct seg_engine_page *page, uint64_t begun, uint64_t done, uint64_t now_ms)
{
	uint64_t turn = done < begun ? begun : done + 1;

	/* relaxed: if it is wanted; a moment's difference is in the window */
	return load_relaxed(&page->turn_wanted) >= turn &&
	       now_ms > load_relaxed(&page->wanted_since_ms[turn % 2]) + WINDOW_MS;
}

int seg_settle_async(struct segment *segment, uint64_t bytes)
{
	struct seg_engine_page *page = segment->directory->engine;
	uint64_t begun = load_seq(&page->turn_begun); /* [J3] */
	uint64_t done = load_acquire(&page->turn_done);
	uint64_t now_ms = segment->clock.boot_ms, used = seg_window_use(segment, begun, done, bytes);

	if (load_relaxed(&page->turn_wanted) <= begun) /* relaxed: as in seg_want_turn() */
		want_turn_soon(page, begun + 1, now_ms);
	/* So that it is done before the rest is used. */
	if (used > WINDOW_BYTES / 2 && load_relaxed(&page->turn_urgent) <= begun) /* relaxed: the same */
		want_turn_now(page, begun + 1);
	if (__builtin_expect(used <= WINDOW_BYTES && !is_late(page, begun, done, now_ms), 1))
		return 0;
	return seg_settle_sync(segment);
}

/* ---- the journal's end ------------------------------------------------------------------------ */

static void wake_waiters(struct seg_engine_page *page, uint64_t turn)
{
	atomic_u32 *event = &page->durable[turn % 2];

	if (event_has_sleepers(event))
		seg_wake(event, INT32_MAX);
}

uint64_t seg_turn_begin(struct seg_engine_page *page)
{
	uint64_t turn = load_seq(&page->turn_begun) + 1, now_ms = os_boot_ms();

	/* Nobody wanted it: the time is that of an earlier turn. relaxed: who wants it just now does so now */
	if (load_relaxed(&page->turn_wanted) < turn)
		store_seq(&page->wanted_since_ms[turn % 2], now_ms);
	/* It has what the last one should have had. */
	if (seg_turn_is_open(page)) {
		seg_moves_carry(page, turn - 1);
		raise_seq(&page->turn_wanted, turn);
		store_seq(&page->wanted_since_ms[turn % 2], load_seq(&page->wanted_since_ms[(turn - 1) % 2]));
	}
	store_seq(&page->turn_begun, turn); /* [J4], [J6] */
	return turn;
}

void seg_turn_gathered(struct seg_engine_page *page, uint64_t turn)
{
	store_seq(&page->turn_gathered, turn); /* [J7] */
}

void seg_turn_done(struct seg_engine_page *page, uint64_t turn)
{
	uint64_t before = load_seq(&page->turn_done);

	store_seq(&page->journal_error, 0);
	store_seq(&page->turn_done, turn);
	CRASH_POINT(turn_done);
	/* Who came since it began waits for the next one, and sleeps on. */
	if (turn != before + 1)
		wake_waiters(page, turn - 1);
	wake_waiters(page, turn);
}

void seg_turn_failed(struct seg_engine_page *page, int error)
{
	store_seq(&page->journal_error, (uint64_t) - (int64_t)error);
	seg_turn_gathered(page, load_seq(&page->turn_begun));
	wake_waiters(page, 0);
	wake_waiters(page, 1);
}
