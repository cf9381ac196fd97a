/* Receipt handles, and which of them this gateway has deleted a message with.
 *
 * The library says "stale" of a receipt whose message was deleted, was received again since, or (FIFO) whose lease
 * is over. AWS tells deleted messages from the others, so the last ones are remembered: some 65,536 of all queues,
 * those deleted by this gateway. What is forgotten, or was deleted by others, counts as received again. */
#ifndef GATEWAY_RECEIPTS_H
#define GATEWAY_RECEIPTS_H

#include <stdbool.h>

#include <jansson.h>
#include <ringlease.h>

#include "gateway/failure.h"

/* `ReceiptHandle` of an object. */
bool receipt_read(const json_t *object, struct rlq_receipt *ret_receipt, struct failure *failure);

/* Sets the failure for a code of the library of that handle: one that it does not know, or any other. */
bool receipt_failure(struct failure *failure, const json_t *object, int error);

/* Both thread-safe. */
void receipt_note_deleted(const struct rlq_receipt *receipt);
bool receipt_was_deleted(const struct rlq_receipt *receipt);

#endif
