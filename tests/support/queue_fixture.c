#include "tests/support/queue_fixture.h"

#include "client/internal.h"
#include "tests/support/child.h"
#include "tests/support/fake_clock.h"
#include "tests/support/shared.h"
#include "tests/support/tmpdir.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { HANDLES_MAX = 64, DRAIN_BYTES = 4096 };

static char path[TMPDIR_BYTES];
static struct rlq_directory *directory;
static struct os_clock_words *now;
static struct rlq_queue *handles[HANDLES_MAX];
static size_t handle_count;

#define NEEDED(call) needed((call), #call)

static int needed(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, rlq_strerror(result));
		abort();
	}
	return result;
}

void queues_begin(void)
{
	if (now == NULL)
		now = shared_memory(sizeof(*now));
	fake_clock_start(now);
	tmpdir_make(path);
	NEEDED(rlq_directory_open(path, &directory));
}

void queues_end(void)
{
	while (handle_count > 0)
		rlq_queue_close(handles[--handle_count]);
	rlq_directory_close(directory);
	directory = NULL;
	tmpdir_remove(path);
	os_clock_fake(NULL);
}

struct rlq_directory *queues_directory(void)
{
	return directory;
}

const char *queues_path(void)
{
	return path;
}

void time_passes(int64_t ms)
{
	fake_clock_advance(now, (uint64_t)ms);
}

uint64_t boot_now(void)
{
	return now->boot_ms;
}

uint64_t wall_now(void)
{
	return now->wall_ms;
}

/* ---- queues ----------------------------------------------------------------------------------- */

struct rlq_queue *queue_again(const char *name)
{
	struct rlq_queue *queue;

	if (handle_count == HANDLES_MAX)
		abort();
	NEEDED(rlq_queue_open(directory, name, &queue));
	return handles[handle_count++] = queue;
}

struct rlq_queue *queue_make(const char *name, const struct rlq_queue_attributes *attributes)
{
	NEEDED(rlq_queue_create(directory, name, attributes));
	return queue_again(name);
}

struct rlq_queue *queue_of(const char *name, uint64_t capacity)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.capacity = capacity;
	return queue_make(name, &attributes);
}

struct rlq_queue *queue_with_dlq(const char *name, uint32_t receives_max, struct rlq_queue **ret_dlq)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	*ret_dlq = queue_make("dlq", NULL);
	attributes.visibility_ms = 1000;
	attributes.receives_max = receives_max;
	strcpy(attributes.dlq, "dlq");
	return queue_make(name, &attributes);
}

struct rlq_queue *fifo_make(const char *name, const char *dlq, bool content_dedup)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.visibility_ms = 1000;
	attributes.capacity = 1000;
	attributes.dedup_max = 1000;
	attributes.content_dedup = content_dedup;
	attributes.receives_max = dlq ? 2 : 0;
	strcpy(attributes.dlq, dlq ? dlq : "");
	return queue_make(name, &attributes);
}

/* ---- messages --------------------------------------------------------------------------------- */

void send_text(struct rlq_queue *queue, const char *text)
{
	NEEDED(rlq_send(queue, text, strlen(text), NULL, NULL));
}

int send_delayed(struct rlq_queue *queue, const char *text, int64_t delay_ms)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.delay_ms = delay_ms;
	return rlq_send(queue, text, strlen(text), &options, NULL);
}

int receive_now(struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	return rlq_receive(queue, ret_messages, max, &options);
}

int receive_for(struct rlq_queue *queue, struct rlq_message *ret_message, int64_t visibility_ms)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	options.visibility_ms = visibility_ms;
	return rlq_receive(queue, ret_message, 1, &options);
}

int receive_in_place(struct rlq_queue *queue, struct rlq_message *ret_message)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	options.flags = RLQ_RECEIVE_IN_PLACE;
	return rlq_receive(queue, ret_message, 1, &options);
}

struct rlq_message receive_one(struct rlq_queue *queue)
{
	struct rlq_message message;

	if (NEEDED(receive_now(queue, &message, 1)) != 1) {
		fprintf(stderr, "%s: a message was expected, none came\n", rlq_queue_name(queue));
		abort();
	}
	return message;
}

bool body_is(const struct rlq_message *message, const char *text)
{
	return message->body_bytes == strlen(text) && memcmp(message->body, text, strlen(text)) == 0;
}

struct rlq_queue_stat stat_of(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	NEEDED(rlq_queue_stat(queue, &stat));
	return stat;
}

const char *drain(struct rlq_queue *queue)
{
	static char text[DRAIN_BYTES];
	struct rlq_message message;
	size_t at = 0;

	while (NEEDED(receive_now(queue, &message, 1)) == 1 && at + message.body_bytes + 2 < DRAIN_BYTES) {
		if (at > 0)
			text[at++] = ' ';
		memcpy(text + at, message.body, message.body_bytes);
		at += message.body_bytes;
		NEEDED(rlq_delete(queue, &message.receipt));
	}
	text[at] = '\0';
	return text;
}

/* ---- looking after ---------------------------------------------------------------------------- */

static void print_fault(void *context, const char *text)
{
	fprintf(stderr, "%s: %s\n", (const char *)context, text);
}

int faults_of(const char *name)
{
	char copy[RLQ_NAME_MAX + 1];

	strncpy(copy, name, RLQ_NAME_MAX);
	copy[RLQ_NAME_MAX] = '\0';
	return rlq_verify(directory, name, print_fault, copy);
}

void sweep_now(struct rlq_queue *queue)
{
	struct sweep sweep = {0};

	while (seg_sweep_step(queue->seg, &sweep, 1 << 16))
		;
}

void reap_now(struct rlq_queue *queue)
{
	NEEDED(seg_enter(queue->seg));
	os_clock_read(&queue->seg->clock);
	while (seg_reap_due(queue->seg, 1 << 16) <= queue->seg->clock.boot_ms)
		;
	seg_leave(queue->seg);
}

struct death {
	void (*act)(void *context);
	void *context;
};

static void act_and_die(void *context)
{
	const struct death *death = context;

	death->act(death->context);
	raise(SIGKILL);
}

void die_doing(void (*act)(void *context), void *context)
{
	struct death death = {act, context};
	int status = child_wait(child_start(act_and_die, &death));

	if (!child_was_killed(status, SIGKILL)) {
		fprintf(stderr, "the child that was to be killed: %s\n", child_status_text(status));
		abort();
	}
}
