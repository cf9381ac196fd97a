#include "tests/model/driver_ringlease.h"

#include "ringlease.h"
#include "tests/support/queue_fixture.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 8, USES_MAX = 32, NAME_BYTES = 32 };

/* A queue of some capacity with its DLQ, used by several scripts. */
struct kept {
	char name[PLACES][NAME_BYTES];
	struct rlq_queue *queue[PLACES];
	uint64_t capacity;
	bool is_fifo;
	int uses; /* left */
};

static struct {
	struct kept kept[KEPT_MAX];
	struct rlq_queue **queue; /* of the one in use, by place */
	struct rlq_receipt receipt[OPERATIONS_MAX * RECEIVE_MAX];
	enum place receipt_of[OPERATIONS_MAX * RECEIVE_MAX];
	int receipts;
} it;

/* What has no other answer than that it is done. */
static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	printf("%s: %s\n", what, rlq_strerror(result));
	exit(1);
}

static enum answer answer_of(int result)
{
	static int last; /* said */

	if (result >= 0)
		return DONE;
	if (result == RLQ_EFULL || result == RLQ_ESTALE)
		return result == RLQ_EFULL ? FULL : STALE;
	if (result != last)
		printf("the product answers: %s\n", rlq_strerror(result));
	last = result;
	return FAILED;
}

/* ---- queues ----------------------------------------------------------------------------------- */

static void drop(struct kept *kept)
{
	for (int place = 0; place < PLACES; place++) {
		if (kept->queue[place] == NULL)
			continue;
		rlq_queue_close(kept->queue[place]);
		must(rlq_queue_remove(queues_directory(), kept->name[place]), "remove");
		kept->queue[place] = NULL;
	}
}

static void make(struct kept *kept, int number, bool is_fifo, const struct rlq_queue_attributes *attributes)
{
	struct rlq_queue_attributes a = *attributes;

	drop(kept);
	for (int place = DLQ; place >= QUEUE; place--) {
		snprintf(kept->name[place], NAME_BYTES, "%s%d%s", place == DLQ ? "dlq" : "queue", number,
			 is_fifo ? ".fifo" : "");
		a.capacity = place == DLQ ? RLQ_CAPACITY_DEFAULT : attributes->capacity;
		must(rlq_queue_create(queues_directory(), kept->name[place], &a), "create");
		must(rlq_queue_open(queues_directory(), kept->name[place], &kept->queue[place]), "open");
	}
	kept->capacity = attributes->capacity;
	kept->is_fifo = is_fifo;
	kept->uses = USES_MAX;
}

/* The settings that change from script to script. */
static void adjust(struct kept *kept, const struct setting *setting, const struct rlq_queue_attributes *attributes)
{
	struct rlq_queue_attributes a = *attributes;

	a.capacity = RLQ_CAPACITY_DEFAULT;
	must(rlq_queue_set_attributes(kept->queue[DLQ], &a), "set");
	a.capacity = attributes->capacity;
	a.receives_max = (uint32_t)setting->receives_max;
	if (setting->receives_max)
		strcpy(a.dlq, kept->name[DLQ]);
	must(rlq_queue_set_attributes(kept->queue[QUEUE], &a), "set");
	for (int place = 0; place < PLACES; place++) {
		must(rlq_purge(kept->queue[place], NULL), "purge");
	}
}

static const char *begin_with(const struct setting *setting, bool is_fresh)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int number = setting->capacity < KEPT_MAX ? setting->capacity : 0;
	struct kept *kept = &it.kept[number];

	if (setting->is_fifo) {
		attributes.type = RLQ_FIFO;
		attributes.dedup_window_ms = setting->window_ms;
		attributes.dedup_scope = setting->scope_is_group ? RLQ_DEDUP_GROUP : RLQ_DEDUP_QUEUE;
		attributes.dedup_max = 1024;
	}
	attributes.visibility_ms = setting->visibility_ms;
	attributes.delay_ms = setting->delay_ms;
	attributes.overdue_ms = RLQ_RETENTION_MAX_MS;
	attributes.capacity = (uint64_t)setting->capacity;
	if (is_fresh || kept->uses-- == 0 || kept->capacity != attributes.capacity ||
	    kept->is_fifo != setting->is_fifo)
		make(kept, number, setting->is_fifo, &attributes);
	adjust(kept, setting, &attributes);
	it.queue = kept->queue;
	it.receipts = 0;
	return NULL;
}

static const char *begin(void *self, const struct setting *setting)
{
	(void)self;
	return begin_with(setting, false);
}

static const char *begin_fresh(void *self, const struct setting *setting)
{
	(void)self;
	return begin_with(setting, true);
}

static void end(void *self)
{
	(void)self;
}

/* ---- messages --------------------------------------------------------------------------------- */

static enum answer send_one(void *self, const struct operation *o, struct told *ret_told)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_sent sent = {0};
	char body[16], group[16], id[16];
	enum answer answer;

	(void)self;
	options.delay_ms = o->ms;
	options.ret_sent = &sent;
	snprintf(body, sizeof(body), "%d", o->number);
	snprintf(group, sizeof(group), "%d", o->group);
	/* Who has none in the script has one that nobody else has. */
	snprintf(id, sizeof(id), o->id ? "%d" : "of-%d", o->id ? o->id : o->number);
	if (o->group) {
		options.group = group;
		options.dedup_id = id;
	}
	answer = answer_of(rlq_send(it.queue[QUEUE], body, strlen(body), &options, NULL));
	*ret_told = (struct told){.id = {sent.id.word[0], sent.id.word[1]}, .sequence = sent.sequence};
	return answer;
}

/* -1: it is no body of ours. */
static int number_of(const struct rlq_message *message)
{
	char body[16] = "";

	if (message->body_bytes >= sizeof(body))
		return -1;
	memcpy(body, message->body, message->body_bytes);
	return atoi(body);
}

static enum answer receive(void *self, const struct operation *o, struct received *ret)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message[RECEIVE_MAX];
	char attempt[16];
	int count;

	(void)self;
	options.wait_ms = 0;
	options.visibility_ms = o->ms;
	snprintf(attempt, sizeof(attempt), "attempt-%d", o->attempt);
	if (o->attempt)
		options.attempt_id = attempt;
	count = rlq_receive(it.queue[o->place], message, (size_t)o->max, &options);
	for (int i = 0; i < count; i++) {
		ret->message[i] = (struct told){
			.number = number_of(&message[i]),
			.receives = message[i].receive_count,
			.id = {message[i].id.word[0], message[i].id.word[1]},
			.sequence = message[i].sequence,
			.group = message[i].group ? atoi(message[i].group) : 0,
			.dedup = message[i].dedup_id ? atoi(message[i].dedup_id) : 0,
		};
		it.receipt[it.receipts] = message[i].receipt;
		it.receipt_of[it.receipts++] = o->place;
	}
	ret->count = count;
	return answer_of(count);
}

static enum answer change(void *self, const struct operation *o, int at)
{
	struct rlq_queue *queue = it.queue[it.receipt_of[at]];
	const struct rlq_receipt *receipt = &it.receipt[at];

	(void)self;
	if (o->kind == DELETE)
		return answer_of(rlq_delete(queue, receipt));
	return answer_of(o->kind == EXTEND ? rlq_extend(queue, receipt, o->ms)
					   : rlq_release(queue, receipt, o->ms));
}

static enum answer purge(void *self, enum place place)
{
	(void)self;
	return answer_of(rlq_purge(it.queue[place], NULL));
}

/* ---- time and looks --------------------------------------------------------------------------- */

static void pass(void *self, int64_t ms)
{
	(void)self;
	time_passes(ms);
}

static void notice(void *self)
{
	(void)self;
	for (int place = 0; place < PLACES; place++)
		reap_now(it.queue[place]);
}

static void depth(void *self, enum place place, struct depth *ret)
{
	struct rlq_queue_stat stat = stat_of(it.queue[place]);

	(void)self;
	*ret = (struct depth){(int)stat.visible, (int)stat.in_flight, (int)stat.delayed};
}

static int look(void *self, int *ret_numbers)
{
	struct rlq_message message[32];
	uint64_t cursor = 0;
	int total = 0, count;

	(void)self;
	while ((count = rlq_peek(it.queue[DLQ], message, 32, &cursor)) > 0)
		for (int i = 0; i < count && total < NUMBERS_MAX; i++)
			ret_numbers[total++] = number_of(&message[i]);
	must(count, "peek");
	return total;
}

struct driver ringlease_driver(struct driver *ret_fresh)
{
	struct driver driver = {
		.slack_ms = LEASE_SLACK_MS,
		.begin = begin,
		.end = end,
		.send = send_one,
		.receive = receive,
		.change = change,
		.purge = purge,
		.time = pass,
		.notice = notice,
		.depth = depth,
		.look = look,
	};

	queues_begin();
	*ret_fresh = driver;
	ret_fresh->begin = begin_fresh;
	return driver;
}

void ringlease_driver_close(void)
{
	for (int i = 0; i < KEPT_MAX; i++)
		drop(&it.kept[i]);
	queues_end();
}
