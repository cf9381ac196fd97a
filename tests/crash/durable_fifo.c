#include "ringlease-engine.h"
#include "tests/crash/durable_stage.h"
#include "tests/support/arguments.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LIVE_MOST = 60,
	SHORT_BYTES = 20000, /* less than so many need */
	SMALL = 100,
	LARGE = 3000,
	RECEIVED_MOST = 3,
	LEASE_MS = 300,
	EVENTS_A_TURN = 2 * FIFO_IDS,
};

#define SENT_AGAIN_NS (FIFO_WINDOW_MS * INT64_C(1000000) / 2) /* within it only */

const char *const fifo_names[FIFO_QUEUES] = {"order.fifo", "loose.fifo", "short.fifo"};

void fifo_make_queues(struct stage *stage, struct rlq_directory *directory)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	atomic_store(&stage->next_fifo, 1);
	for (int i = 0; i < FIFO_QUEUES; i++)
		for (int j = 0; j <= FIFO_CLIENTS; j++)
			stage->fifo[i].log[j] = history_log_new(FIFO_LOG_EVENTS);
	attributes.type = RLQ_FIFO;
	attributes.dedup_window_ms = FIFO_WINDOW_MS;
	for (int i = 0; i < FIFO_QUEUES; i++) {
		attributes.durability = i == FIFO_ASYNC ? RLQ_ASYNC : RLQ_SYNC;
		attributes.journal_bytes_max = i == FIFO_SHORT ? SHORT_BYTES : 0;
		if (rlq_queue_create(directory, fifo_names[i], &attributes) != 1)
			stage_fail(stage, "%s cannot be made", fifo_names[i]);
	}
}

/* ---- one process ------------------------------------------------------------------------------ */

/* Received, and not deleted for sure. */
struct held {
	struct rlq_receipt receipt;
	uint32_t id, receive_count, epoch;
};

struct desk {
	struct stage *stage;
	unsigned number;
	uint64_t random;
	struct rlq_directory *directory;
	struct rlq_queue *queue[FIFO_QUEUES];
	struct held held[FIFO_QUEUES][RECEIVED_MOST];
	int held_count[FIFO_QUEUES];
};

static void open_desk(struct desk *desk)
{
	int error = rlq_directory_open(desk->stage->queues, &desk->directory);

	for (int i = 0; i < FIFO_QUEUES && !error; i++)
		error = rlq_queue_open(desk->directory, fifo_names[i], &desk->queue[i]);
	if (error) {
		stage_fail(desk->stage, "a client cannot open its FIFO queues: %s", rlq_strerror(error));
		_exit(1);
	}
}

static void close_desk(struct desk *desk)
{
	for (int i = 0; i < FIFO_QUEUES; i++)
		rlq_queue_close(desk->queue[i]);
	rlq_directory_close(desk->directory);
}

static uint64_t one_of(struct desk *desk, uint64_t count)
{
	return (random_next(&desk->random) >> 16) % count;
}

static struct history_log *log_of(const struct desk *desk, enum fifo_queue queue)
{
	return desk->stage->fifo[queue].log[desk->number];
}

static struct fifo_hand *hand_of(struct desk *desk, enum fifo_queue queue)
{
	return &desk->stage->fifo[queue].hand[desk->number];
}

/* What an answer says of the call, which may be any while engines die and the disk is full. */
static enum history_outcome answered(struct stage *stage, const char *call, int result)
{
	switch (result) {
	case RLQ_EUNKNOWN:
		atomic_fetch_add(&stage->unknown, 1);
		return HISTORY_UNKNOWN;
	case RLQ_EENGINE:
		atomic_fetch_add(&stage->refused, 1);
		return HISTORY_REFUSED;
	case RLQ_EFULL:
	case RLQ_ESTALE:
	case RLQ_EDISKFULL:
	case RLQ_EDEDUPFULL:
		return HISTORY_REFUSED;
	}
	if (result < 0) {
		stage_fail(stage, "%s answers %s", call, rlq_strerror(result));
		_exit(1);
	}
	atomic_fetch_add(&stage->answers, 1);
	return HISTORY_DONE;
}

/* Killed before: the call may have had an effect, or not. */
static void settle(struct history_event *event, enum history_outcome outcome)
{
	event->end_ns = history_now_ns();
	__atomic_store_n(&event->outcome, (uint8_t)outcome, __ATOMIC_RELEASE);
}

/* ---- sending ---------------------------------------------------------------------------------- */

/* All of a message follows from its number, with its group. */
static size_t bytes_of(uint32_t id)
{
	return id / FIFO_GROUPS % 4 == 0 ? LARGE : SMALL;
}

struct parcel {
	unsigned char body[LARGE];
	char group[12], dedup_id[12];
};

static struct rlq_send_entry pack(uint32_t id, struct parcel *parcel)
{
	memset(parcel->body, (int)id, sizeof(parcel->body));
	memcpy(parcel->body, &id, sizeof(id));
	snprintf(parcel->group, sizeof(parcel->group), "g%u", fifo_group_of(id));
	snprintf(parcel->dedup_id, sizeof(parcel->dedup_id), "d%u", id);
	return (struct rlq_send_entry){.body = parcel->body,
				       .body_bytes = bytes_of(id),
				       .delay_ms = RLQ_DEFAULT,
				       .group = parcel->group,
				       .dedup_id = parcel->dedup_id};
}

static struct history_event *intend(struct desk *desk, enum fifo_queue queue, uint32_t id)
{
	return history_add(log_of(desk, queue), (struct history_event){.kind = HISTORY_SEND,
								       .id = id,
								       .dedup_id = id,
								       .group = fifo_group_of(id),
								       .epoch = desk->stage->epoch,
								       .start_ns = history_now_ns()});
}

static void no_longer_pending(struct fifo_hand *hand, uint32_t id)
{
	for (uint32_t i = 0; i < hand->pending_count; i++) {
		uint32_t at = hand->answered_at % FIFO_IDS;

		if (hand->pending[i] != id)
			continue;
		hand->answered[at] = 0;
		hand->answered_until_ns[at] = hand->pending_until_ns;
		hand->answered[at] = id;
		hand->answered_at++;
		hand->pending[i] = hand->pending[hand->pending_count - 1];
		hand->pending_count--;
		return;
	}
}

/* One that was acknowledged, perhaps received and deleted; 0: none. */
static uint32_t any_answered(struct desk *desk, enum fifo_queue queue)
{
	const struct fifo_hand *hand = hand_of(desk, queue);
	uint64_t at = one_of(desk, FIFO_IDS);

	return history_now_ns() < hand->answered_until_ns[at] ? hand->answered[at] : 0;
}

static void acknowledged(struct desk *desk, enum fifo_queue queue, struct history_event *event,
			 const struct rlq_sent *sent, bool is_again)
{
	struct fifo_hand *hand = hand_of(desk, queue);
	struct stage *stage = desk->stage;

	memcpy(event->message_id, sent->id.word, sizeof(event->message_id));
	event->sequence = sent->sequence;
	event->is_duplicate = sent->is_duplicate;
	settle(event, HISTORY_DONE);
	no_longer_pending(hand, (uint32_t)event->id);
	atomic_fetch_add(&stage->fifo_sent, 1);
	atomic_fetch_add(&stage->fifo_duplicates, sent->is_duplicate);
	atomic_fetch_add(&stage->fifo_repeated, is_again && !sent->is_duplicate);
	atomic_fetch_add(&stage->fifo[queue].live, !sent->is_duplicate);
}

/* Of a batch that answers an error the first may have been sent. */
static void send_all(struct desk *desk, enum fifo_queue queue, const uint32_t *ids, uint32_t count, bool is_again)
{
	static struct parcel parcels[FIFO_IDS];
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entries[FIFO_IDS] = {0};
	struct rlq_sent sent[FIFO_IDS] = {0};
	struct history_event *event[FIFO_IDS];
	struct story_call *call[FIFO_IDS];
	enum history_outcome outcome;
	int result;

	for (uint32_t i = 0; i < count; i++) {
		entries[i] = pack(ids[i], &parcels[i]);
		event[i] = intend(desk, queue, ids[i]);
		call[i] = story_begin(&desk->stage->story, fifo_names[queue], STORY_SEND, ids[i]);
	}
	options.ret_sent = sent;
	options.group = entries[0].group;
	options.dedup_id = entries[0].dedup_id;
	result = count == 1 ? rlq_send(desk->queue[queue], entries[0].body, entries[0].body_bytes, &options, NULL)
			    : rlq_send_batch(desk->queue[queue], entries, count, &options, NULL);
	for (uint32_t i = 0; i < count; i++)
		story_end(call[i], result);
	outcome = answered(desk->stage, "a send", result);
	for (uint32_t i = 0; i < count; i++) {
		if (outcome == HISTORY_DONE && (count == 1 || i < (uint32_t)result))
			acknowledged(desk, queue, event[i], &sent[i], is_again);
		else if (outcome == HISTORY_DONE || (count == 1 && outcome == HISTORY_REFUSED))
			settle(event[i], HISTORY_REFUSED);
	}
}

/* One or a batch, perhaps behind a duplicate. */
static void send_new(struct desk *desk, enum fifo_queue queue)
{
	struct fifo_hand *hand = hand_of(desk, queue);
	uint32_t count = one_of(desk, 2) ? 1 : 1 + (uint32_t)one_of(desk, FIFO_IDS - 1);
	uint32_t ids[FIFO_IDS] = {any_answered(desk, queue)};
	uint32_t duplicates = count > 1 && ids[0] != 0 && one_of(desk, 2) == 0;

	for (uint32_t i = 0; i < count; i++)
		hand->pending[i] = ids[duplicates + i] = atomic_fetch_add(&desk->stage->next_fifo, 1);
	hand->pending_until_ns = history_now_ns() + SENT_AGAIN_NS;
	__atomic_store_n(&hand->pending_count, count, __ATOMIC_RELEASE);
	send_all(desk, queue, ids, duplicates + count, false);
}

static void send_again(struct desk *desk, enum fifo_queue queue)
{
	struct fifo_hand *hand = hand_of(desk, queue);
	uint32_t ids[FIFO_IDS], count = hand->pending_count;

	if (history_now_ns() > hand->pending_until_ns) {
		hand->pending_count = 0; /* too late: who knows what became of it */
		return;
	}
	memcpy(ids, hand->pending, sizeof(ids));
	if (one_of(desk, 2))
		send_all(desk, queue, ids, count, true);
	for (uint32_t i = 0; i < hand->pending_count && hand->pending_count == count; i++)
		send_all(desk, queue, &ids[i], 1, true);
}

static void send_once_more(struct desk *desk, enum fifo_queue queue)
{
	uint32_t id = any_answered(desk, queue);

	if (id != 0)
		send_all(desk, queue, &id, 1, false);
}

/* ---- receiving -------------------------------------------------------------------------------- */

static uint32_t check_message(struct desk *desk, const struct rlq_message *message)
{
	static struct parcel parcel;
	struct rlq_send_entry as_sent;
	uint32_t id = 0;

	if (message->body_bytes >= sizeof(id))
		memcpy(&id, message->body, sizeof(id));
	as_sent = pack(id, &parcel);
	if (message->body_bytes != as_sent.body_bytes ||
	    memcmp(message->body, as_sent.body, as_sent.body_bytes) != 0 || message->group == NULL ||
	    strcmp(message->group, as_sent.group) != 0 || message->dedup_id == NULL ||
	    strcmp(message->dedup_id, as_sent.dedup_id) != 0) {
		stage_fail(desk->stage, "message %u is received with another body, or other ids", id);
		_exit(1);
	}
	return id;
}

static struct history_event *attempt(struct desk *desk, enum fifo_queue queue, enum history_kind kind,
				     const struct held *held)
{
	return history_add(log_of(desk, queue), (struct history_event){.kind = (uint8_t)kind,
								       .id = held->id,
								       .receive_count = held->receive_count,
								       .epoch = held->epoch,
								       .start_ns = history_now_ns()});
}

/* True: it is settled. What an engine's death has left open is tried again. */
static bool delete_one(struct desk *desk, enum fifo_queue queue, const struct held *held)
{
	struct history_event *event = attempt(desk, queue, HISTORY_DELETE, held);
	struct story_call *call = story_begin(&desk->stage->story, fifo_names[queue], STORY_DELETE, held->id);
	int result = rlq_delete(desk->queue[queue], &held->receipt);
	enum history_outcome outcome = answered(desk->stage, "a delete", result);

	story_end(call, result);
	if (outcome != HISTORY_UNKNOWN)
		settle(event, outcome);
	atomic_fetch_sub(&desk->stage->fifo[queue].live, result == 0);
	return result == 0 || result == RLQ_ESTALE;
}

static void give_back(struct desk *desk, enum fifo_queue queue, const struct held *held)
{
	struct history_event *event = attempt(desk, queue, HISTORY_CHANGE, held);
	struct story_call *call = story_begin(&desk->stage->story, fifo_names[queue], STORY_RELEASE, held->id);
	int result = rlq_release(desk->queue[queue], &held->receipt, 0);
	enum history_outcome outcome = answered(desk->stage, "a release", result);

	story_end(call, result);
	if (outcome != HISTORY_UNKNOWN)
		settle(event, outcome);
}

/* In any order; a few are given back, or left to the end of their lease. */
static void finish_held(struct desk *desk, enum fifo_queue queue)
{
	struct held *held = desk->held[queue];
	int left = 0;

	for (int i = 0; i < desk->held_count[queue]; i++) {
		uint64_t drawn = one_of(desk, 64);

		if (held[i].epoch != desk->stage->epoch || drawn == 0)
			continue;
		if (drawn < 4)
			give_back(desk, queue, &held[i]);
		else if (!delete_one(desk, queue, &held[i]))
			held[left++] = held[i];
	}
	desk->held_count[queue] = left;
}

static void receive_some(struct desk *desk, enum fifo_queue queue)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message[RECEIVED_MOST];
	struct stage *stage = desk->stage;
	struct history_event event = {.kind = HISTORY_RECEIVE,
				      .outcome = HISTORY_DONE,
				      .epoch = stage->epoch,
				      .lease_ns = LEASE_MS * INT64_C(1000000),
				      .start_ns = history_now_ns()};
	int count;

	options.wait_ms = 0;
	options.visibility_ms = LEASE_MS;
	count = rlq_receive(desk->queue[queue], message, 1 + one_of(desk, RECEIVED_MOST), &options);
	if (answered(stage, "a receive", count) != HISTORY_DONE)
		return;
	event.end_ns = history_now_ns();
	for (int i = 0; i < count; i++) {
		struct held *held = &desk->held[queue][i];

		*held = (struct held){.receipt = message[i].receipt,
				      .id = check_message(desk, &message[i]),
				      .receive_count = message[i].receive_count,
				      .epoch = stage->epoch};
		story_end(story_begin(&stage->story, fifo_names[queue], STORY_RECEIVE, held->id), count);
		event.id = held->id;
		event.group = fifo_group_of(held->id);
		event.receive_count = held->receive_count;
		event.sequence = message[i].sequence;
		history_add(log_of(desk, queue), event);
	}
	desk->held_count[queue] = count;
	atomic_fetch_add(&stage->fifo_received, (unsigned)count);
	finish_held(desk, queue);
}

/* ---- any call --------------------------------------------------------------------------------- */

static void any_call(struct desk *desk)
{
	enum fifo_queue queue = (enum fifo_queue)one_of(desk, FIFO_QUEUES);
	const struct history_log *log = log_of(desk, queue);
	int live = atomic_load(&desk->stage->fifo[queue].live);
	uint64_t drawn = one_of(desk, 16);

	if (log->count + EVENTS_A_TURN > log->capacity)
		return; /* until the next chapter */
	if (desk->held_count[queue] > 0)
		finish_held(desk, queue);
	else if (drawn < 8 && hand_of(desk, queue)->pending_count > 0)
		send_again(desk, queue);
	else if (drawn < 8 && live < LIVE_MOST && !atomic_load(&desk->stage->is_ending))
		send_new(desk, queue);
	else if (drawn == 8 && one_of(desk, 8) == 0)
		send_once_more(desk, queue);
	else
		receive_some(desk, queue);
}

void fifo_client_main(void *context)
{
	const struct fifo_client *client = context;
	static struct desk desk;

	desk = (struct desk){.stage = client->stage, .number = client->number, .random = client->random};
	open_desk(&desk);
	crash_arm(&desk.stage->fifo_plan[desk.number]);
	for (;;) {
		if (stage_is_paused(desk.stage)) {
			close_desk(&desk);
			stage_rest(desk.stage);
			open_desk(&desk);
		}
		any_call(&desk);
	}
}
