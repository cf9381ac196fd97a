/* Who is the first of its id, and who a duplicate. */
#include "tests/unit/dedup_fixture.h"

#include <criterion/criterion.h>

TestSuite(dedup, .init = dedup_test_begin);

/* ---- who is first ------------------------------------------------------------------------------ */

Test(dedup, shouldAnswerADuplicateWithTheFirst)
{
	struct dedup_message first, second;
	struct dedup_answer answer;

	cr_assert_eq(dedup_test_send_at(5, now, &first, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send_at(5, now + 10, &second, &answer), DEDUP_DUPLICATE);
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
		cr_assert_eq(dedup_test_send(key), DEDUP_FIRST);
	for (uint64_t key = 1; key <= 64; key++)
		cr_assert_eq(dedup_test_send(key), DEDUP_DUPLICATE);
	message = dedup_test_join(1, now);
	message.key[0] += 16; /* the same second half; another cell, a probe that crosses */
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
}

Test(dedup, shouldDecideAMessageOnceHoweverManyDecide)
{
	struct dedup_message message = dedup_test_join(5, now), copy, other = dedup_test_join(5, now);
	struct dedup_answer answer, again;

	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &other, &again), DEDUP_DUPLICATE, "the first is in its slot alone");
	cr_assert_eq(again.link, message.link);
	cr_assert(dedup_read(&dedup, message.link, &copy));
	cr_assert_eq(dedup_decide(&dedup, &copy, &again), DEDUP_FIRST);
	cr_assert_eq(again.entry, answer.entry);
	dedup_test_publish(&message, &answer);
	cr_assert_eq(dedup_decide(&dedup, &copy, &again), DEDUP_FIRST, "a late helper");
	dedup_test_free_slot(message.link);
	cr_assert_eq(dedup_decide(&dedup, &copy, &again), DEDUP_FIRST, "a very late one");
	cr_assert_eq(again.sequence, message.sequence);
	cr_assert_eq(dedup_decide(&dedup, &other, &again), DEDUP_DUPLICATE);
}

Test(dedup, shouldReadWhatHasMovedOnAsGone)
{
	struct dedup_message message = dedup_test_join(5, now), copy;

	dedup_test_free_slot(message.link);
	cr_assert_not(dedup_read(&dedup, message.link, &copy));
	cr_assert_not(dedup_read(&dedup, link_pack(3, 0, 0), &copy), "a ring that is not listed");
	cr_assert_not(dedup_read(&dedup, link_pack(0, SLOTS, 0), &copy), "a slot that is not there");
}

Test(dedup, shouldNotCompleteAnEntryByAMessageThatIsNotKnown)
{
	struct dedup_message message = dedup_test_join(5, now), unknown = message;
	struct dedup_answer answer;

	unknown.sequence = 0;
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	dedup_fill(answer.entry, &unknown);
	cr_assert_eq(answer.entry->control, message.link);
}

Test(dedup, shouldSayDamagedOfAnEntryWhoseSlotWasFreedUnasked)
{
	struct dedup_message first = dedup_test_join(5, now), second = dedup_test_join(5, now);
	struct dedup_answer answer;

	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_FIRST);
	dedup_test_free_slot(first.link);
	cr_assert_eq(dedup_decide(&dedup, &second, &answer), DEDUP_DAMAGED);
}

Test(dedup, shouldSayStaleOfAnEntryWhoseRingItDoesNotKnow)
{
	struct dedup_message first = dedup_test_join(5, now), second = dedup_test_join(5, now);
	struct dedup_answer answer;

	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_FIRST);
	dedup.listed = 0;
	cr_assert_eq(dedup_decide(&dedup, &second, &answer), DEDUP_STALE);
}

/* ---- time -------------------------------------------------------------------------------------- */

Test(dedup, shouldCountTheWindowFromTheFirstSend)
{
	struct dedup_message message;
	struct dedup_answer answer;

	cr_assert_eq(dedup_test_send_at(5, now, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send_at(5, now + WINDOW - 1, &message, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_test_send_at(5, now + WINDOW, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send_at(5, now + WINDOW + 1, &message, &answer), DEDUP_DUPLICATE);
	cr_assert_eq(answer.sequence, 3);
}

Test(dedup, shouldNotMindAClockThatIsBehind)
{
	struct dedup_message message;
	struct dedup_answer answer;

	cr_assert_eq(dedup_test_send_at(5, now, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send_at(5, now - 100, &message, &answer), DEDUP_DUPLICATE);
}

/* ---- purge ------------------------------------------------------------------------------------- */

Test(dedup, shouldForgetIdsByPurgeForLaterMessagesOnly)
{
	struct dedup_message before, message;
	struct dedup_answer answer;

	dedup_test_send(5);
	before = dedup_test_join(5, now);
	cr_assert_eq(dedup_purge(&dedup), sequence);
	cr_assert_eq(dedup_test_send_at(5, now, &message, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send(5), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_decide(&dedup, &before, &answer), DEDUP_DUPLICATE, "it was sent before the purge");
	cr_assert_eq(answer.sequence, 1);
}

Test(dedup, shouldJudgeAMessageAlikeHoweverManyPurgesCameSince)
{
	struct dedup_message message;
	struct dedup_answer answer;

	dedup_test_send(5);
	dedup_purge(&dedup);
	message = dedup_test_join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
	dedup_purge(&dedup);
	cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
}

/* ---- taken back -------------------------------------------------------------------------------- */

Test(dedup, shouldFreeTheIdOfAMessageThatIsTakenBack)
{
	struct dedup_message first, duplicate = dedup_test_join(5, now), message;
	struct dedup_answer answer;
	struct dedup_entry *entry;

	cr_assert_eq(dedup_test_send_at(5, now, &first, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_decide(&dedup, &duplicate, &answer), DEDUP_DUPLICATE);
	entry = answer.entry;
	cr_assert_not(dedup_is_void(entry));
	cr_assert_eq(dedup_void(&dedup, &first), DEDUP_OK);
	cr_assert(dedup_is_void(entry));
	cr_assert_eq(dedup_decide(&dedup, &duplicate, &answer), DEDUP_DUPLICATE, "what was told stays told");
	cr_assert(answer.is_void);
	cr_assert_eq(dedup_decide(&dedup, &first, &answer), DEDUP_FIRST);
	cr_assert_eq(dedup_test_send_at(5, now, &message, &answer), DEDUP_FIRST, "sent anew");
	cr_assert_eq(dedup_test_send(5), DEDUP_DUPLICATE);
	cr_assert_eq(dedup_void(&dedup, &first), DEDUP_OK, "again, by who finds it half done");
	cr_assert_eq(dedup_void(&dedup, &duplicate), DEDUP_NONE);
}

/* By who knows but link and key, when its slot may have been another one's for long. */
Test(dedup, shouldSayWhetherAMessageWasTakenBack)
{
	struct dedup_message first, asked, unknown = {.link = link_pack(0, 99, 0), .key = {7, 7}};
	struct dedup_answer answer;

	cr_assert_eq(dedup_test_send_at(5, now, &first, &answer), DEDUP_FIRST);
	asked = (struct dedup_message){.link = first.link, .key = {first.key[0], first.key[1]}};
	cr_expect_eq(dedup_ask_void(&dedup, &asked), DEDUP_OK);
	cr_expect_eq(dedup_ask_void(&dedup, &unknown), DEDUP_OK, "it has no entry any more");
	cr_assert_eq(dedup_void(&dedup, &first), DEDUP_OK);
	cr_expect_eq(dedup_ask_void(&dedup, &asked), DEDUP_NONE);
	asked.key[1]++;
	cr_expect_eq(dedup_ask_void(&dedup, &asked), DEDUP_OK, "an older message of its slot");
	asked.key[1]--;
	asked.key[0] += dedup_cells(&dedup.table[0]);
	cr_expect_eq(dedup_ask_void(&dedup, &asked), DEDUP_OK, "the same, of another half of the key");
}

Test(dedup, shouldFinishAVoidThatWasBegunByADeadProcess)
{
	struct dedup_message first, second = dedup_test_join(5, now), third;
	struct dedup_answer answer;

	cr_assert_eq(dedup_test_send_at(5, now, &first, &answer), DEDUP_FIRST);
	answer.entry->voided = DEDUP_VOIDING;
	cr_assert_eq(dedup_decide(&dedup, &second, &answer), DEDUP_DUPLICATE, "its number is below the cut");
	cr_assert(answer.is_void);
	third = dedup_test_join(5, now);
	cr_assert_eq(dedup_decide(&dedup, &third, &answer), DEDUP_FIRST);
}

/* Its owner slept, and somebody else has dealt with it. */
Test(dedup, shouldTellTheOwnerOfAMessageWhoseNumberIsLost)
{
	struct dedup_message first, second, unknown;
	struct dedup_answer answer;
	uint64_t sent = 0;

	dedup_test_send_at(5, now, &first, &answer);
	second = dedup_test_join(5, now);
	dedup_void(&dedup, &first);
	unknown = second;
	unknown.sequence = 0;
	cr_assert_eq(dedup_decide(&dedup, &unknown, &answer), DEDUP_LATE, "a duplicate of what was voided since");
	cr_assert_eq(dedup_test_send_at(5, now, &second, &answer), DEDUP_FIRST);
	unknown = second;
	unknown.sequence = 0;
	cr_assert_eq(dedup_decide(&dedup, &unknown, &answer), DEDUP_FIRST);
	cr_assert_eq(answer.sequence, second.sequence);
	for (uint64_t i = 0; i < dedup_cells(&dedup.table[0]); i++)
		sent += dedup.table[0].entries[i].control != DEDUP_EMPTY;
	cr_assert_eq(sent, 2, "nothing was inserted by looking");
}

/* ---- a look beforehand ---------------------------------------------------------------------------------- */

Test(dedup, shouldKnowAtALookWhatWasNeverSeen)
{
	struct dedup older = dedup;
	struct dedup_message taken = dedup_test_join(21, now);
	struct dedup_answer answer;

	cr_assert(dedup_test_lacks(&dedup, 5));
	dedup_test_send(5);
	cr_assert_not(dedup_test_lacks(&dedup, 5));
	cr_assert_not(dedup_test_lacks(&dedup, 21), "the other half of its key is to be asked");
	cr_assert(dedup_test_lacks(&dedup, 6));
	dedup_test_append(4);
	cr_assert_not(dedup_test_lacks(&dedup, 5));
	cr_assert_eq(dedup_decide(&dedup, &taken, &answer), DEDUP_FIRST);
	cr_assert(dedup_test_lacks(&dedup, 6), "the older table is sealed there");
	cr_assert_not(dedup_test_lacks(&older, 7) && dedup_test_lacks(&older, 21),
		      "in the newest a seal says that there is a newer one");
}
