#include "bench/sqs/accounts.h"

#include "bench/sqs/request.h"

#include <stdlib.h>

enum { BATCH = 1000 };

static int take(struct ledger *ledger, struct rlq_queue *queue, struct rlq_message *messages,
		struct rlq_receipt *receipts)
{
	int got = must(NULL, rlq_receive(queue, messages, BATCH, NULL), "receive");

	for (int i = 0; i < got; i++) {
		ledger_receive(ledger, number_of(messages[i].body, messages[i].body_bytes));
		receipts[i] = messages[i].receipt;
	}
	if (got > 0 && must(NULL, rlq_delete_batch(queue, receipts, (size_t)got, NULL), "delete") != got)
		sqs_fail("a message that was received could not be deleted");
	return got;
}

void accounts_close(struct ledger *ledger, const struct place *place, const char *queue)
{
	struct opened opened = queue_open(NULL, place, queue);
	struct rlq_message *messages = malloc(BATCH * sizeof(*messages));
	struct rlq_receipt *receipts = malloc(BATCH * sizeof(*receipts));
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	if (messages == NULL || receipts == NULL)
		sqs_fail("no memory");
	while (take(ledger, opened.queue, messages, receipts) > 0)
		;
	must(NULL, rlq_queue_stat(opened.queue, &stat), "stat");
	if (ledger_waiting(ledger) > 0 || stat.visible + stat.in_flight + stat.delayed > 0)
		sqs_fail("%llu messages were lost; %llu were not deleted",
			 (unsigned long long)ledger_waiting(ledger),
			 (unsigned long long)(stat.visible + stat.in_flight + stat.delayed));
	free(receipts);
	free(messages);
	queue_close(&opened);
}
