#include "ring/dedup.h"
#include "tests/support/arguments.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_ORDER = 12, SLOTS = 1 << SLOTS_ORDER, WINDOW = 5000, IDS_MAX = 300, START = 1000000 };

static struct ring ring;
static struct dedup_marks marks;
static atomic_u64 sequence;
static struct dedup dedup;
static struct dedup_quota quota;
static uint64_t now;
static uint32_t next_slot;

/* ---- what the layer above does ----------------------------------------------------------------------- */

static void append(uint32_t order)
{
	struct dedup_table *table = &dedup.table[dedup.count];
	void *memory = aligned_alloc(128, (dedup_table_bytes(order) + 127) & ~(size_t)127);

	cr_assert_lt(dedup.count, DEDUP_TABLES_MAX);
	memset(memory, 0, dedup_table_bytes(order));
	dedup_table_place(table, memory, order);
	dedup_begin(&dedup, table, now);
	dedup.count++;
}

static void make(void)
{
	memset(&ring, 0, sizeof(ring));
	memset(&dedup, 0, sizeof(dedup));
	ring.order = SLOTS_ORDER;
	ring.mask = SLOTS - 1;
	ring.slots = aligned_alloc(128, SLOTS * sizeof(struct slot));
	memset(ring.slots, 0, SLOTS * sizeof(struct slot));
	dedup = (struct dedup){.rings = &ring,
			       .listed = 1,
			       .marks = &marks,
			       .sequence = &sequence,
			       .window_ms = WINDOW,
			       .ids_max = IDS_MAX};
	now = START;
}

static struct slot *slot_at(uint64_t link)
{
	return &ring.slots[link_slot(link)];
}

/* Claims a slot and joins: a message that is to be decided. */
static struct dedup_message join(uint64_t key, uint64_t boot_ms)
{
	uint32_t index = next_slot++ % SLOTS;
	struct slot *slot = &ring.slots[index];
	uint64_t generation = word_generation(slot_read(slot)), number;
	struct dedup_message message = {.link = link_pack(0, index, generation), .key = {key % 16, key}};

	cr_assert_eq(word_state(slot_read(slot)), SLOT_FREE);
	slot->word.low = word_make(SLOT_WRITING, generation, 1, 0, 0).bits.low;
	dedup_stamp(&dedup, slot, boot_ms, &message);
	number = fetch_add_seq(&sequence, 1) + 1;
	store_relaxed(&fifo_links(slot)->sequence, number);
	slot->message.id[0] = number * 7;
	slot->message.id[1] = ~number;
	cr_assert(dedup_read(&dedup, message.link, &message));
	cr_assert_eq(message.sequence, number);
	return message;
}

static void set_state(uint64_t link, enum slot_state state)
{
	struct slot *slot = slot_at(link);

	slot->word.low = word_with_state(slot_read(slot), state).bits.low;
}

static void free_slot(uint64_t link)
{
	struct slot *slot = slot_at(link);

	slot->word.low = word_freed(slot_read(slot)).bits.low;
	memset(&slot->message, 0xee, sizeof(slot->message)); /* of the next message */
}

static void publish(const struct dedup_message *message, const struct dedup_answer *answer)
{
	cr_assert_eq(answer->link, message->link);
	cr_assert_eq(answer->sequence, message->sequence);
	dedup_fill(answer->entry, message);
	set_state(message->link, SLOT_READY);
}

/* A whole send; what it was. Its slot is freed unless it is the first. */
static enum dedup_result send_at(uint64_t key, uint64_t boot_ms, struct dedup_message *ret_message,
				 struct dedup_answer *ret)
{
	enum dedup_result result;

	*ret_message = join(key, boot_ms);
	result = dedup_decide(&dedup, ret_message, ret);
	if (result == DEDUP_FIRST)
		publish(ret_message, ret);
	else
		free_slot(ret_message->link);
	return result;
}

static enum dedup_result send_key(uint64_t key)
{
	struct dedup_message message;
	struct dedup_answer answer;

	return send_at(key, now, &message, &answer);
}

static void settle_all(struct dedup_settling *settling)
{
	struct dedup_message message;
	struct dedup_answer answer;
	uint64_t link = 0;
	enum dedup_result result;

	while ((result = dedup_settle(&dedup, settling, 100, &link)) != DEDUP_OK) {
		if (result == DEDUP_BUSY)
			continue;
		cr_assert_eq(result, DEDUP_HELP);
		cr_assert(dedup_read(&dedup, link, &message));
		cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
		publish(&message, &answer);
	}
}

static void drop_oldest(void)
{
	free(dedup.table[0].head);
	dedup.count--;
	memmove(&dedup.table[0], &dedup.table[1], dedup.count * sizeof(dedup.table[0]));
}

static bool drop_if_past(void)
{
	struct dedup_settling settling = {0};

	if (!dedup_may_settle(&dedup, now))
		return false;
	settle_all(&settling);
	if (!dedup_may_drop(&dedup, &settling, now))
		return false;
	drop_oldest();
	return true;
}

static void make_with_table(void)
{
	make();
	append(dedup_order_for(0));
}

TestSuite(dedup, .init = make_with_table);

/* ---- who is first ---------------------------------------------------------------------------------------- */

Test(dedup, shouldAnswerADuplicateWithTheFirst)
{
	struct dedup_message first, second;
	struct dedup_answer answer;

	cr_assert_eq(send_at(5, now, &first, &answer), DEDUP_FIRST);
	cr_assert_eq(send_at(5, now + 10, &second, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(answer.link, first.link);
	cr_assert_eq(answer.sequence, first.sequence);
	cr_assert_eq(answer.id[0], first.id[0]);
	cr_assert_eq(answer.id[1], first.id[1]);
	cr_assert_not(answer.is_void);
}

Test(dedup, shouldTellIdsApartThatShareAProbeOrHalfAKey)
{
	struct dedup_message message;
	struct dedup_answer answer;

	for (uint64_t key = 1; key <= 64; key++)
		cr_assert_eq(send_key(key), DEDUP_FIRST);
	for (uint64_t key = 1; key <= 64; key++)
		cr_assert_eq(send_key(key), DEDUP_DUPLICATE);
	message = join(1, now);
	message.key[0] += 16; /* the same second half; another cell, a probe that crosses */
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
}

Test(dedup, shouldDecideAMessageOnceHoweverManyDecide)
{
	struct dedup_message message = join(5, now), copy, other = join(5, now);
	struct dedup_answer answer, again;

	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &other, &again), DEDUP_DUPLICATE, "the first is in its slot alone");
	cr_assert_eq(again.link, message.link);
	cr_assert(dedup_read(&dedup, message.link, &copy));
	cr_assert_eq(dedup_decide(&dedup, &copy, &again), DEDUP_FIRST);
	cr_assert_eq(again.entry, answer.entry);
	publish(&message, &answer);
	cr_assert_eq(dedup_decide(&dedup, &copy, &again), DEDUP_FIRST, "a late helper");
	free_slot(message.link);
	cr_assert_eq(dedup_decide(&dedup, &copy, &again), DEDUP_FIRST, "a very late one");
	cr_assert_eq(again.sequence, message.sequence);
	cr_assert_eq(dedup_decide(&dedup, &other, &again), DEDUP_DUPLICATE);
}

Test(dedup, shouldReadWhatHasMovedOnAsGone)
{
	struct dedup_message message = join(5, now), copy;

	free_slot(message.link);
	cr_assert_not(dedup_read(&dedup, message.link, &copy));
	cr_assert_not(dedup_read(&dedup, link_pack(3, 0, 0), &copy), "a ring that is not listed");
	cr_assert_not(dedup_read(&dedup, link_pack(0, SLOTS, 0), &copy), "a slot that is not there");
}

Test(dedup, shouldNotCompleteAnEntryByAMessageThatIsNotKnown)
{
	struct dedup_message message = join(5, now), unknown = message;
	struct dedup_answer answer;

	unknown.sequence = 0;
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	dedup_fill(answer.entry, &unknown);
	cr_assert_eq(answer.entry->control, message.link);
}

Test(dedup, shouldSayDamagedOfAnEntryWhoseSlotWasFreedUnasked)
{
	struct dedup_message first = join(5, now), second = join(5, now);
	struct dedup_answer answer;

	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_FIRST);
	free_slot(first.link);
	cr_assert_eq(dedup_decide(&dedup, &second, &answer), DEDUP_DAMAGED);
}

Test(dedup, shouldSayStaleOfAnEntryWhoseRingItDoesNotKnow)
{
	struct dedup_message first = join(5, now), second = join(5, now);
	struct dedup_answer answer;

	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_FIRST);
	dedup.listed = 0;
	cr_assert_eq(dedup_decide(&dedup, &second, &answer), DEDUP_STALE);
}

/* ---- time ------------------------------------------------------------------------------------------------ */

Test(dedup, shouldCountTheWindowFromTheFirstSend)
{
	struct dedup_message message;
	struct dedup_answer answer;

	cr_assert_eq(send_at(5, now, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_at(5, now + WINDOW - 1, &message, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(send_at(5, now + WINDOW, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_at(5, now + WINDOW + 1, &message, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(answer.sequence, 3);
}

Test(dedup, shouldNotMindAClockThatIsBehind)
{
	struct dedup_message message;
	struct dedup_answer answer;

	cr_assert_eq(send_at(5, now, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_at(5, now - 100, &message, &answer), DEDUP_DUPLICATE);
}

/* ---- purge ----------------------------------------------------------------------------------------------- */

Test(dedup, shouldForgetIdsByPurgeForLaterMessagesOnly)
{
	struct dedup_message before, message;
	struct dedup_answer answer;

	send_key(5);
	before = join(5, now);
	cr_assert_eq(dedup_purge(&dedup), sequence);
	cr_assert_eq(send_at(5, now, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_key(5), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_decide(&dedup, &before, &answer), DEDUP_DUPLICATE, "it was sent before the purge");
	cr_assert_eq(answer.sequence, 1);
}

Test(dedup, shouldJudgeAMessageAlikeHoweverManyPurgesCameSince)
{
	struct dedup_message message;
	struct dedup_answer answer;

	send_key(5);
	dedup_purge(&dedup);
	message = join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	dedup_purge(&dedup);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
}

/* ---- taken back --------------------------------------------------------------------------------------------- */

Test(dedup, shouldFreeTheIdOfAMessageThatIsTakenBack)
{
	struct dedup_message first, duplicate = join(5, now), message;
	struct dedup_answer answer;
	struct dedup_entry *entry;

	cr_assert_eq(send_at(5, now, &first, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &duplicate, &answer), DEDUP_DUPLICATE);
	entry = answer.entry;
	cr_assert_not(dedup_is_void(entry));
	cr_assert_eq(dedup_void(&dedup, &first), DEDUP_OK);
	cr_assert(dedup_is_void(entry));
	cr_assert_eq(dedup_decide(&dedup, &duplicate, &answer), DEDUP_DUPLICATE, "what was told stays told");
	cr_assert(answer.is_void);
	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_FIRST);
	cr_assert_eq(send_at(5, now, &message, &answer), DEDUP_FIRST, "sent anew");
	cr_assert_eq(send_key(5), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_void(&dedup, &first), DEDUP_OK, "again, by who finds it half done");
	cr_assert_eq(dedup_void(&dedup, &duplicate), DEDUP_NONE);
}

Test(dedup, shouldFinishAVoidThatWasBegunByADeadProcess)
{
	struct dedup_message first, second = join(5, now), third;
	struct dedup_answer answer;

	cr_assert_eq(send_at(5, now, &first, &answer), DEDUP_FIRST);
	answer.entry->voided = DEDUP_VOIDING;
	cr_assert_eq(dedup_decide(&dedup, &second, &answer), DEDUP_DUPLICATE, "its number is below the cut");
	cr_assert(answer.is_void);
	third = join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &third, &answer), DEDUP_FIRST);
}

/* Its owner slept, and somebody else has dealt with it. */
Test(dedup, shouldTellTheOwnerOfAMessageWhoseNumberIsLost)
{
	struct dedup_message first, second, unknown;
	struct dedup_answer answer;
	uint64_t sent = 0;

	send_at(5, now, &first, &answer);
	second = join(5, now);
	dedup_void(&dedup, &first);
	unknown = second;
	unknown.sequence = 0;
	cr_assert_eq(dedup_decide(&dedup, &unknown, &answer), DEDUP_LATE, "a duplicate of what was voided since");
	cr_assert_eq(send_at(5, now, &second, &answer), DEDUP_FIRST);
	unknown = second;
	unknown.sequence = 0;
	cr_assert_eq(dedup_decide(&dedup, &unknown, &answer), DEDUP_FIRST);
	cr_assert_eq(answer.sequence, second.sequence);
	for (uint64_t i = 0; i < dedup_cells(&dedup.table[0]); i++)
		sent += dedup.table[0].entries[i].control != DEDUP_EMPTY;
	cr_assert_eq(sent, 2, "nothing was inserted by looking");
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

Test(dedup, shouldLookInOlderTablesAndInsertIntoTheNewest)
{
	send_key(5);
	append(4);
	cr_assert_eq(send_key(5), DEDUP_DUPLICATE);
	cr_assert_eq(send_key(21), DEDUP_FIRST);
	append(4);
	cr_assert_eq(send_key(5), DEDUP_DUPLICATE);
	cr_assert_eq(send_key(21), DEDUP_DUPLICATE);
}

Test(dedup, shouldSayStaleToAViewWithoutTheNewestTable)
{
	struct dedup older = dedup;
	struct dedup_message message = join(5, now), other = join(5, now);
	struct dedup_answer answer;

	append(4);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_STALE);
	cr_assert_eq(dedup_decide(&older, &other, &answer), DEDUP_STALE);
	cr_assert_eq(dedup_void(&older, &message), DEDUP_STALE);
}

Test(dedup, shouldFindWhatAViewWithoutTheNewestTableInserted)
{
	struct dedup older = dedup;
	struct dedup_message message = join(5, now);
	struct dedup_answer answer;

	append(4);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_key(5), DEDUP_DUPLICATE);
}

Test(dedup, shouldAskForATableWhenAProbeIsFull)
{
	struct dedup_message message;
	struct dedup_answer answer;

	dedup.count = 0;
	append(2);
	for (uint64_t key = 1; key <= 4; key++)
		cr_assert_eq(send_key(key), DEDUP_FIRST);
	message = join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_GROW);
	cr_assert_eq(dedup_void(&dedup, &message), DEDUP_NONE);
	append(4);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_key(3), DEDUP_DUPLICATE);
}

Test(dedup, shouldKeepATableUntilItsLatestEntryIsPastTheWindow)
{
	struct dedup_settling settling = {0};

	send_key(5);
	now += WINDOW;
	send_key(6);
	append(4);
	now += WINDOW;
	cr_assert(dedup_may_settle(&dedup, now));
	settle_all(&settling);
	cr_assert_not(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(send_key(6), DEDUP_FIRST);
	now += DEDUP_MARGIN_MS;
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(marks.horizon_ms, START + 2 * WINDOW);
}

Test(dedup, shouldNotSettleTheNewestNorBeforeItsTime)
{
	struct dedup_settling settling = {.is_through = true};

	now += 10 * WINDOW;
	cr_assert_not(dedup_may_settle(&dedup, now));
	cr_assert_not(dedup_may_drop(&dedup, &settling, now));
	append(4);
	cr_assert_not(dedup_may_settle(&dedup, now));
	settling.is_through = false;
	cr_assert_not(dedup_may_drop(&dedup, &settling, now));
}

Test(dedup, shouldLetNobodyInsertIntoASettledTable)
{
	struct dedup older = dedup;
	struct dedup_settling settling = {0};
	struct dedup_message message = join(5, now);
	struct dedup_answer answer;

	append(4);
	settle_all(&settling);
	cr_assert_not(settling.any);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_STALE);
	cr_assert_eq(dedup_void(&dedup, &message), DEDUP_NONE);
	cr_assert(dedup_may_drop(&dedup, &settling, now), "it is empty");
	cr_assert_eq(marks.horizon_ms, 0);
}

Test(dedup, shouldAskForHelpWithAnEntryWhoseMessageIsNotPublished)
{
	struct dedup_settling settling = {0};
	struct dedup_message message = join(5, now);
	struct dedup_answer answer;
	uint64_t link = 0;

	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	append(4);
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_HELP);
	cr_assert_eq(link, message.link);
	dedup_fill(answer.entry, &message); /* and is killed */
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_HELP, "again, until it is done");
	cr_assert_eq(link, message.link);
	set_state(message.link, SLOT_PASSED);
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_HELP);
	set_state(message.link, SLOT_READY);
	cr_assert_eq(dedup_settle(&dedup, &settling, 10, &link), DEDUP_BUSY);
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_OK);
	cr_assert_eq(settling.latest_ms, now);
	settling = (struct dedup_settling){0};
	dedup.listed = 0;
	settle_all(&settling);
	cr_assert_eq(settling.latest_ms, now, "its ring has gone since");
}

/* Who helps after the table that had its first is gone cannot know: it goes, whoever is asked. */
Test(dedup, shouldCallLateWhatIsOlderThanTheHorizon)
{
	struct dedup_message late, duplicate = join(5, now);
	struct dedup_settling settling = {0};
	struct dedup_answer answer;
	struct dedup whole;

	send_key(5);
	late = join(6, now);
	append(4);
	now += WINDOW + DEDUP_MARGIN_MS;
	settle_all(&settling);
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	whole = dedup;
	memmove(&dedup.table[0], &dedup.table[1], sizeof(dedup.table[0]));
	dedup.count = 1;
	cr_assert_eq(dedup_decide(&dedup, &duplicate, &answer), DEDUP_LATE);
	cr_assert_eq(dedup_decide(&whole, &duplicate, &answer), DEDUP_LATE);
	cr_assert_eq(dedup_decide(&dedup, &late, &answer), DEDUP_LATE);
	marks.horizon_ms = 0; /* whoever looked before it rose, and goes on now */
	cr_assert_eq(dedup_decide(&whole, &late, &answer), DEDUP_LATE, "the first to say so decides");
	cr_assert_eq(dedup_void(&dedup, &late), DEDUP_NONE);
	cr_assert_eq(send_key(6), DEDUP_FIRST, "it bars nobody");
	append(4);
	settling = (struct dedup_settling){0};
	settle_all(&settling);
	cr_assert_eq(settling.latest_ms, now);
}

/* ---- size ---------------------------------------------------------------------------------------------------- */

static unsigned reserve_until(enum dedup_result end)
{
	unsigned taken = 0;
	enum dedup_result result;

	while ((result = dedup_reserve(&dedup, &quota, now)) == DEDUP_OK)
		taken++;
	cr_assert_eq(result, end);
	return taken;
}

Test(dedup, shouldTakeAsManyIdsAsItSaysAndRefuseTheNext)
{
	cr_assert_eq(reserve_until(DEDUP_FULL), IDS_MAX);
	now += WINDOW - 1;
	cr_assert_eq(reserve_until(DEDUP_FULL), 0);
	now += 1;
	cr_assert_eq(reserve_until(DEDUP_GROW), 0, "a window later there is room");
	append(dedup_next_order(&dedup, now));
	cr_assert_eq(reserve_until(DEDUP_FULL), IDS_MAX);
}

Test(dedup, shouldCountDuplicatesAndClosedHandlesOut)
{
	struct dedup_quota other = {0};

	dedup_give_back(&dedup, &other);
	cr_assert_eq(dedup_reserve(&dedup, &other, now), DEDUP_OK);
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	dedup_unreserve(&dedup, &quota);
	dedup_give_back(&dedup, &other);
	cr_assert_eq(reserve_until(DEDUP_FULL), IDS_MAX - 1);
	for (int i = 0; i < 20; i++)
		dedup_unreserve(&dedup, &quota);
	dedup_give_back(&dedup, &quota);
	cr_assert_eq(dedup.table[0].head->used, IDS_MAX - 20);
	dedup_give_back(&dedup, &quota);
	cr_assert_eq(dedup.table[0].head->used, IDS_MAX - 20, "once");
}

Test(dedup, shouldNotTakeAnOldReservationForOneOfATableInItsPlace)
{
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	dedup.table[0].head->used = IDS_MAX;
	dedup.table[0].head->born_ms++;
	quota.left = 5;
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_FULL);
}

Test(dedup, shouldBeFollowedByATableOfTheNewWindow)
{
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	cr_assert_not(dedup_is_due(&dedup, now));
	dedup.window_ms = 2 * WINDOW;
	cr_assert(dedup_is_due(&dedup, now));
	append(4);
	cr_assert_eq(dedup.table[1].head->window_ms, 2 * WINDOW);
}

Test(dedup, shouldHaveFourTablesAtMost)
{
	dedup.ids_max = 100000;
	append(4);
	append(4);
	cr_assert_eq(dedup_next_order(&dedup, now), 18, "the last one is a full one");
	append(4);
	reserve_until(DEDUP_FULL);
	cr_assert_not(dedup_is_due(&dedup, now));
	cr_assert_not(dedup_is_due(&dedup, now + WINDOW));
}

Test(dedup, shouldGrowFromASmallTableByWayOfALargerToOneOfTheFullSize)
{
	dedup.ids_max = 100000;
	cr_assert_eq(dedup.table[0].order, DEDUP_ORDER_MIN);
	cr_assert_eq(reserve_until(DEDUP_GROW), 1u << (DEDUP_ORDER_MIN - 1));
	cr_assert_eq(dedup_next_order(&dedup, now), 15);
	append(15);
	cr_assert_eq(reserve_until(DEDUP_GROW), (1u << 14) - (1u << (DEDUP_ORDER_MIN - 1)));
	cr_assert_eq(dedup_next_order(&dedup, now), 18);
	append(18);
	cr_assert_eq(reserve_until(DEDUP_FULL), 100000 - (1u << 14));
}

Test(dedup, shouldFollowWhatAWindowNeeds)
{
	dedup.ids_max = 100000;
	for (int i = 0; i < 500; i++)
		cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_OK);
	now += WINDOW;
	cr_assert(dedup_is_due(&dedup, now));
	cr_assert_eq(dedup_next_order(&dedup, now), 12);
	append(dedup_next_order(&dedup, now));
	cr_assert_not(dedup_is_due(&dedup, now + WINDOW), "the others are left for growth");
	drop_oldest();
	cr_assert(dedup_is_due(&dedup, now + WINDOW));
	cr_assert_eq(dedup_next_order(&dedup, now + WINDOW), DEDUP_ORDER_MIN, "nothing was sent");
	now += WINDOW;
	append(DEDUP_ORDER_MIN);
	drop_oldest();
	cr_assert_not(dedup_is_due(&dedup, now + WINDOW), "and nothing is to be done");
}

Test(dedup, shouldBeginWithoutATable)
{
	struct dedup_message message;
	struct dedup_answer answer;

	dedup.count = 0;
	cr_assert_eq(dedup_reserve(&dedup, &quota, now), DEDUP_GROW);
	dedup_unreserve(&dedup, &quota);
	cr_assert(dedup_is_due(&dedup, now));
	cr_assert_eq(dedup_next_order(&dedup, now), DEDUP_ORDER_MIN);
	message = join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_GROW);
	cr_assert_eq(dedup_void(&dedup, &message), DEDUP_NONE);
}

Test(dedup, shouldHaveCellsForTwiceTheIds)
{
	cr_assert_eq(dedup_order_for(0), DEDUP_ORDER_MIN);
	cr_assert_eq(dedup_order_for(512), 10);
	cr_assert_eq(dedup_order_for(513), 11);
	cr_assert_eq(dedup_order_for(1000000), 21);
	cr_assert_eq(dedup_order_for(DEDUP_IDS_MAX), DEDUP_ORDER_MAX);
	cr_assert_eq(dedup_order_for(UINT64_MAX / 4), DEDUP_ORDER_MAX);
	cr_assert_eq(dedup_table_bytes(21), 128 + (UINT64_C(64) << 21));
}

/* ---- restart ------------------------------------------------------------------------------------------------- */

Test(dedup, shouldKnowWhatWasRestored)
{
	struct dedup_message old = {.key = {5, 5}, .id = {8, 9}, .sequence = 3, .boot_ms = (uint64_t)-100};
	struct dedup_message message;
	struct dedup_answer answer;

	sequence = 10;
	cr_assert(dedup_restore(&dedup.table[0], &old));
	old.key[1] = 21;
	cr_assert(dedup_restore(&dedup.table[0], &old));
	cr_assert_eq(dedup.table[0].head->used, 2);
	cr_assert_eq(send_at(5, WINDOW - 101, &message, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(answer.link, 0);
	cr_assert_eq(answer.sequence, 3);
	cr_assert_eq(answer.id[1], 9);
	cr_assert_eq(send_at(5, WINDOW - 100, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(send_at(21, 0, &message, &answer), DEDUP_DUPLICATE);
}

Test(dedup, shouldHaveNoHorizonBeforeTheBoot)
{
	struct dedup_message old = {.key = {5, 5}, .sequence = 3, .boot_ms = (uint64_t)-2 * WINDOW};
	struct dedup_settling settling = {0};

	now = 10;
	cr_assert(dedup_restore(&dedup.table[0], &old));
	append(4);
	settle_all(&settling);
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(marks.horizon_ms, 0);
}

Test(dedup, shouldNotTellALateOwnerOfALaterMessageOfItsId)
{
	struct dedup_message first, later;
	struct dedup_settling settling = {0};
	struct dedup_answer answer;

	send_at(5, now, &first, &answer);
	append(4);
	now += WINDOW + DEDUP_MARGIN_MS;
	settle_all(&settling);
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	drop_oldest();
	cr_assert_eq(send_at(5, now, &later, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_LATE);
}

Test(dedup, shouldSayWhenARestoredEntryHasNoRoom)
{
	struct dedup_message old = {.key = {5, 5}, .sequence = 3};
	struct dedup_table *table = &dedup.table[1];

	append(0);
	cr_assert(dedup_restore(table, &old));
	cr_assert_not(dedup_restore(table, &old));
}

/* ---- a look beforehand ---------------------------------------------------------------------------------- */

static bool lacks(const struct dedup *view, uint64_t key)
{
	return dedup_lacks(view, (const uint64_t[2]){key % 16, key});
}

Test(dedup, shouldKnowAtALookWhatWasNeverSeen)
{
	struct dedup older = dedup;
	struct dedup_message taken = join(21, now);
	struct dedup_answer answer;

	cr_assert(lacks(&dedup, 5));
	send_key(5);
	cr_assert_not(lacks(&dedup, 5));
	cr_assert_not(lacks(&dedup, 21), "the other half of its key is to be asked");
	cr_assert(lacks(&dedup, 6));
	append(4);
	cr_assert_not(lacks(&dedup, 5));
	cr_assert_eq(dedup_decide(&dedup, &taken, &answer), DEDUP_FIRST);
	cr_assert(lacks(&dedup, 6), "the older table is sealed there");
	cr_assert_not(lacks(&older, 7) && lacks(&older, 21), "in the newest a seal says that there is a newer one");
}

/* ---- against a model
 * --------------------------------------------------------------------------------------------- */

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

	free_slot(live[index].link);
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
		append(dedup_next_order(&dedup, now));
		result = dedup_reserve(&dedup, &quota, now);
	}
	if (result == DEDUP_FULL)
		return;
	cr_assert_eq(result, DEDUP_OK);
	first = expected(key, boot_ms);
	cr_assert(!first || !lacks(&dedup, key), "id %lu", key);
	message = join(key, boot_ms);
	result = dedup_decide(draw(4) == 0 ? older : &dedup, &message, &answer);
	if (result == DEDUP_STALE)
		result = dedup_decide(&dedup, &message, &answer);
	cr_assert_eq(result, first ? DEDUP_DUPLICATE : DEDUP_FIRST, "id %lu", key);
	check_again(&dedup, &message, result, &answer);
	check_again(older, &message, result, &answer);
	if (!first) {
		keep(key, &message);
		publish(&message, &answer);
		live[live_count++] = message;
		return;
	}
	cr_assert_eq(answer.sequence, first->sequence);
	cr_assert_eq(answer.id[0], first->id);
	free_slot(message.link);
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
	free_slot(message.link);
	live[index] = live[--live_count];
}

Test(dedup, shouldAnswerAsAnObviousModelDoes)
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
			append(dedup_next_order(&dedup, now));
		if (draw(200) == 0 && drop_if_past()) {
			older = dedup;
			tables++;
		}
	}
	cr_assert_gt(tables, 20);
	cr_assert_gt(kept_count, 5000u);
}
