#include "gateway/receipts.h"

#include <stdatomic.h>
#include <stdint.h>

#include "gateway/call.h"

enum { NOTES = 65536 };

static _Atomic uint64_t deleted[NOTES]; /* prints, by their low bits; 0: none */

/* Of all words of a receipt; two of the same are as rare as one in 2^64. */
static uint64_t print_of(const struct rlq_receipt *receipt)
{
	uint64_t print = 0;

	for (size_t i = 0; i < sizeof(receipt->opaque) / sizeof(receipt->opaque[0]); i++) {
		print = (print ^ receipt->opaque[i]) * UINT64_C(0x9e3779b97f4a7c15);
		print ^= print >> 29;
	}
	return print ? print : 1;
}

void receipt_note_deleted(const struct rlq_receipt *receipt)
{
	uint64_t print = print_of(receipt);

	atomic_store_explicit(&deleted[print % NOTES], print, memory_order_relaxed);
}

bool receipt_was_deleted(const struct rlq_receipt *receipt)
{
	uint64_t print = print_of(receipt);

	return atomic_load_explicit(&deleted[print % NOTES], memory_order_relaxed) == print;
}

bool receipt_read(const json_t *object, struct rlq_receipt *ret_receipt, struct failure *failure)
{
	const char *text = input_text(object, "ReceiptHandle");

	if (text == NULL)
		return failure_missing(failure, "ReceiptHandle");
	if (rlq_receipt_parse(text, ret_receipt) == 0)
		return true;
	return failure_set(failure, RECEIPT_HANDLE_IS_INVALID,
			   "The input receipt handle \"%s\" is not a valid receipt handle.", text);
}

bool receipt_failure(struct failure *failure, const json_t *object, int error)
{
	if (error == RLQ_ERECEIPT)
		return failure_set(failure, RECEIPT_HANDLE_IS_INVALID,
				   "The receipt handle \"%s\" is not valid for this queue.",
				   input_text(object, "ReceiptHandle"));
	return failure_from_library(failure, error);
}
