/* Texts of receipts: what parses must format to itself; and no receipt, whatever its words, deletes or
 * moves a message that was not leased with it. */
#include "ringlease.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/queue_fixture.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 };

static struct rlq_queue *queue;
static struct rlq_receipt held;

static void begin(void)
{
	queues_begin();
	atexit(queues_end);
	queue = queue_make("q", NULL);
	send_text(queue, "a");
	held = receive_one(queue).receipt;
	send_text(queue, "b");
}

static void try_text(const uint8_t *bytes, size_t count)
{
	char text[TEXT_MAX + 1], back[RLQ_RECEIPT_TEXT_BYTES];
	struct rlq_receipt receipt;

	count = count < TEXT_MAX ? count : TEXT_MAX;
	memcpy(text, bytes, count);
	text[count] = '\0';
	if (rlq_receipt_parse(text, &receipt) != 0)
		return;
	rlq_receipt_format(&receipt, back);
	if (strcmp(text, back) != 0)
		abort();
}

/* The words of the input over those of the receipt that is held: only the very same may do anything,
 * but for the bits that mean nothing (spare ones, and the time of the lease). */
static void try_words(const uint8_t *bytes, size_t count)
{
	struct rlq_receipt receipt = held;
	unsigned char *words = (unsigned char *)&receipt;

	for (size_t i = 0; i + 1 < count && i < 64; i += 2)
		words[bytes[i] % sizeof(receipt)] ^= bytes[i + 1];
	receipt.opaque[2] = (receipt.opaque[2] & ~UINT64_C(0xffff)) | (held.opaque[2] & 0xffff);
	receipt.opaque[3] = (receipt.opaque[3] & ~UINT64_C(0xffffffff)) | (held.opaque[3] & 0xffffffff);
	if (memcmp(&receipt, &held, sizeof(held)) == 0)
		return;
	if (rlq_delete(queue, &receipt) == 0 || rlq_extend(queue, &receipt, 1000) == 0 ||
	    rlq_release(queue, &receipt, 0) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	char text[RLQ_RECEIPT_TEXT_BYTES];

	if (queue == NULL)
		begin();
	try_text(bytes, count);
	try_words(bytes, count);
	/* A sound text with some of its characters changed. */
	rlq_receipt_format(&held, text);
	for (size_t i = 0; i + 1 < count && i < 16; i += 2)
		text[bytes[i] % strlen(text)] = (char)(bytes[i + 1] ? bytes[i + 1] : 1);
	try_text((const uint8_t *)text, strlen(text));
	return 0;
}
