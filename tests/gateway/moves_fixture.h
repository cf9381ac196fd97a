/* Message move tasks: "q" with its dead-letter queue "dlq", and what is done with its tasks. */
#ifndef TEST_MOVES_FIXTURE_H
#define TEST_MOVES_FIXTURE_H

#include "gateway/move_file.h"
#include "tests/gateway/gateway_fixture.h"

#include <sched.h>

static struct rlq_queue *source, *dlq;

/* "q" with the dead-letter queue "dlq". */
static UNUSED void moves_begin(void)
{
	actions_begin();
	source = queue_with_dlq("q", 1, &dlq);
}

/* Messages that come from "q". */
static UNUSED void fill(int count)
{
	for (int i = 0; i < count; i++)
		send_text(source, "m");
	for (int i = 0; i < count; i++)
		receive_one(source);
	time_passes(2000);
	reap_now(source);
	cr_expect_str_eq(drain(source), "");
	cr_assert_eq(stat_of(dlq).visible, (uint64_t)count);
}

static char handle[2048];

static UNUSED void start(const char *destination)
{
	strcpy(handle, text_of(destination ? done(action_start_message_move_task, "{s:s, s:s}", "SourceArn",
						  arn("dlq"), "DestinationArn", destination)
					   : done(action_start_message_move_task, "{s:s}", "SourceArn", arn("dlq")),
			       "TaskHandle"));
}

/* The newest task, once it is in this state. */
static UNUSED const json_t *await(const char *state)
{
	const json_t *task;

	do {
		sched_yield();
		task = json_array_get(
			json_object_get(done(action_list_message_move_tasks, "{s:s}", "SourceArn", arn("dlq")),
					"Results"),
			0);
	} while (strcmp(text_of(task, "Status"), state) != 0);
	return task;
}

static UNUSED json_int_t number_of(const json_t *task, const char *name)
{
	cr_expect(json_is_integer(json_object_get(task, name)), "%s", name);
	return json_integer_value(json_object_get(task, name));
}

static UNUSED void start_slowly(void)
{
	strcpy(handle, text_of(done(action_start_message_move_task, "{s:s, s:i}", "SourceArn", arn("dlq"),
				    "MaxNumberOfMessagesPerSecond", 1),
			       "TaskHandle"));
}

/* A queue of this capacity. */
static UNUSED struct rlq_queue *small_make(const char *name, uint64_t capacity)
{
	struct rlq_queue_attributes small = RLQ_QUEUE_ATTRIBUTES_INIT;

	small.capacity = capacity;
	return queue_make(name, &small);
}

/* ---- gateways that end and begin again -------------------------------------------------------- */

static UNUSED void stop(void)
{
	moves_close(gateway.moves);
	gateway.moves = NULL;
}

static UNUSED void start_again(void)
{
	gateway.moves = moves_open(gateway.directory, gateway.notes);
	cr_assert_not_null(gateway.moves);
}

/* ---- a task that stops amid its work, and what was sent is there once ------------------------- */

enum { SENT = 4 };

static UNUSED void send_numbered(struct rlq_queue *queue)
{
	char body[8];

	for (int i = 0; i < SENT; i++) {
		snprintf(body, sizeof(body), "%d", i);
		send_text(queue, body);
	}
}

static unsigned seen[SENT];

/* What is there goes. */
static UNUSED void take_numbered(struct rlq_queue *queue)
{
	for (const char *text = drain(queue); *text; text++)
		if (*text != ' ')
			seen[*text - '0']++;
}

static UNUSED void expect_each_once(void)
{
	for (int i = 0; i < SENT; i++)
		cr_expect_eq(seen[i], 1, "%d: %u times", i, seen[i]);
}

/* The newest task, whoever runs it. */
static UNUSED struct move newest(struct moves *moves)
{
	struct move move;

	cr_assert_eq(moves_list(moves, dlq, &move, 1), 1);
	return move;
}

/* "dlq" has what does not fit into "other": the task stops after two. */
static UNUSED struct rlq_queue *begin_numbered(void)
{
	struct rlq_queue *other = small_make("other", 2);

	send_numbered(dlq);
	start(arn("other"));
	while (newest(gateway.moves).moved < 2)
		sched_yield();
	return other;
}

static UNUSED void complete_numbered(struct rlq_queue *other)
{
	while (newest(gateway.moves).state == MOVE_RUNNING)
		take_numbered(other);
	cr_expect_eq(newest(gateway.moves).state, MOVE_COMPLETED);
	cr_expect_eq(newest(gateway.moves).moved, SENT);
	take_numbered(other);
	expect_each_once();
	cr_expect_eq(stat_of(dlq).visible, 0);
}

static UNUSED struct move_place place_of_newest(struct move *ret_move)
{
	*ret_move = newest(gateway.moves);
	return (struct move_place){notes_folder_of(gateway.notes, dlq), "dlq", ret_move->id};
}

#endif
