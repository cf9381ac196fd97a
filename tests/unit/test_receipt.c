#include "client/internal.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(receipt, .init = queues_begin, .fini = queues_end, .timeout = 60);

static const struct receipt_parts some = {
	.incarnation = 0x0123456789abcdef,
	.generation = GENERATION_MASK,
	.id = {1, UINT64_MAX},
	.ring = 7,
	.ring_id = UINT32_MAX,
	.slot = 0xffffff,
	.receives = 77,
	.leased_ms = 0xfedcba98,
};

Test(receipt, shouldKeepAllItsPartsApart)
{
	struct rlq_receipt receipt;
	struct receipt_parts back;

	receipt_pack(&some, &receipt);
	receipt_unpack(&receipt, &back);
	cr_assert_eq(back.incarnation, some.incarnation);
	cr_assert_eq(back.generation, some.generation);
	cr_assert_eq(back.id[0], 1);
	cr_assert_eq(back.id[1], UINT64_MAX);
	cr_assert_eq(back.ring, 7);
	cr_assert_eq(back.ring_id, UINT32_MAX);
	cr_assert_eq(back.slot, 0xffffff);
	cr_assert_eq(back.receives, 77);
	cr_assert_eq(back.leased_ms, 0xfedcba98);
}

Test(receipt, shouldSurviveItsText)
{
	struct rlq_receipt receipt, back;
	char text[RLQ_RECEIPT_TEXT_BYTES];

	receipt_pack(&some, &receipt);
	rlq_receipt_format(&receipt, text);
	cr_assert_lt(strlen(text), RLQ_RECEIPT_TEXT_BYTES);
	cr_assert_eq(rlq_receipt_parse(text, &back), 0);
	cr_assert_eq(memcmp(&receipt, &back, sizeof(receipt)), 0);
}

Test(receipt, shouldNoticeEveryChangedCharacterOfItsText)
{
	struct rlq_receipt receipt, untouched = {{42}};
	char text[RLQ_RECEIPT_TEXT_BYTES];

	receipt_pack(&some, &receipt);
	rlq_receipt_format(&receipt, text);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		text[i] = was == '0' ? '1' : '0';
		cr_assert_eq(rlq_receipt_parse(text, &untouched), RLQ_ERECEIPT, "character %zu", i);
		text[i] = 'G';
		cr_assert_eq(rlq_receipt_parse(text, &untouched), RLQ_ERECEIPT, "character %zu", i);
		text[i] = was;
	}
	cr_assert_eq(untouched.opaque[0], 42, "output arguments are untouched on failure");
}

Test(receipt, shouldRefuseTextsThatAreNone)
{
	static const char *const bad[] = {"", "RL1-", "garbage", "RL1-0123", "rl1-"};
	struct rlq_receipt receipt;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(rlq_receipt_parse(bad[i], &receipt), RLQ_ERECEIPT, "%s", bad[i]);
	cr_expect_eq(rlq_receipt_parse(NULL, &receipt), RLQ_ERECEIPT);
}

Test(receipt, shouldBeRefusedByAnotherQueue)
{
	struct rlq_queue *a = queue_make("a", NULL), *b = queue_make("b", NULL);
	struct rlq_message message;

	send_text(a, "x");
	send_text(b, "y");
	message = receive_one(a);
	cr_assert_eq(rlq_delete(b, &message.receipt), RLQ_ERECEIPT);
	cr_assert_eq(rlq_extend(b, &message.receipt, 1000), RLQ_ERECEIPT);
	cr_assert_eq(rlq_release(b, &message.receipt, 0), RLQ_ERECEIPT);
	cr_assert_eq(stat_of(b).visible, 1);
}

Test(receipt, shouldBeRefusedByAQueueThatWasMadeAgain)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	send_text(queue, "x");
	message = receive_one(queue);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	queue = queue_make("q", NULL);
	send_text(queue, "y");
	receive_one(queue);
	cr_assert_eq(rlq_delete(queue, &message.receipt), RLQ_ERECEIPT);
	cr_assert_eq(stat_of(queue).in_flight, 1);
}

Test(receipt, shouldNameItsMessageByIdToo)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;
	struct rlq_receipt forged;

	send_text(queue, "x");
	message = receive_one(queue);
	for (int word = 1; word < 6; word++) {
		for (int bit = 0; bit < 64; bit++) {
			forged = message.receipt;
			forged.opaque[word] ^= UINT64_C(1) << bit;
			if (word == 3 && bit < 32)
				continue; /* the time of the lease decides nothing */
			if (word == 2 && bit < 16)
				continue; /* spare */
			cr_assert_lt(rlq_delete(queue, &forged), 0, "word %d bit %d", word, bit);
		}
	}
	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
}

Test(receipt, shouldShowAMessageIdAsAUuid)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message_id first, second;
	char text[RLQ_MESSAGE_ID_TEXT_BYTES];

	cr_assert_eq(rlq_send(queue, "", 0, NULL, &first), 0);
	cr_assert_eq(rlq_send(queue, "", 0, NULL, &second), 0);
	cr_assert_neq(memcmp(&first, &second, sizeof(first)), 0);
	rlq_message_id_format(&first, text);
	cr_assert_eq(strlen(text), 36);
	cr_assert_eq(strspn(text, "0123456789abcdef-"), 36);
	cr_assert(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
	cr_assert_eq(text[14], '4', "version 4");
	cr_assert(strchr("89ab", text[19]) != NULL, "variant 1");
}
