/* Random sends, purges, deletes and messages taken back, beside a model that is obviously right. */
#include "tests/support/arguments.h"
#include "tests/unit/dedup_fixture.h"

#include <criterion/criterion.h>

TestSuite(dedup_random, .init = dedup_test_begin);

enum { OPERATIONS = 60000, KEYS = 200, HISTORY = 4096, LIVE = 1000 };

/* All that were first, in order; what is past for good is dropped from the front. */
static struct kept {
	uint64_t key, boot_ms, sequence, id;
	bool is_purged, is_voided;
} history[HISTORY];
static unsigned first_kept, kept_count;

/* First messages that have not been deleted. */
static struct dedup_message live[LIVE];
static unsigned live_count;
static uint64_t chance;

static unsigned draw(unsigned below)
{
	return (unsigned)(random_next(&chance) >> 33) % below;
}

static const struct kept *expected(uint64_t key, uint64_t boot_ms)
{
	for (unsigned i = first_kept; i < kept_count; i++) {
		const struct kept *at = &history[i % HISTORY];

		if (at->key == key && !at->is_purged && !at->is_voided && boot_ms < at->boot_ms + WINDOW)
			return at;
	}
	return NULL;
}

static void keep(uint64_t key, const struct dedup_message *message)
{
	while (first_kept < kept_count && history[first_kept % HISTORY].boot_ms + 2 * WINDOW < now)
		first_kept++;
	cr_assert_lt(kept_count - first_kept, HISTORY);
	history[kept_count++ % HISTORY] = (struct kept){
		.key = key, .boot_ms = message->boot_ms, .sequence = message->sequence, .id = message->id[0]};
}

static void delete_any(void)
{
	unsigned index = draw(live_count);

	dedup_test_free_slot(live[index].link);
	live[index] = live[--live_count];
}

/* The list of tables as it was some time ago: it decides alike, or hears that it is old. */
static void check_again(const struct dedup *view, const struct dedup_message *message, enum dedup_result result,
			const struct dedup_answer *answer)
{
	struct dedup_answer again;
	enum dedup_result said = dedup_decide(view, message, &again);

	if (said == DEDUP_STALE && view != &dedup)
		return;
	cr_assert_eq(said, result);
	cr_assert_eq(again.entry, answer->entry);
	cr_assert_eq(again.sequence, answer->sequence);
}

static void send_any(const struct dedup *older)
{
	uint64_t key = 1 + draw(KEYS), boot_ms = now - draw(500);
	struct dedup_message message;
	struct dedup_answer answer;
	const struct kept *first;
	enum dedup_result result = dedup_reserve(&dedup, &quota, now);

	if (result == DEDUP_GROW) {
		dedup_test_append(dedup_next_order(&dedup, now));
		result = dedup_reserve(&dedup, &quota, now);
	}
	if (result == DEDUP_FULL)
		return;
	cr_assert_eq(result, DEDUP_OK);
	first = expected(key, boot_ms);
	cr_assert(!first || !dedup_test_lacks(&dedup, key), "id %lu", key);
	message = dedup_test_join(key, boot_ms);
	result = dedup_decide(draw(4) == 0 ? older : &dedup, &message, &answer);
	if (result == DEDUP_STALE)
		result = dedup_decide(&dedup, &message, &answer);
	cr_assert_eq(result, first ? DEDUP_DUPLICATE : DEDUP_FIRST, "id %lu", key);
	check_again(&dedup, &message, result, &answer);
	check_again(older, &message, result, &answer);
	if (!first) {
		keep(key, &message);
		dedup_test_publish(&message, &answer);
		live[live_count++] = message;
		return;
	}
	cr_assert_eq(answer.sequence, first->sequence);
	cr_assert_eq(answer.id[0], first->id);
	dedup_test_free_slot(message.link);
	dedup_unreserve(&dedup, &quota);
}

static void purge_all(void)
{
	dedup_purge(&dedup);
	for (unsigned i = first_kept; i < kept_count; i++)
		history[i % HISTORY].is_purged = true;
}

static void take_back_any(void)
{
	unsigned index = draw(live_count);
	struct dedup_message message = live[index];

	if (dedup_void(&dedup, &message) == DEDUP_OK)
		for (unsigned i = first_kept; i < kept_count; i++)
			if (history[i % HISTORY].sequence == message.sequence)
				history[i % HISTORY].is_voided = true;
	dedup_test_free_slot(message.link);
	live[index] = live[--live_count];
}

static bool drop_if_past(void)
{
	struct dedup_settling settling = {0};

	if (!dedup_may_settle(&dedup, now))
		return false;
	dedup_test_settle(&settling);
	if (!dedup_may_drop(&dedup, &settling, now))
		return false;
	dedup_test_drop_oldest();
	return true;
}

Test(dedup_random, shouldAnswerAsAnObviousModelDoes)
{
	struct dedup older = dedup;
	unsigned tables = 0;

	chance = test_seed(5);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		unsigned what = draw(1000);

		now += draw(20) == 0 ? draw(400) : draw(20);
		if (what < 2)
			purge_all();
		else if (what < 30 && live_count > 0)
			take_back_any();
		else if ((what < 450 || live_count == LIVE) && live_count > 0)
			delete_any();
		else
			send_any(&older);
		if (draw(200) == 0 && dedup_is_due(&dedup, now))
			dedup_test_append(dedup_next_order(&dedup, now));
		if (draw(200) == 0 && drop_if_past()) {
			older = dedup;
			tables++;
		}
	}
	cr_assert_gt(tables, 20);
	cr_assert_gt(kept_count, 5000u);
}
