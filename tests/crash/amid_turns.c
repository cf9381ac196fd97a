/* What becomes of a slot while a turn of the journal gathers, if the machine dies once that turn is durable, and
 * before the next one: a duplicate that is dropped then, and the copy of a move that is given up, are no messages,
 * and a reboot brings neither back. Others stop just before that, the engine amid its turn; so it comes alike in
 * every run. */
#include "shm/durable.h"
#include "tests/crash/durable_stage.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

enum { TAG = 7, ENOUGH = 1 };

static struct stage *stage;
static struct rlq_directory *directory;

/* ---- a machine -------------------------------------------------------------------------------- */

static void start(void)
{
	CHECK(engine_begin(stage, (struct crash_plan){.mode = CRASH_COUNT}));
	CHECK_EQ(rlq_directory_open(stage->queues, &directory), 0);
}

static void begin(void)
{
	stage = stage_open();
	start();
}

static void reboot(void)
{
	rlq_directory_close(directory);
	stage_reboot(stage);
	start();
}

static void end(void)
{
	CHECK_TEXT(stage->failure, "");
	rlq_directory_close(directory);
	engine_kill(stage);
	stage_close(stage);
}

static struct rlq_queue *opened(const char *name)
{
	struct rlq_queue *queue;

	CHECK_EQ(rlq_queue_open(directory, name, &queue), 0);
	return queue;
}

static struct rlq_queue *made(const char *name, const char *dlq)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.durability = RLQ_SYNC;
	attributes.receives_max = *dlq ? ENOUGH : 0;
	strcpy(attributes.dlq, dlq);
	CHECK_EQ(rlq_queue_create(directory, name, &attributes), 1);
	return opened(name);
}

static void count(struct stage_looks *looks, const struct stage_found *found)
{
	unsigned tag;

	memcpy(&tag, found->payload, sizeof(tag));
	*(unsigned *)looks->context += tag == TAG;
}

/* As the message, of any state that lasts. */
static unsigned times_there(const char *name)
{
	unsigned times = 0;
	struct stage_looks looks = {.each = count, .context = &times};

	stage_look(&looks, directory, name);
	CHECK_TEXT(looks.fault, "");
	return times;
}

/* ---- calls ------------------------------------------------------------------------------------ */

/* The same message, whatever its group: so that a duplicate is at the head of its own, and goes at once. */
static int send_as(struct rlq_queue *queue, const char *group)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	const unsigned tag = TAG;

	options.group = group;
	options.dedup_id = "7";
	return rlq_send(queue, &tag, sizeof(tag), &options, NULL);
}

/* It stays visible. */
static int receive(struct rlq_queue *queue, struct rlq_message *ret_message)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = options.visibility_ms = 0;
	return rlq_receive(queue, ret_message, 1, &options);
}

/* ---- who stops -------------------------------------------------------------------------------- */

struct actor {
	const char *queue;
	void (*act)(struct rlq_queue *queue);
	enum crash_point point; /* at which it stops */
	pid_t pid;
};

static void act(void *context)
{
	const struct actor *actor = context;
	struct rlq_queue *queue;

	CHECK_EQ(rlq_directory_open(stage->queues, &directory), 0);
	queue = opened(actor->queue);
	crash_arm(&stage->fifo_plan[0]);
	actor->act(queue);
}

static void act_until_stopped(struct actor *actor)
{
	int status;

	stage->fifo_plan[0] =
		(struct crash_plan){.mode = CRASH_AT_POINT, .stops = true, .point = actor->point, .nth = 1};
	actor->pid = child_start(act, actor);
	CHECK(child_wait_stopped(actor->pid, &status));
}

static enum slot_state state_of(const struct slot *slot)
{
	return word_state(slot_read_stable(slot));
}

/* The one slot in that state. */
static const struct slot *slot_in(struct rlq_queue *queue, enum slot_state state)
{
	const struct ring *ring = &queue->seg->ring[0];

	CHECK_EQ(seg_enter(queue->seg), 0);
	for (uint32_t i = 0; i <= ring->mask; i++)
		if (state_of(&ring->slots[i]) == state) {
			seg_leave(queue->seg);
			return &ring->slots[i];
		}
	case_fail(__FILE__, __LINE__, "no slot is in state %d", state);
}

/* What was begun before the turn ends amid it, and the machine with the turn. */
static void end_amid_a_turn(struct actor *actor, struct rlq_queue *queue, const struct slot *slot)
{
	engine_plan_stop(stage, CRASH_turn_deletes_gathered);
	seg_want_turn(queue->seg);
	CHECK(engine_await_stop(stage));
	child_signal(actor->pid, SIGCONT);
	while (state_of(slot) != SLOT_HELD)
		sched_yield();
	CHECK(engine_die_at(stage, CRASH_turn_durable));
	CHECK(child_exited(child_wait(actor->pid), 0));
}

/* ---- cases ------------------------------------------------------------------------------------ */

static void send_duplicate(struct rlq_queue *queue)
{
	CHECK_EQ(send_as(queue, "b"), RLQ_EUNKNOWN);
}

/* Its sender has looked for the first one before that was sent. */
CASE(a_duplicate_that_is_dropped_amid_a_turn_is_not_there_after_a_reboot)
{
	struct actor sender = {.queue = "q.fifo", .act = send_duplicate, .point = CRASH_send_written};
	struct rlq_queue *queue;
	const struct slot *slot;

	begin();
	queue = made("q.fifo", "");
	act_until_stopped(&sender);
	slot = slot_in(queue, SLOT_WRITING);
	CHECK_EQ(send_as(queue, "a"), 0);
	end_amid_a_turn(&sender, queue, slot);
	rlq_queue_close(queue);
	reboot();
	CHECK_EQ(times_there("q.fifo"), 1);
	end();
}

static void bury(struct rlq_queue *queue)
{
	struct rlq_message message;

	CHECK_EQ(receive(queue, &message), 0);
}

/* The message was purged, for good, before its mover came to decide. */
CASE(a_copy_that_is_given_up_amid_a_turn_is_not_there_after_a_reboot)
{
	struct actor mover = {.queue = "q.fifo", .act = bury, .point = CRASH_fifo_joined};
	struct rlq_queue *queue, *dlq;
	struct rlq_message message;
	const struct slot *slot;
	uint64_t purged;

	begin();
	dlq = made("d.fifo", "");
	queue = made("q.fifo", "d.fifo");
	CHECK_EQ(send_as(queue, "a"), 0);
	CHECK_EQ(receive(queue, &message), 1);
	act_until_stopped(&mover);
	slot = slot_in(dlq, SLOT_ARRIVING);
	CHECK_EQ(rlq_purge(queue, &purged), 0);
	CHECK_EQ(purged, 1);
	end_amid_a_turn(&mover, dlq, slot);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
	reboot();
	CHECK_EQ(times_there("q.fifo") + times_there("d.fifo"), 0);
	end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
