/* Receipts: 48 bytes that name one lease, and their text.
 *
 *   word 0  incarnation of the queue
 *   word 1  ring id:32 | ring:8 | slot:24
 *   word 2  generation:48 | 0:16
 *   word 3  receives:32 | time of the lease, boot clock ms:32
 *   word 4, 5  message id
 *
 * The text is "RL1-", 96 hex digits of the words and 8 of a check sum, which finds mistakes, not
 * forgery: a receipt is a capability only among those who can map the queue anyway.
 */
#include "client/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "RL1-"
enum { WORDS = 6, WORD_DIGITS = 16, SUM_DIGITS = 8, TEXT_BYTES = 4 + WORDS * WORD_DIGITS + SUM_DIGITS };
_Static_assert(TEXT_BYTES + 1 <= RLQ_RECEIPT_TEXT_BYTES, "receipt text");

/* Spreads each word over the sum (the finaliser of splitmix64). */
static uint32_t check_sum(const struct rlq_receipt *receipt)
{
	uint64_t sum = 0x9e3779b97f4a7c15;

	for (int i = 0; i < WORDS; i++) {
		sum += receipt->opaque[i];
		sum = (sum ^ (sum >> 30)) * 0xbf58476d1ce4e5b9;
		sum = (sum ^ (sum >> 27)) * 0x94d049bb133111eb;
		sum ^= sum >> 31;
	}
	return (uint32_t)sum;
}

void rlq_receipt_format(const struct rlq_receipt *receipt, char *ret_text)
{
	char *at = ret_text + sprintf(ret_text, "%s", PREFIX);

	for (int i = 0; i < WORDS; i++)
		at += sprintf(at, "%016" PRIx64, receipt->opaque[i]);
	sprintf(at, "%08" PRIx32, check_sum(receipt));
}

/* `digits` hex digits; false if there is another character. */
static bool read_hex(const char *text, int digits, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (int i = 0; i < digits; i++) {
		const char *found = text[i] ? strchr("0123456789abcdef", text[i]) : NULL;

		if (found == NULL)
			return false;
		value = value << 4 | (uint64_t)(found - "0123456789abcdef");
	}
	*ret_value = value;
	return true;
}

int rlq_receipt_parse(const char *text, struct rlq_receipt *ret_receipt)
{
	struct rlq_receipt receipt;
	uint64_t sum;

	if (text == NULL || strlen(text) != TEXT_BYTES || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return RLQ_ERECEIPT;
	text += strlen(PREFIX);
	for (int i = 0; i < WORDS; i++, text += WORD_DIGITS)
		if (!read_hex(text, WORD_DIGITS, &receipt.opaque[i]))
			return RLQ_ERECEIPT;
	if (!read_hex(text, SUM_DIGITS, &sum) || sum != check_sum(&receipt))
		return RLQ_ERECEIPT;
	*ret_receipt = receipt;
	return 0;
}

void rlq_message_id_format(const struct rlq_message_id *id, char *ret_text)
{
	snprintf(ret_text, RLQ_MESSAGE_ID_TEXT_BYTES, "%08x-%04x-%04x-%04x-%012" PRIx64,
		 (unsigned)(id->word[0] >> 32), (unsigned)(id->word[0] >> 16) & 0xffff,
		 (unsigned)id->word[0] & 0xffff, (unsigned)(id->word[1] >> 48),
		 id->word[1] & UINT64_C(0xffffffffffff));
}
