/* Tables of ids that follow one another, and what a restart puts into one. */
#include "tests/unit/dedup_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(dedup_tables, .init = dedup_test_begin);

/* ---- tables ------------------------------------------------------------------------------------ */

Test(dedup_tables, shouldLookInOlderTablesAndInsertIntoTheNewest)
{
	dedup_test_send(5);
	dedup_test_append(4);
	cr_assert_eq(dedup_test_send(5), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_test_send(21), DEDUP_FIRST);
	dedup_test_append(4);
	cr_assert_eq(dedup_test_send(5), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_test_send(21), DEDUP_DUPLICATE);
}

Test(dedup_tables, shouldSayStaleToAViewWithoutTheNewestTable)
{
	struct dedup older = dedup;
	struct dedup_message message = dedup_test_join(5, now), other = dedup_test_join(5, now);
	struct dedup_answer answer;

	dedup_test_append(4);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_STALE);
	cr_assert_eq(dedup_decide(&older, &other, &answer), DEDUP_STALE);
	cr_assert_eq(dedup_void(&older, &message), DEDUP_STALE);
}

Test(dedup_tables, shouldFindWhatAViewWithoutTheNewestTableInserted)
{
	struct dedup older = dedup;
	struct dedup_message message = dedup_test_join(5, now);
	struct dedup_answer answer;

	dedup_test_append(4);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send(5), DEDUP_DUPLICATE);
}

Test(dedup_tables, shouldAskForATableWhenAProbeIsFull)
{
	struct dedup_message message;
	struct dedup_answer answer;

	dedup.count = 0;
	dedup_test_append(2);
	for (uint64_t key = 1; key <= 4; key++)
		cr_assert_eq(dedup_test_send(key), DEDUP_FIRST);
	message = dedup_test_join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_GROW);
	cr_assert_eq(dedup_void(&dedup, &message), DEDUP_NONE);
	dedup_test_append(4);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send(3), DEDUP_DUPLICATE);
}

Test(dedup_tables, shouldKeepATableUntilItsLatestEntryIsPastTheWindow)
{
	struct dedup_settling settling = {0};

	dedup_test_send(5);
	now += WINDOW;
	dedup_test_send(6);
	dedup_test_append(4);
	now += WINDOW;
	cr_assert(dedup_may_settle(&dedup, now));
	dedup_test_settle(&settling);
	cr_assert_not(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(dedup_test_send(6), DEDUP_FIRST);
	now += DEDUP_MARGIN_MS;
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(marks.horizon_ms, START + 2 * WINDOW);
}

Test(dedup_tables, shouldNotSettleTheNewestNorBeforeItsTime)
{
	struct dedup_settling settling = {.is_through = true};

	now += 10 * WINDOW;
	cr_assert_not(dedup_may_settle(&dedup, now));
	cr_assert_not(dedup_may_drop(&dedup, &settling, now));
	dedup_test_append(4);
	cr_assert_not(dedup_may_settle(&dedup, now));
	settling.is_through = false;
	cr_assert_not(dedup_may_drop(&dedup, &settling, now));
}

Test(dedup_tables, shouldLetNobodyInsertIntoASettledTable)
{
	struct dedup older = dedup;
	struct dedup_settling settling = {0};
	struct dedup_message message = dedup_test_join(5, now);
	struct dedup_answer answer;

	dedup_test_append(4);
	dedup_test_settle(&settling);
	cr_assert_not(settling.any);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_STALE);
	cr_assert_eq(dedup_void(&dedup, &message), DEDUP_NONE);
	cr_assert(dedup_may_drop(&dedup, &settling, now), "it is empty");
	cr_assert_eq(marks.horizon_ms, 0);
}

Test(dedup_tables, shouldSayStaleToWhoAsksInAViewWithoutTheNewestTable)
{
	struct dedup older = dedup;
	struct dedup_settling settling = {0};
	struct dedup_message message = dedup_test_join(5, now);

	dedup_test_append(4);
	dedup_test_settle(&settling);
	cr_assert_eq(dedup_ask_void(&older, &message), DEDUP_STALE);
	cr_assert_eq(dedup_ask_void(&dedup, &message), DEDUP_OK);
}

Test(dedup_tables, shouldAskForHelpWithAnEntryWhoseMessageIsNotPublished)
{
	struct dedup_settling settling = {0};
	struct dedup_message message = dedup_test_join(5, now);
	struct dedup_answer answer;
	uint64_t link = 0;

	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	dedup_test_append(4);
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_HELP);
	cr_assert_eq(link, message.link);
	dedup_fill(answer.entry, &message); /* and is killed */
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_HELP, "again, until it is done");
	cr_assert_eq(link, message.link);
	dedup_test_set_state(message.link, SLOT_PASSED);
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_HELP);
	dedup_test_set_state(message.link, SLOT_READY);
	cr_assert_eq(dedup_settle(&dedup, &settling, 10, &link), DEDUP_BUSY);
	cr_assert_eq(dedup_settle(&dedup, &settling, 2000, &link), DEDUP_OK);
	cr_assert_eq(settling.ends_ms, now + WINDOW);
	settling = (struct dedup_settling){0};
	dedup.listed = 0;
	dedup_test_settle(&settling);
	cr_assert_eq(settling.ends_ms, now + WINDOW, "its ring has gone since");
}

/* Who helps after the table that had its first is gone cannot know: it goes, whoever is asked. */
Test(dedup_tables, shouldCallLateWhatIsOlderThanTheHorizon)
{
	struct dedup_message late, duplicate = dedup_test_join(5, now);
	struct dedup_settling settling = {0};
	struct dedup_answer answer;
	struct dedup whole;

	dedup_test_send(5);
	late = dedup_test_join(6, now);
	dedup_test_append(4);
	now += WINDOW + DEDUP_MARGIN_MS;
	dedup_test_settle(&settling);
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
	cr_assert_eq(dedup_test_send(6), DEDUP_FIRST, "it bars nobody");
	dedup_test_append(4);
	settling = (struct dedup_settling){0};
	dedup_test_settle(&settling);
	cr_assert_eq(settling.ends_ms, now + WINDOW);
}

Test(dedup_tables, shouldNotTellALateOwnerOfALaterMessageOfItsId)
{
	struct dedup_message first, later;
	struct dedup_settling settling = {0};
	struct dedup_answer answer;

	dedup_test_send_at(5, now, &first, &answer);
	dedup_test_append(4);
	now += WINDOW + DEDUP_MARGIN_MS;
	dedup_test_settle(&settling);
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	dedup_test_drop_oldest();
	cr_assert_eq(dedup_test_send_at(5, now, &later, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_LATE);
}

/* A table of all that a purge has forgotten goes like one whose window ended when it was settled. */
Test(dedup_tables, shouldDropATableThatIsForgotten)
{
	struct dedup_settling settling = {0};
	struct dedup_message message, late;
	struct dedup_answer answer;

	dedup_test_send(5);
	late = dedup_test_join(5, now);
	dedup_test_append(4);
	cr_assert_not(dedup_may_settle(&dedup, now));
	now += 10;
	dedup_purge(&dedup);
	cr_assert(dedup_may_settle(&dedup, now));
	cr_assert(dedup_begin_settling(&dedup, &settling));
	settling.asked_ms = now + 1;
	dedup_test_settle(&settling);
	cr_assert_not(dedup_begin_settling(&dedup, &settling), "once");
	cr_assert_not(dedup_may_drop(&dedup, &settling, now + DEDUP_PURGE_MARGIN_MS));
	now += 1 + DEDUP_PURGE_MARGIN_MS;
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(marks.horizon_ms, now - DEDUP_PURGE_MARGIN_MS);
	dedup_test_drop_oldest();
	cr_assert_eq(dedup_decide(&dedup, &late, &answer), DEDUP_LATE, "it had not heard of the purge");
	cr_assert_eq(dedup_test_send_at(5, now, &message, &answer), DEDUP_FIRST);
}

Test(dedup_tables, shouldKeepATableOfWhichAPurgeHasLeftSomething)
{
	struct dedup_settling settling = {0};
	struct dedup older = dedup;
	struct dedup_message message;
	struct dedup_answer answer;

	dedup_test_send(5);
	dedup_test_append(4);
	dedup_purge(&dedup);
	message = dedup_test_join(6, now);
	cr_assert_eq(dedup_decide(&older, &message, &answer), DEDUP_FIRST, "it has not heard of the newer table");
	dedup_test_publish(&message, &answer);
	cr_assert(dedup_begin_settling(&dedup, &settling));
	settling.asked_ms = now;
	dedup_test_settle(&settling);
	cr_assert_not(dedup_may_drop(&dedup, &settling, now + WINDOW));
	dedup_purge(&dedup);
	cr_assert(dedup_begin_settling(&dedup, &settling), "anew after another purge");
	settling.asked_ms = now;
	dedup_test_settle(&settling);
	cr_assert(dedup_may_drop(&dedup, &settling, now + DEDUP_PURGE_MARGIN_MS));
}

/* ---- restart ----------------------------------------------------------------------------------- */

Test(dedup_tables, shouldKnowWhatWasRestored)
{
	struct dedup_message old = {.key = {5, 5}, .id = {8, 9}, .sequence = 3, .boot_ms = (uint64_t)-100};
	struct dedup_message message;
	struct dedup_answer answer;

	sequence = 10;
	cr_assert(dedup_restore(&dedup.table[0], &old));
	old.key[1] = 21;
	cr_assert(dedup_restore(&dedup.table[0], &old));
	cr_assert_eq(dedup.table[0].head->used, 2);
	cr_assert_eq(dedup_test_send_at(5, WINDOW - 101, &message, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(answer.link, 0);
	cr_assert_eq(answer.sequence, 3);
	cr_assert_eq(answer.id[1], 9);
	cr_assert_eq(dedup_test_send_at(5, WINDOW - 100, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send_at(21, 0, &message, &answer), DEDUP_DUPLICATE);
}

Test(dedup_tables, shouldHaveNoHorizonBeforeTheBoot)
{
	struct dedup_message old = {.key = {5, 5}, .sequence = 3, .boot_ms = (uint64_t)-2 * WINDOW};
	struct dedup_settling settling = {0};

	now = 10;
	cr_assert(dedup_restore(&dedup.table[0], &old));
	dedup_test_append(4);
	dedup_test_settle(&settling);
	cr_assert(dedup_may_drop(&dedup, &settling, now));
	cr_assert_eq(marks.horizon_ms, 0);
}

Test(dedup_tables, shouldSayWhenARestoredEntryHasNoRoom)
{
	struct dedup_message old = {.key = {5, 5}, .sequence = 3};
	struct dedup_table *table = &dedup.table[1];

	dedup_test_append(0);
	cr_assert(dedup_restore(table, &old));
	cr_assert_not(dedup_restore(table, &old));
}
