/* What actors do in FIFO queues alone. */
#include "tests/interleave/segments/journal.h"
#include "tests/interleave/segments/judge.h"

#include "shm/fifo.h"

#include <errno.h>

/* The ids of a message, and where its sender hears more than its own. */
struct fifo_sending {
	char group[2], id[2];
	struct rlq_sent sent;
};

static void sending_begin(struct fifo_sending *sending, unsigned number)
{
	*sending = (struct fifo_sending){.group = {fifo_group_of(number)}, .id = {fifo_id_of(number)}};
}

int fifo_send_call(struct rlq_queue *queue, const unsigned char *body, size_t bytes, unsigned number,
		   bool *ret_is_duplicate)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct fifo_sending sending;
	unsigned before = world.told;
	int result;

	sending_begin(&sending, number);
	options.group = sending.group;
	options.dedup_id = sending.id;
	options.ret_sent = &sending.sent;
	result = rlq_send(queue, body, bytes, &options, NULL);
	monitor_step();
	if (result == 0)
		fifo_judge_sent(number, &sending.sent, before);
	*ret_is_duplicate = result == 0 && sending.sent.is_duplicate;
	return result;
}

/* Another table is appended, as a sweep does that finds the newest worn; others empty the older one. */
void call_replace(int actor, unsigned kind)
{
	struct segment *segment = own[actor].handle[QUEUE]->seg;
	int error;

	if (seg_enter(segment) != 0)
		return;
	error = fifo_refresh(segment);
	if (!error)
		error = tables_append(segment, (enum seg_table_kind)kind,
				      tables_list(segment->header, (enum seg_table_kind)kind), TABLE_ORDER_FIRST);
	if (error && error != -EBUSY)
		explore_fail("a table could not be appended: %lld", (uint64_t)(int64_t)error);
	seg_leave(segment);
}
