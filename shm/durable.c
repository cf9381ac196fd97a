#include "shm/durable.h"

#include "kmod-free/clock.h"
#include "kmod-free/futex.h"
#include "ringlease.h"

int seg_journal_state(const struct seg_directory *directory, uint64_t now_ms)
{
	const struct seg_engine_page *page = directory->engine;
	uint64_t key = load_acquire(&page->journal_key);

	if (key == 0)
		return RLQ_EENGINE;
	if (!seg_engine_is_prompt(directory, now_ms) && os_liveness_ask(&directory->liveness, key) == OS_DEAD)
		return RLQ_EENGINE;
	return load_acquire(&page->journal_error) ? RLQ_EJOURNAL : 0;
}

void seg_ring_journal(const struct seg_directory *directory, uint64_t turn, bool is_urgent)
{
	struct seg_engine_page *page = directory->engine;

	/* [E1] Said, then asked whether it sleeps; pairs with [E2] of the journal's thread. */
	raise_seq(&page->turn_wanted, turn);
	if (is_urgent)
		raise_seq(&page->turn_urgent, turn);
	if (event_has_sleepers(&page->journal_bell))
		seg_wake(&page->journal_bell, 1);
}

/* Once more after the ticket, then asleep until woken, or for a slice. */
static void sleep_until_done(struct seg_engine_page *page, uint64_t turn, uint64_t now_ms)
{
	uint32_t ticket = event_prepare(&page->durable);

	if (load_seq(&page->turn_done) < turn) /* [E2] */
		os_futex_wait(&page->durable, ticket, now_ms + DURABLE_SLICE_MS);
}

int seg_wait_durable(const struct seg_directory *directory)
{
	struct seg_engine_page *page = directory->engine;
	uint64_t turn = load_seq(&page->turn_begun) + 1; /* [J3] */
	uint64_t began_ms = os_boot_ms(), now_ms = began_ms;

	seg_ring_journal(directory, turn, true);
	while (load_acquire(&page->turn_done) < turn) {
		int error = seg_journal_state(directory, now_ms);

		if (error == RLQ_EJOURNAL)
			return error;
		if (error || now_ms > began_ms + DURABLE_PATIENCE_MS)
			return RLQ_EUNKNOWN;
		sleep_until_done(page, turn, now_ms);
		now_ms = os_boot_ms();
	}
	return 0;
}
