/* Async queues under turns that never cease: the power is cut somewhere, and what is there must be possible.
 *
 *   async_cuts [--seconds N] [--seed S]
 *
 * One client sends to three queues, receives, forwards (receive here, send there, delete here) and waits now and
 * then, while another thread asks for one turn after the other. What is there after the loss of power is what was
 * there between two of its calls: all that was done up to some call, behind the last one that was waited for, and
 * nothing of what was done since. So nothing that was forwarded, once or many times, is lost or doubled. What is
 * moved to a DLQ meanwhile is in one of both queues.
 */
#include "shm/durable.h"
#include "tests/durable/machine.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WATCHDOG_S = 60,
	QUEUES = 3,
	MOVER = 3,
	DLQ = 4,
	ALL = 5,
	CALLS_MAX = 3000,
	BODY_BYTES = 64,
	LEASE_MS = 3600000
};

struct message {
	int queue;
	unsigned sent, deleted; /* numbers of calls, from 1; 0: never */
	bool is_there;
};

static struct message messages[CALLS_MAX + 1]; /* by the number of the call that sent it */
static unsigned calls, settled, acknowledged;
static struct rlq_queue *queues[ALL];
static const char *const names[ALL] = {"a", "b", "c", "mover", "dlq"};
static uint64_t rounds[MACHINE_DISKS], lost_calls, found_messages, failures;
static atomic_bool is_over;

static void *ask_for_turns(void *directory)
{
	while (!atomic_load(&is_over))
		if (seg_wait_durable(directory) != 0)
			break;
	return NULL;
}

static bool send_one(int queue)
{
	unsigned char body[BODY_BYTES] = {0};
	unsigned tag = ++calls;
	int result;

	memcpy(body, &tag, sizeof(tag));
	messages[tag] = (struct message){.queue = queue, .sent = tag};
	result = rlq_send(queues[queue], body, sizeof(body), NULL, NULL);
	return result == 0;
}

/* 0: none. */
static unsigned receive_one(int queue, struct rlq_receipt *ret_receipt)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	unsigned tag;

	options.wait_ms = 0;
	options.visibility_ms = LEASE_MS;
	if (rlq_receive(queues[queue], &message, 1, &options) != 1)
		return 0;
	memcpy(&tag, message.body, sizeof(tag));
	*ret_receipt = message.receipt;
	return tag;
}

static bool delete_one(int queue, unsigned tag, const struct rlq_receipt *receipt)
{
	messages[tag].deleted = ++calls;
	return rlq_delete(queues[queue], receipt) == 0;
}

/* Sent, or received: the second receive of a message moves it. */
static bool move_one(bool sends)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.wait_ms = 0;
	options.visibility_ms = 0;
	return sends ? send_one(MOVER) : rlq_receive(queues[MOVER], &message, 1, &options) >= 0;
}

static bool take_step(uint64_t *random)
{
	uint64_t drawn = random_next(random);
	int from = (int)((drawn >> 20) % QUEUES), to = (int)((drawn >> 30) % QUEUES);
	struct rlq_receipt receipt;
	unsigned tag;

	if (drawn >> 40 & 1)
		return drawn >> 42 & 1 ? send_one(to) : move_one(drawn >> 43 & 3);
	tag = receive_one(from, &receipt);
	if (tag == 0)
		return send_one(from);
	if (drawn >> 41 & 1 && !send_one(to))
		return false;
	if (!delete_one(from, tag, &receipt))
		return false;
	if ((drawn >> 50) % 64 == 0) {
		if (seg_wait_durable(&machine_directory()->seg) != 0)
			return false;
		settled = calls;
	}
	return true;
}

static void needed(bool is_so, const char *what)
{
	if (!is_so) {
		fprintf(stderr, "%s failed: %s\n", what, machine_said());
		exit(1);
	}
}

static void play(uint64_t *random, int cut)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	pthread_t other;

	attributes.durability = RLQ_ASYNC;
	for (int i = ALL; i-- > 0;) {
		attributes.receives_max = i == MOVER;
		strcpy(attributes.dlq, i == MOVER ? names[DLQ] : "");
		needed(rlq_queue_create(machine_directory(), names[i], &attributes) == 1, "create");
		needed(rlq_queue_open(machine_directory(), names[i], &queues[i]) == 0, "open");
	}
	atomic_store(&is_over, false);
	needed(pthread_create(&other, NULL, ask_for_turns, &machine_directory()->seg) == 0, "a thread");
	disk_power_for(cut);
	while (calls + 3 < CALLS_MAX && take_step(random))
		acknowledged = calls;
	disk_power_for(0);
	atomic_store(&is_over, true);
	pthread_join(other, NULL);
	for (int i = 0; i < ALL; i++)
		rlq_queue_close(queues[i]);
}

static const char *look(void)
{
	struct rlq_message peeked[RLQ_BATCH_MAX];

	const char *wrong = NULL;

	for (int i = 0; i < ALL; i++) {
		struct rlq_queue *queue;
		uint64_t cursor = 0;
		int count;

		needed(rlq_queue_open(machine_directory(), names[i], &queue) == 0, "open after the reboot");
		while ((count = rlq_peek(queue, peeked, RLQ_BATCH_MAX, &cursor)) > 0)
			for (int n = 0; n < count; n++) {
				unsigned tag;

				memcpy(&tag, peeked[n].body, sizeof(tag));
				if (tag < 1 || tag > calls || messages[tag].queue != (i == DLQ ? MOVER : i))
					return "a message that nobody sent there";
				if (messages[tag].is_there)
					wrong = "a message is there twice";
				messages[tag].is_there = true;
				found_messages++;
			}
		rlq_queue_close(queue);
	}
	return wrong;
}

/* Calls between which the power may have been cut if this message is there, or is not: adds 1 to each. */
static void note_possible(const struct message *message, int *change)
{
	unsigned end = message->deleted ? message->deleted : calls + 1;

	if (message->is_there) {
		change[message->sent]++;
		change[end]--;
		return;
	}
	change[0]++;
	change[message->sent]--;
	change[end]++;
	change[calls + 1]--;
}

static const char *judge_settled(unsigned tag)
{
	static char text[200];
	const struct message *message = &messages[tag];

	if (message->sent <= settled && !message->is_there && !message->deleted)
		snprintf(text, sizeof(text), "%u, in %s, was waited for and is lost", tag, names[message->queue]);
	else if (message->is_there && message->deleted && message->deleted <= settled)
		snprintf(text, sizeof(text), "%u was deleted, that was waited for, and it is back", tag);
	else
		return NULL;
	return text;
}

/* What is impossible, static memory; NULL: nothing. */
static const char *judge(void)
{
	static char text[200];
	int change[CALLS_MAX + 2] = {0}, agree = 0, sent = 0, most = 0;
	unsigned best = 0;

	for (unsigned i = 1; i <= calls; i++) {
		const char *wrong = messages[i].sent ? judge_settled(i) : NULL;

		if (wrong)
			return wrong;
		if (messages[i].sent) {
			note_possible(&messages[i], change);
			sent++;
		}
	}
	for (unsigned cut = 0; cut <= calls; cut++) {
		agree += change[cut];
		if (cut >= settled && agree > most) {
			most = agree;
			best = cut;
		}
	}
	lost_calls += calls - best;
	if (most == sent)
		return NULL;
	for (unsigned i = 1; i <= calls; i++) {
		const struct message *message = &messages[i];
		bool was_there =
			message->sent && message->sent <= best && !(message->deleted && message->deleted <= best);

		if (message->sent && message->is_there != was_there) {
			snprintf(text, sizeof(text),
				 "%d of %d messages are as after call %u, but %u, in %s, deleted by call %u, is%s "
				 "there",
				 most, sent, best, i, names[message->queue], message->deleted,
				 message->is_there ? "" : " not");
			break;
		}
	}
	return text;
}

static void one_round(uint64_t seed)
{
	uint64_t random = seed;
	int cut = (int)(random_next(&random) >> 33) % 60;
	enum machine_disk disk = (enum machine_disk)(random_next(&random) >> 63);
	const char *wrong;

	watchdog(WATCHDOG_S);
	memset(messages, 0, sizeof(messages));
	calls = settled = acknowledged = 0;
	machine_use(disk, seed);
	machine_begin();
	needed(machine_start() == 0, "the start");
	play(&random, cut);
	machine_lose_power((enum shadow_loss)(seed % SHADOW_LOSS_COUNT), SECTOR_BYTES, &random);
	needed(machine_start() == 0, "the start after the loss of power");
	wrong = look();
	if (!wrong)
		wrong = judge();
	if (wrong) {
		printf("FAILED: seed %llu, %s, power for %d calls, %u calls, %u waited for: %s\n",
		       (unsigned long long)seed, machine_disk_names[disk], cut, calls, settled, wrong);
		failures++;
	}
	machine_end();
	rounds[disk]++;
}

int main(int argc, char **argv)
{
	struct test_arguments arguments;
	uint64_t random;
	time_t until;

	arguments = test_arguments_read(argc, argv, 3);
	random = arguments.seed;
	until = time(NULL) + (time_t)arguments.seconds;

	while (time(NULL) < until && failures == 0)
		one_round(random_next(&random));
	printf("%llu messages found, %llu calls lost\n", (unsigned long long)found_messages,
	       (unsigned long long)lost_calls);
	machine_tally("async_cuts", rounds);
	printf("%llu passed, %llu failed\n", (unsigned long long)(rounds[0] + rounds[1] - failures),
	       (unsigned long long)failures);
	return failures > 0 || rounds[MACHINE_PLAIN] == 0 || rounds[MACHINE_QUEUED] == 0;
}
