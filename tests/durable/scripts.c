#include "tests/durable/scripts.h"

#include "tests/support/arguments.h"

enum { HOUR_MS = 3600000, SMALL = 20, BLOCK = 700, LARGE = 20000, HUGE = 69000 /* more than a file */ };

static void play_sends(struct history *history)
{
	h_create(history, 0, RLQ_SYNC, -1, 0);
	h_send(history, 0, 1, SMALL, 0);
	h_send(history, 0, 3, BLOCK, 0);
	h_receive(history, 0, 2, HOUR_MS);
	h_delete(history, 0, 1);
	h_send(history, 0, 1, BLOCK, HOUR_MS);
	h_release(history, 0, HOUR_MS);
	h_receive(history, 0, 1, 0);
	h_receive(history, 0, 2, HOUR_MS);
	h_settle(history);
	h_delete(history, 0, 2);
	h_send(history, 0, 2, SMALL, 0);
	h_settle(history);
	h_purge(history, 0);
	h_send(history, 0, 1, SMALL, 0);
}

static void play_moves(struct history *history)
{
	h_create(history, 1, RLQ_SYNC, -1, 0);
	h_create(history, 0, RLQ_SYNC, 1, 2);
	h_send(history, 0, 3, BLOCK, 0);
	h_receive(history, 0, 3, 0);
	h_receive(history, 0, 3, 0);
	h_receive(history, 0, 3, 0); /* moves */
	h_settle(history);
	h_receive(history, 1, 1, HOUR_MS);
	h_delete(history, 1, 1);
	h_redrive(history, 1, 0);
	h_receive(history, 0, 2, 0);
	h_receive(history, 0, 2, 0);
	h_settle(history);
	h_receive(history, 0, 2, 0); /* moves again, and at once what is moved is deleted */
	h_receive(history, 1, 2, HOUR_MS);
	h_delete(history, 1, 2);
	h_send(history, 0, 1, SMALL, 0);
}

static void play_queues(struct history *history)
{
	h_create(history, 0, RLQ_SYNC, -1, 0);
	h_send(history, 0, 2, SMALL, 0);
	h_create(history, 1, RLQ_ASYNC, -1, 0);
	h_send(history, 1, 1, SMALL, 0);
	h_settle(history);
	h_set_visibility(history, 0, 5 * HOUR_MS);
	h_remove(history, 1);
	h_create(history, 1, RLQ_SYNC, -1, 0);
	h_send(history, 1, 1, BLOCK, 0);
	h_remove(history, 0);
	h_send(history, 1, 1, BLOCK, 0);
	h_create(history, 0, RLQ_SYNC, -1, 0);
	h_send(history, 0, 1, BLOCK, 0);
	h_set_visibility(history, 1, HOUR_MS / 2);
}

/* Files are filled, compacted and dropped, while some messages stay: one counted, one delayed, one moved. */
static void play_files(struct history *history)
{
	h_create(history, 1, RLQ_SYNC, -1, 0);
	h_create(history, 0, RLQ_SYNC, 1, 1);
	h_create(history, 2, RLQ_SYNC, -1, 0);
	h_create(history, 3, RLQ_SYNC, -1, 0);
	h_send(history, 0, 1, BLOCK, 0);
	h_receive(history, 0, 1, 0);
	h_receive(history, 0, 1, 0);
	h_send(history, 3, 2, BLOCK, 0);
	h_receive(history, 3, 1, 0);
	h_send(history, 3, 1, SMALL, HOUR_MS);
	for (int i = 0; i < 10 && !history->is_over; i++) {
		h_send(history, 2, 3, LARGE, 0);
		h_receive(history, 2, 3, HOUR_MS);
		h_delete(history, 2, 3);
		if (i == 4)
			h_receive(history, 3, 1, 0);
		if (i == 6)
			h_remove(history, 3);
	}
}

/* Turns that fill more than a file, and one message that does. */
static void play_large(struct history *history)
{
	h_create(history, 0, RLQ_SYNC, -1, 0);
	h_send(history, 0, 10, LARGE, 0);
	h_send(history, 0, 1, HUGE, 0);
	h_receive(history, 0, 10, HOUR_MS);
	h_delete(history, 0, 10);
	h_receive(history, 0, 1, 0);
	h_send(history, 0, 3, LARGE, 0);
}

/* Groups with messages in flight, deleted before those ahead of them, released, moved and moved back. */
static void play_fifo(struct history *history)
{
	h_create_fifo(history, 1, RLQ_SYNC, -1, 0);
	h_create_fifo(history, 0, RLQ_SYNC, 1, 2);
	h_create_fifo(history, 2, RLQ_ASYNC, -1, 0);
	h_send_crossed(history, 2, 7, SMALL);
	h_send(history, 0, 7, SMALL, 0);
	h_receive(history, 0, 3, HOUR_MS); /* of one group */
	h_release(history, 0, 0);
	h_settle(history);	 /* and with it the marks are taken */
	h_delete(history, 0, 1); /* the second of the three */
	h_send(history, 0, 2, BLOCK, 0);
	h_receive(history, 0, 4, 0);
	h_receive(history, 0, 4, 0); /* moves */
	h_settle(history);
	h_send(history, 0, 1, SMALL, 0);
	h_receive(history, 1, 2, HOUR_MS);
	h_delete(history, 1, 1);
	h_redrive(history, 1, 0);
	h_receive(history, 0, 3, HOUR_MS);
	h_release(history, 0, HOUR_MS);
	h_send(history, 0, 3, LARGE, 0);
}

/* Files are dropped in which ids stand that are to be known, and numbers of messages that stay. */
static void play_fifo_files(struct history *history)
{
	h_create_fifo(history, 0, RLQ_SYNC, -1, 0);
	h_create_fifo(history, 2, RLQ_SYNC, -1, 0);
	h_send(history, 0, 3, SMALL, 0);
	h_receive(history, 0, 2, HOUR_MS);
	h_delete(history, 0, 2);
	for (int i = 0; i < 9 && !history->is_over; i++) {
		h_send(history, 2, 3, LARGE, 0);
		h_receive(history, 2, 3, HOUR_MS);
		h_delete(history, 2, 3);
	}
}

const struct script scripts[] = {
	{"sends", play_sends, false},	       {"moves", play_moves, false}, {"queues", play_queues, false},
	{"large", play_large, false},	       {"files", play_files, true},  {"fifo", play_fifo, false},
	{"fifo_files", play_fifo_files, true},
};
const int script_count = sizeof(scripts) / sizeof(scripts[0]);

/* ---- drawn ------------------------------------------------------------------------------------ */

static int draw(uint64_t *random, int below)
{
	return (int)((random_next(random) >> 33) % (uint64_t)below);
}

static void any_call(struct history *history, uint64_t *random)
{
	static const uint32_t sizes[] = {4, SMALL, BLOCK, 5000, LARGE};
	int queue = draw(random, 3);

	switch (draw(random, 12)) {
	case 0:
	case 1:
	case 2:
		h_send(history, queue, 1 + draw(random, 3), sizes[draw(random, 5)], draw(random, 8) ? 0 : HOUR_MS);
		break;
	case 3:
	case 4:
		h_receive(history, queue, 1 + draw(random, 4), HOUR_MS);
		break;
	case 5:
		h_receive(history, queue, 1 + draw(random, 4), 0);
		break;
	case 6:
	case 7:
		h_delete(history, queue, 1 + draw(random, 4));
		break;
	case 8:
		h_release(history, queue, draw(random, 2) ? 0 : HOUR_MS);
		break;
	case 9:
		h_settle(history);
		break;
	case 10:
		if (draw(random, 4) == 0)
			h_purge(history, queue);
		else if (draw(random, 2))
			h_redrive(history, 1, 0);
		break;
	default:
		h_set_visibility(history, queue, HOUR_MS + draw(random, 100));
		break;
	}
	if (draw(random, 3) == 0) /* so that no message has too many states */
		h_settle(history);
}

static void create(struct history *history, bool is_fifo, int queue, enum rlq_durability durability, int dlq,
		   uint32_t receives_max)
{
	(is_fifo ? h_create_fifo : h_create)(history, queue, durability, dlq, receives_max);
}

/* A queue's type is for all of the history, even if the power failed while it was created, and its dead-letter
 * queue's is the same. Before there is one: one in three, without a draw of its own, so that the others are as
 * they were. */
static bool goes_on_as_fifo(const struct history *history, uint64_t drawn)
{
	if (history->queues[0].is_fifo || history->queues[1].is_fifo)
		return true;
	return !history_has_queue(history, 0) && !history_has_queue(history, 1) && drawn / 7 % 3 == 0;
}

void script_random(struct history *history, uint64_t *random, int calls)
{
	bool is_fifo = goes_on_as_fifo(history, *random);

	if (!history_has_queue(history, 1))
		create(history, is_fifo, 1, RLQ_SYNC, -1, 0);
	if (!history_has_queue(history, 0))
		create(history, is_fifo, 0, RLQ_SYNC, 1, 2);
	if (!history_has_queue(history, 2))
		create(history, is_fifo, 2, draw(random, 2) ? RLQ_SYNC : RLQ_ASYNC, -1, 0);
	if (is_fifo)
		h_retry(history);
	for (int i = 0; i < calls && !history->is_over; i++)
		any_call(history, random);
}
