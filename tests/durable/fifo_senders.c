#include "tests/durable/fifo_senders.h"

#include "tests/support/history.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
	GROUPS = 4,
	BATCH_MOST = 6,
	SMALL = 100,
	LARGE = 3000,
	EVENTS = 1 << 15,
	SENT_AGAIN_EVERY = 4, /* of what was acknowledged */
	LEASE_MS = 3600000,
};

#define WINDOW_NS (RLQ_DEDUP_WINDOW_DEFAULT_MS * INT64_C(1000000))

static struct history history = {.is_fifo = true, .dedup_window_ns = WINDOW_NS};
static atomic_uint next_id;
static uint32_t epoch;

/* Of who judges. */
static struct history_log *last_log(void)
{
	return history.log[FIFO_THREADS];
}

bool fifo_senders_begin(struct rlq_directory *directory)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	for (; history.log_count <= FIFO_THREADS; history.log_count++)
		history.log[history.log_count] = history_log_new(EVENTS);
	for (uint32_t i = 0; i < history.log_count; i++)
		history_log_clear(history.log[i]);
	atomic_store(&next_id, 1);
	epoch = 0;
	attributes.type = RLQ_FIFO;
	attributes.durability = RLQ_SYNC;
	return rlq_queue_create(directory, FIFO_SENDERS_QUEUE, &attributes) == 1;
}

static void settle(struct history_event *event, enum history_outcome outcome)
{
	event->end_ns = history_now_ns();
	event->outcome = (uint8_t)outcome;
}

/* ---- sending ---------------------------------------------------------------------------------- */

static uint32_t group_of(uint32_t id)
{
	return 1 + id % GROUPS;
}

struct parcel {
	unsigned char body[LARGE];
	char group[12], dedup_id[12];
};

static struct rlq_send_entry pack(uint32_t id, struct parcel *parcel)
{
	memcpy(parcel->body, &id, sizeof(id));
	snprintf(parcel->group, sizeof(parcel->group), "g%u", group_of(id));
	snprintf(parcel->dedup_id, sizeof(parcel->dedup_id), "d%u", id);
	return (struct rlq_send_entry){.body = parcel->body,
				       .body_bytes = id / GROUPS % 2 ? LARGE : SMALL,
				       .delay_ms = RLQ_DEFAULT,
				       .group = parcel->group,
				       .dedup_id = parcel->dedup_id};
}

/* The first of `count` numbers; what was not answered may have been sent. */
static int send_ids(struct rlq_queue *queue, struct history_log *log, uint32_t first, uint32_t count,
		    struct rlq_sent *ret_sent)
{
	static _Thread_local struct parcel parcels[BATCH_MOST];
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entries[BATCH_MOST];
	struct history_event *event[BATCH_MOST];
	int result;

	for (uint32_t i = 0; i < count; i++) {
		entries[i] = pack(first + i, &parcels[i]);
		event[i] = history_add(log, (struct history_event){.kind = HISTORY_SEND,
								   .id = first + i,
								   .dedup_id = first + i,
								   .group = group_of(first + i),
								   .epoch = epoch,
								   .start_ns = history_now_ns()});
		if (event[i] == NULL)
			return -1; /* enough was written down */
	}
	options.ret_sent = ret_sent;
	result = rlq_send_batch(queue, entries, count, &options, NULL);
	for (int i = 0; i < result; i++) {
		memcpy(event[i]->message_id, ret_sent[i].id.word, sizeof(event[i]->message_id));
		event[i]->sequence = ret_sent[i].sequence;
		event[i]->is_duplicate = ret_sent[i].is_duplicate;
		settle(event[i], HISTORY_DONE);
	}
	return result;
}

bool fifo_send_some(struct rlq_queue *queue, unsigned thread, uint64_t random)
{
	uint32_t count = random & 1 ? 1 : 1 + (uint32_t)(random >> 1) % BATCH_MOST;
	struct rlq_sent sent[BATCH_MOST];

	return send_ids(queue, history.log[thread], atomic_fetch_add(&next_id, count), count, sent) == (int)count;
}

/* ---- receiving -------------------------------------------------------------------------------- */

static bool delete_one(struct rlq_queue *queue, struct history_log *log, const struct history_event *received,
		       const struct rlq_receipt *receipt)
{
	struct history_event *event =
		history_add(log, (struct history_event){.kind = HISTORY_DELETE,
							.id = received->id,
							.receive_count = received->receive_count,
							.epoch = epoch,
							.start_ns = history_now_ns()});
	int error = event ? rlq_delete(queue, receipt) : -1;

	if (error == 0 || error == RLQ_ESTALE)
		settle(event, error ? HISTORY_REFUSED : HISTORY_DONE);
	return error == 0 || error == RLQ_ESTALE;
}

/* How many, or an error. */
static int receive(struct rlq_queue *queue, struct history_log *log, bool deletes)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct history_event event = {.kind = HISTORY_RECEIVE,
				      .outcome = HISTORY_DONE,
				      .epoch = epoch,
				      .lease_ns = deletes ? LEASE_MS * INT64_C(1000000) : 0,
				      .start_ns = history_now_ns()};
	struct rlq_message message[BATCH_MOST];
	struct history_event received[BATCH_MOST];
	int count;

	options.wait_ms = 0;
	options.visibility_ms = deletes ? LEASE_MS : 0;
	count = rlq_receive(queue, message, deletes ? BATCH_MOST : 1, &options);
	event.end_ns = history_now_ns();
	for (int i = 0; i < count; i++) {
		uint32_t id;

		memcpy(&id, message[i].body, sizeof(id));
		event.id = id;
		event.group = message[i].group ? (uint32_t)(message[i].group[1] - '0') : 0;
		event.receive_count = message[i].receive_count;
		event.sequence = message[i].sequence;
		received[i] = event;
		history_add(log, event);
	}
	for (int i = 0; deletes && i < count; i++)
		if (!delete_one(queue, log, &received[i], &message[i].receipt))
			return -1;
	return count;
}

bool fifo_receive_some(struct rlq_queue *queue, unsigned thread, bool deletes)
{
	return receive(queue, history.log[thread], deletes) >= 0;
}

/* ---- after the loss of power ------------------------------------------------------------------ */

static bool send_again(struct rlq_queue *queue, const struct history_event *event, struct fifo_counts *counts)
{
	struct rlq_sent sent;

	if (event->kind != HISTORY_SEND)
		return true;
	counts->acknowledged += event->outcome == HISTORY_DONE;
	if (event->outcome == HISTORY_DONE && event->id % SENT_AGAIN_EVERY)
		return true;
	if (send_ids(queue, last_log(), (uint32_t)event->id, 1, &sent) != 1)
		return false;
	counts->repeated++;
	counts->duplicates += sent.is_duplicate;
	return true;
}

static const char *finish(struct rlq_queue *queue, struct fifo_counts *counts)
{
	int count;

	for (uint32_t i = 0; i < FIFO_THREADS; i++)
		for (uint32_t at = 0; at < history.log[i]->count; at++)
			if (!send_again(queue, &history.log[i]->event[at], counts))
				return "a send is not taken again";
	do
		count = receive(queue, last_log(), true);
	while (count > 0);
	return count < 0 ? "what is there is not received and deleted" : NULL;
}

const char *fifo_senders_judge(struct rlq_directory *directory, struct fifo_counts *counts)
{
	struct rlq_queue *queue;
	const char *wrong;

	epoch++;
	if (rlq_queue_open(directory, FIFO_SENDERS_QUEUE, &queue) != 0)
		return "the FIFO queue is not there";
	wrong = finish(queue, counts);
	rlq_queue_close(queue);
	return wrong ? wrong : history_judge(&history, stdout) > 0 ? "the history of the FIFO queue" : NULL;
}
