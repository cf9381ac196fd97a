/* A producer and a consumer, as any application would write them, and their bookkeeping. */
#include "demo/demo.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A message's body: this, then the line. */
struct line_head {
	uint64_t number;
	uint64_t sent_ns;
};

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

bool line_number(const struct rlq_message *message, uint64_t *ret_number)
{
	struct line_head head;

	if (message->body_bytes < sizeof(head))
		return false;
	memcpy(&head, message->body, sizeof(head));
	*ret_number = head.number;
	return true;
}

/* A handle belongs to one process: every worker opens its own, after the fork. */
static int open_queue(const struct task *task, struct rlq_directory **ret_directory, struct rlq_queue **ret_queue)
{
	int error = rlq_directory_open(task->directory, ret_directory);

	return error ? error : rlq_queue_open(*ret_directory, QUEUE, ret_queue);
}

static int fail(const struct task *task, int error)
{
	atomic_store(&task->ledger->account[task->worker].error, error);
	return 1;
}

/* ---- producer --------------------------------------------------------------------------------- */

/* Sends the lines from `first`, at most BATCH, before `end`. Returns how many, or a negative code. */
static int send_lines(const struct task *task, struct rlq_queue *queue, uint64_t first, uint64_t end)
{
	static char body[BATCH][sizeof(struct line_head) + LINE_BYTES_MAX];
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entry[BATCH];
	size_t count = 0;

	for (; count < BATCH && first + count < end; count++) {
		struct line_head head = {.number = first + count, .sent_ns = now_ns()};
		size_t bytes;
		const char *line = text_line(task->text, head.number, &bytes);

		memcpy(body[count], &head, sizeof(head));
		memcpy(body[count] + sizeof(head), line, bytes);
		entry[count] = (struct rlq_send_entry){
			.body = body[count], .body_bytes = sizeof(head) + bytes, .delay_ms = RLQ_DEFAULT};
	}
	options.flags = RLQ_SEND_WAIT; /* when the queue is full */
	options.timeout_ms = 30000;
	return rlq_send_batch(queue, entry, count, &options, NULL);
}

/* Sends a part of the text from where the ledger says. A line counts as sent once the send has been
 * answered; a producer killed in between leaves at most a batch of which nobody knows, and the one that
 * takes over sends it again. */
int produce(const struct task *task)
{
	_Atomic uint64_t *next = &task->ledger->next[task->part];
	uint64_t end = part_begin(task->text, task->part + 1);
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	int count = open_queue(task, &directory, &queue);

	if (count < 0)
		return fail(task, count);
	while (*next < end) {
		count = send_lines(task, queue, *next, end);
		if (count < 0)
			return fail(task, count);
		atomic_fetch_add(next, (uint64_t)count);
		add(&task->ledger->account[task->worker].sent, (uint64_t)count);
	}
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	return 0;
}

/* CALM_PER_SECOND lines, evenly. Their numbers follow those of the text. */
int produce_calmly(const struct task *task)
{
	uint64_t first = task->text->total, began = now_ns();
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	int count = open_queue(task, &directory, &queue);

	for (uint64_t i = 0; i < CALM_LINES && count >= 0; i++) {
		uint64_t due = began + i * 1000000000 / CALM_PER_SECOND;
		struct timespec at = {.tv_sec = (time_t)(due / 1000000000), .tv_nsec = (long)(due % 1000000000)};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		count = send_lines(task, queue, first + i, first + i + 1);
		if (count == 1)
			add(&task->ledger->account[task->worker].sent, 1);
	}
	if (count < 0)
		return fail(task, count);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	return 0;
}

/* ---- consumer --------------------------------------------------------------------------------- */

/* Is the body what the file says? */
static bool is_right(const struct task *task, const struct rlq_message *message, uint64_t number)
{
	size_t bytes;
	const char *line;

	if (number >= task->text->total + CALM_LINES)
		return false;
	line = text_line(task->text, number, &bytes);
	return message->body_bytes == sizeof(struct line_head) + bytes &&
	       memcmp((const char *)message->body + sizeof(struct line_head), line, bytes) == 0;
}

/* The work of a consumer: here, to enter the line in the books. False: it fails on this line. */
static bool process(const struct task *task, const struct rlq_message *message)
{
	struct account *account = &task->ledger->account[task->worker];
	struct line_head head;

	if (message->receive_count > 1)
		add(&account->redelivered, 1);
	if (!line_number(message, &head.number) || !is_right(task, message, head.number)) {
		add(&account->wrong, 1);
		return true;
	}
	if (head.number == task->poison) {
		add(&account->poison, 1);
		return false;
	}
	memcpy(&head, message->body, sizeof(head));
	if (message->receive_count == 1) {
		atomic_store(&account->last_ns, now_ns());
		histogram_add(head.number < task->text->total ? &task->ledger->busy : &task->ledger->calm,
			      account->last_ns - head.sent_ns);
	}
	if (atomic_fetch_add(&task->ledger->seen[head.number], 1) == 0)
		add(&account->processed, 1);
	else
		add(message->receive_count > 1 ? &account->twice_redelivered : &account->twice_sent, 1);
	return true;
}

/* Half of the batch is processed, none of it deleted: the moment at which a crash does most harm. */
static void wait_for_the_kill(const struct task *task, int count)
{
	struct account *account = &task->ledger->account[task->worker];

	atomic_store(&account->holds_processed, (uint64_t)count / 2);
	atomic_store(&account->holds, (uint64_t)count);
	for (;;)
		pause();
}

int consume(const struct task *task)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message[BATCH];
	struct rlq_receipt done[BATCH];
	struct rlq_directory *directory;
	struct rlq_queue *queue;
	int count = open_queue(task, &directory, &queue);

	options.wait_ms = 100;
	while (count >= 0 && !atomic_load(&task->ledger->stop)) {
		size_t done_count = 0;

		count = rlq_receive(queue, message, BATCH, &options);
		if (count > 0)
			add(&task->ledger->account[task->worker].received, (uint64_t)count);
		for (int i = 0; i < count; i++) {
			if (i == count / 2 && atomic_load(&task->ledger->victim) == task->worker)
				wait_for_the_kill(task, count);
			if (process(task, &message[i]))
				done[done_count++] = message[i].receipt;
		}
		if (done_count > 0)
			rlq_delete_batch(queue, done, done_count, NULL);
	}
	if (count < 0)
		return fail(task, count);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	return 0;
}
