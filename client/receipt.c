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

static char *put_hex(char *at, uint64_t value, int digits)
{
	for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[value >> shift & 15];
	return at;
}

void rlq_receipt_format(const struct rlq_receipt *receipt, char *ret_text)
{
	char *at = stpcpy(ret_text, PREFIX);

	for (int i = 0; i < WORDS; i++)
		at = put_hex(at, receipt->opaque[i], WORD_DIGITS);
	*put_hex(at, check_sum(receipt), SUM_DIGITS) = '\0';
}

/* `digits` hex digits; false if there is another character. */
static bool read_hex(const char *text, int digits, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (int i = 0; i < digits; i++) {
		const char c = text[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
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
	static const struct {
		int word, shift, digits;
	} parts[] = {{0, 32, 8}, {0, 16, 4}, {0, 0, 4}, {1, 48, 4}, {1, 0, 12}};
	char *at = ret_text;

	for (int i = 0; i < 5; i++) {
		if (i > 0)
			*at++ = '-';
		at = put_hex(at, id->word[parts[i].word] >> parts[i].shift, parts[i].digits);
	}
	*at = '\0';
}
