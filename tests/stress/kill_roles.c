#include "tests/stress/kill_roles.h"

#include "ringlease-engine.h"
#include "tests/support/arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 8, EXTEND_MAX_MS = 60 };

void stage_fail(struct stage *stage, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(stage->failure, sizeof(stage->failure), format, arguments);
	va_end(arguments);
	_exit(1);
}

static bool is_ending(const struct stage *stage)
{
	return __atomic_load_n(&stage->is_ending, __ATOMIC_RELAXED);
}

static uint64_t one_of(struct desk *desk, uint64_t count)
{
	return (random_next(&desk->random) >> 16) % count;
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static unsigned char body_byte(uint64_t id, uint32_t at)
{
	return (unsigned char)(id * 37 + at);
}

static void body_write(uint64_t id, unsigned char *body, uint32_t bytes)
{
	memcpy(body, &id, sizeof(id));
	memcpy(body + 8, &bytes, sizeof(bytes));
	for (uint32_t i = 12; i < bytes; i++)
		body[i] = body_byte(id, i);
}

static uint64_t body_check(struct stage *stage, const struct rlq_message *message)
{
	const unsigned char *body = message->body;
	uint64_t id;
	uint32_t bytes;

	if (message->body_bytes < 12)
		stage_fail(stage, "a body of %zu bytes was made up", message->body_bytes);
	memcpy(&id, body, sizeof(id));
	memcpy(&bytes, body + 8, sizeof(bytes));
	if (bytes != message->body_bytes)
		stage_fail(stage, "message %llx: %zu bytes, not %u", (unsigned long long)id, message->body_bytes,
			   bytes);
	for (uint32_t i = 12; i < bytes; i++)
		if (body[i] != body_byte(id, i))
			stage_fail(stage, "message %llx: byte %u of %u is wrong%s", (unsigned long long)id, i,
				   bytes, message->in_place ? ", in place" : "");
	return id;
}

/* Mostly inline, some in small blocks, a few large. */
static uint32_t body_bytes(struct desk *desk)
{
	uint64_t kind = one_of(desk, 100);

	return 12 + (uint32_t)one_of(desk, kind < 70 ? 53 : kind < 95 ? 1000 : ROLE_BODY_MAX - 12);
}

const char *stage_queue(bool is_dlq, bool is_fifo)
{
	static const char *const name[] = {"q", "dlq", "q.fifo", "dlq.fifo"};

	return name[is_dlq + 2 * is_fifo];
}

void desk_open(struct stage *stage, uint32_t number, uint64_t random, struct desk *ret_desk)
{
	struct desk desk = {.stage = stage, .log = stage->log[number], .random = random, .number = number};
	int error = rlq_directory_open(stage->directory, &desk.directory);

	if (!error)
		error = rlq_queue_open(desk.directory, stage_queue(false, stage->is_fifo), &desk.q);
	if (!error)
		error = rlq_queue_open(desk.directory, stage_queue(true, stage->is_fifo), &desk.dlq);
	if (error)
		stage_fail(stage, "cannot open: %s", rlq_strerror(error));
	*ret_desk = desk;
}

/* ---- producer --------------------------------------------------------------------------------- */

/* The intent to send; NULL when the log is full. Its place in the log makes the id. In a FIFO queue some share
 * deduplication ids, all others have one of their own. */
static struct history_event *send_intended(struct desk *desk)
{
	struct history_event event = {.kind = HISTORY_SEND,
				      .id = (uint64_t)(desk->number + 1) << 32 | desk->log->count,
				      .start_ns = history_now_ns()};

	if (desk->stage->is_fifo) {
		event.group = 1 + (uint32_t)one_of(desk, ROLE_GROUPS);
		event.dedup_id = one_of(desk, 16) == 0 ? 1 + (uint32_t)one_of(desk, ROLE_SHARED_IDS) : 0;
	}
	return history_add(desk->log, event);
}

/* As texts, which live as long as this does. */
struct ids {
	char group[16], dedup_id[32];
};

static void ids_write(const struct desk *desk, const struct history_event *event, struct ids *ids,
		      const char **ret_group, const char **ret_dedup_id)
{
	if (event->group == 0)
		return;
	snprintf(ids->group, sizeof(ids->group), "%u", event->group);
	snprintf(ids->dedup_id, sizeof(ids->dedup_id), event->dedup_id ? "%u-shared-%llx" : "%u-%llx",
		 desk->stage->round, event->dedup_id ? event->dedup_id : (unsigned long long)event->id);
	*ret_group = ids->group;
	*ret_dedup_id = ids->dedup_id;
}

static void send_answered(struct desk *desk, struct history_event *event, int error, const struct rlq_sent *sent)
{
	event->end_ns = history_now_ns();
	event->message_id[0] = sent->id.word[0];
	event->message_id[1] = sent->id.word[1];
	event->sequence = sent->sequence;
	event->is_duplicate = sent->is_duplicate;
	if (error != 0 && error != RLQ_EFULL && error != RLQ_ENOSPACE && error != RLQ_EDEDUPFULL)
		stage_fail(desk->stage, "send: %s", rlq_strerror(error));
	__atomic_store_n(&event->outcome, error ? HISTORY_REFUSED : HISTORY_DONE, __ATOMIC_RELEASE);
	if (error)
		usleep(200);
}

static bool send_one(struct desk *desk, unsigned char *body)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	uint32_t bytes = body_bytes(desk);
	struct history_event *event = send_intended(desk);
	struct rlq_sent sent = {0};
	struct ids ids;

	if (event == NULL)
		return false;
	options.delay_ms = one_of(desk, 20) == 0 && !desk->stage->is_fifo ? (int64_t)one_of(desk, 5) : 0;
	options.ret_sent = &sent;
	ids_write(desk, event, &ids, &options.group, &options.dedup_id);
	body_write(event->id, body, bytes);
	send_answered(desk, event, rlq_send(desk->q, body, bytes, &options, NULL), &sent);
	return true;
}

/* Its publish says no number, nor whether it is a duplicate: so it has an id of its own. */
static bool send_in_place(struct desk *desk)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	uint32_t bytes = body_bytes(desk);
	struct history_event *event = send_intended(desk);
	struct rlq_reservation reservation;
	struct rlq_sent sent = {0};
	struct ids ids;
	int error;

	if (event == NULL)
		return false;
	event->dedup_id = 0;
	ids_write(desk, event, &ids, &options.group, &options.dedup_id);
	error = rlq_reserve(desk->q, bytes, &options, &reservation);
	if (!error) {
		body_write(event->id, reservation.body, bytes);
		error = rlq_publish(desk->q, &reservation, &sent.id);
	}
	send_answered(desk, event, error, &sent);
	return true;
}

static bool send_batch(struct desk *desk, unsigned char *body)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entry[BATCH];
	struct rlq_sent answer[BATCH] = {0};
	struct history_event *event[BATCH];
	struct ids ids[BATCH];
	int count = 0, sent;

	for (; count < BATCH && (event[count] = send_intended(desk)) != NULL; count++) {
		uint32_t bytes = 12 + (uint32_t)one_of(desk, 200);

		body_write(event[count]->id, body, bytes);
		entry[count] = (struct rlq_send_entry){.body = body, .body_bytes = bytes};
		ids_write(desk, event[count], &ids[count], &entry[count].group, &entry[count].dedup_id);
		body += bytes;
	}
	if (count == 0)
		return false;
	options.ret_sent = answer;
	sent = rlq_send_batch(desk->q, entry, (size_t)count, &options, NULL);
	for (int i = 0; i < count; i++)
		send_answered(desk, event[i], i < sent ? 0 : RLQ_EFULL, &answer[i]);
	return true;
}

static void produce(struct desk *desk)
{
	unsigned char *body = malloc(ROLE_BODY_MAX);
	bool goes_on = body != NULL;

	while (goes_on && !is_ending(desk->stage)) {
		uint64_t kind = one_of(desk, 10);

		goes_on = kind == 0   ? send_batch(desk, body)
			  : kind == 1 ? send_in_place(desk)
				      : send_one(desk, body);
		if (one_of(desk, 64) == 0)
			usleep(500);
	}
	free(body);
}

/* ---- consumer --------------------------------------------------------------------------------- */

static uint32_t group_of(const struct rlq_message *message)
{
	return message->group ? (uint32_t)atoi(message->group) : 0;
}

int desk_receive(struct desk *desk, bool is_dlq, struct rlq_message *ret_messages, size_t max,
		 const struct rlq_receive_options *options)
{
	int64_t start_ns = history_now_ns();
	int count = rlq_receive(is_dlq ? desk->dlq : desk->q, ret_messages, max, options);
	int64_t end_ns = history_now_ns();

	if (count < 0 && count != RLQ_EHOLDS)
		stage_fail(desk->stage, "receive: %s", rlq_strerror(count));
	for (int i = 0; i < count; i++) {
		uint64_t id = body_check(desk->stage, &ret_messages[i]);

		history_add(desk->log, (struct history_event){.kind = HISTORY_RECEIVE,
							      .outcome = HISTORY_DONE,
							      .id = id,
							      .receive_count = ret_messages[i].receive_count,
							      .is_dlq = is_dlq,
							      .group = group_of(&ret_messages[i]),
							      .sequence = ret_messages[i].sequence,
							      .start_ns = start_ns,
							      .end_ns = end_ns,
							      .lease_ns = options->visibility_ms * 1000000});
	}
	return count;
}

/* An attempt on a held message. NULL: the log is full, so that it must not be made. */
static struct history_event *attempt(struct desk *desk, enum history_kind kind, bool is_dlq,
				     const struct rlq_message *message)
{
	return history_add(desk->log, (struct history_event){.kind = (uint8_t)kind,
							     .id = body_check(desk->stage, message),
							     .receive_count = message->receive_count,
							     .is_dlq = is_dlq,
							     .start_ns = history_now_ns()});
}

static void attempt_answered(struct desk *desk, struct history_event *event, int error)
{
	event->end_ns = history_now_ns();
	if (error != 0 && error != RLQ_ESTALE)
		stage_fail(desk->stage, "kind %d: %s", event->kind, rlq_strerror(error));
	__atomic_store_n(&event->outcome, error ? HISTORY_REFUSED : HISTORY_DONE, __ATOMIC_RELEASE);
}

void desk_delete(struct desk *desk, bool is_dlq, const struct rlq_message *message)
{
	struct history_event *event = attempt(desk, HISTORY_DELETE, is_dlq, message);

	if (event)
		attempt_answered(desk, event, rlq_delete(is_dlq ? desk->dlq : desk->q, &message->receipt));
}

static void change(struct desk *desk, bool is_dlq, const struct rlq_message *message)
{
	struct rlq_queue *queue = is_dlq ? desk->dlq : desk->q;
	bool extends = one_of(desk, 2);
	int64_t ms = (int64_t)one_of(desk, extends ? EXTEND_MAX_MS : 10);
	struct history_event *event = attempt(desk, extends ? HISTORY_EXTEND : HISTORY_CHANGE, is_dlq, message);

	if (event == NULL)
		return;
	event->lease_ns = extends ? ms * 1000000 : 0;
	attempt_answered(desk, event,
			 extends ? rlq_extend(queue, &message->receipt, ms)
				 : rlq_release(queue, &message->receipt, ms));
}

static void consume_one(struct desk *desk, bool is_dlq, const struct rlq_message *message)
{
	uint64_t kind = one_of(desk, 100);

	if (kind < 80) {
		desk_delete(desk, is_dlq, message);
	} else if (kind < 90) {
		change(desk, is_dlq, message);
	} else if (message->in_place && kind < 92) {
		/* Its lease runs out, others receive and delete it, yet what we hold stays as it is. */
		usleep(ROLE_VISIBILITY_MAX_MS * 1500);
		body_check(desk->stage, message);
	}
	/* What was read in place must be let go of, whatever became of it. */
	if (message->in_place)
		rlq_let_go(is_dlq ? desk->dlq : desk->q, message);
}

static void consume(struct desk *desk)
{
	struct rlq_message message[BATCH];

	while (!is_ending(desk->stage)) {
		struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
		bool is_dlq = desk->number == ROLE_WORKERS - 1 && one_of(desk, 4) == 0;
		int count;

		options.visibility_ms = 5 + (int64_t)one_of(desk, ROLE_VISIBILITY_MAX_MS - 5);
		options.wait_ms = (int64_t)one_of(desk, 4);
		options.flags = one_of(desk, 4) == 0 ? RLQ_RECEIVE_IN_PLACE : 0;
		/* Room for what this round may log. */
		if (desk->log->count + 2 * BATCH > desk->log->capacity)
			return;
		count = desk_receive(desk, is_dlq, message, 1 + one_of(desk, BATCH), &options);
		for (int i = 0; i < count; i++)
			consume_one(desk, is_dlq, &message[i]);
		if (one_of(desk, 256) == 0)
			usleep(2000);
	}
}

/* ---- processes -------------------------------------------------------------------------------- */

static void serve(struct stage *stage)
{
	struct rlq_engine *engine;
	int error = rlq_engine_open(stage->directory, NULL, &engine);

	if (error)
		stage_fail(stage, "engine: %s", rlq_strerror(error));
	rlq_engine_run(engine);
}

void role_main(void *context)
{
	const struct role *role = context;
	struct desk desk;

	if (role->number == ROLE_ENGINE) {
		serve(role->stage);
		return;
	}
	desk_open(role->stage, role->number, role->random, &desk);
	if (role->number < ROLE_PRODUCERS)
		produce(&desk);
	else
		consume(&desk);
	rlq_queue_close(desk.q);
	rlq_queue_close(desk.dlq);
	rlq_directory_close(desk.directory);
}
