/* Several threads on sync queues, standard and FIFO, all served by the same turns, when the power is cut.
 *
 *   senders [--seconds N] [--seed S]
 *
 * Each sends, alone and in batches, receives what anybody has sent, and deletes some of it. After the loss of
 * power: what was acknowledged is there; what anybody has received is there, though its sender may not have heard
 * (nobody receives what could vanish), unless its delete was tried; what was confirmed as deleted is not; nothing
 * is twice. Of the FIFO queue, once what had no answer was sent again with the same deduplication ids, the history
 * says so (fifo_senders.h), with the order of groups and their numbers. */
#include "tests/durable/fifo_senders.h"
#include "tests/durable/machine.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"
#include "tests/support/tally.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WATCHDOG_S = 60,
	THREADS = FIFO_THREADS,
	QUEUES = 2,
	MESSAGES_MAX = 4000,
	LEASE_MS = 3600000,
	CUT_MAX = 120,
	LARGE = 3000
};

/* What is known of one message, by bits. */
enum { TRIED = 1, SENT = 2, RECEIVED = 4, DELETE_TRIED = 8, DELETED = 16 };

static atomic_uint known[MESSAGES_MAX], next_message;
static unsigned char found[MESSAGES_MAX];
static const char *const names[QUEUES] = {"a", "b"};
static uint64_t rounds[MACHINE_DISKS], messages, failures;
static struct fifo_counts fifo_counts;

struct worker {
	pthread_t thread;
	uint64_t random;
	unsigned number;
	struct rlq_queue *queues[QUEUES], *fifo;
};

static void needed(bool is_so, const char *what)
{
	if (!is_so) {
		fprintf(stderr, "%s failed: %s\n", what, machine_said());
		exit(1);
	}
}

static bool send_some(struct rlq_queue *queue, int count, size_t bytes)
{
	static _Thread_local unsigned char bodies[RLQ_BATCH_MAX][LARGE];
	struct rlq_send_entry entries[RLQ_BATCH_MAX];
	unsigned first = atomic_fetch_add(&next_message, (unsigned)count);
	int result;

	if (first + (unsigned)count > MESSAGES_MAX)
		return false;
	for (int i = 0; i < count; i++) {
		unsigned tag = first + (unsigned)i;

		memcpy(bodies[i], &tag, sizeof(tag));
		atomic_fetch_or(&known[tag], TRIED);
		entries[i] =
			(struct rlq_send_entry){.body = bodies[i], .body_bytes = bytes, .delay_ms = RLQ_DEFAULT};
	}
	result = count == 1 ? rlq_send(queue, bodies[0], bytes, NULL, NULL)
			    : rlq_send_batch(queue, entries, (size_t)count, NULL, NULL);
	if (result < 0)
		return false;
	for (int i = 0; i < count; i++)
		atomic_fetch_or(&known[first + (unsigned)i], SENT);
	return true;
}

static bool receive_some(struct rlq_queue *queue, bool deletes)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	unsigned tag;
	int count;

	options.wait_ms = 0;
	options.visibility_ms = deletes ? LEASE_MS : 0;
	count = rlq_receive(queue, &message, 1, &options);
	if (count != 1)
		return count == 0;
	memcpy(&tag, message.body, sizeof(tag));
	needed(tag < MESSAGES_MAX, "a message that was sent");
	atomic_fetch_or(&known[tag], RECEIVED | (deletes ? DELETE_TRIED : 0));
	if (!deletes)
		return true;
	count = rlq_delete(queue, &message.receipt);
	if (count == 0)
		atomic_fetch_or(&known[tag], DELETED);
	return count == 0 || count == RLQ_ESTALE;
}

static void *work(void *context)
{
	struct worker *worker = context;
	bool goes_on = true;

	while (goes_on) {
		uint64_t drawn = random_next(&worker->random);
		struct rlq_queue *queue = worker->queues[drawn >> 50 & 1];
		size_t bytes = drawn >> 51 & 1 ? LARGE : sizeof(unsigned);

		if (drawn >> 49 & 1)
			goes_on = drawn >> 60 < 8
					  ? fifo_send_some(worker->fifo, worker->number, drawn >> 20)
					  : fifo_receive_some(worker->fifo, worker->number, drawn >> 60 < 14);
		else if (drawn >> 60 < 8)
			goes_on = send_some(queue, drawn >> 52 & 1 ? 1 : 1 + (int)((drawn >> 53) % RLQ_BATCH_MAX),
					    bytes);
		else
			goes_on = receive_some(queue, drawn >> 60 < 14);
	}
	return NULL;
}

static void play(uint64_t *random, int cut)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct worker workers[THREADS];

	attributes.durability = RLQ_SYNC;
	for (int i = 0; i < QUEUES; i++)
		needed(rlq_queue_create(machine_directory(), names[i], &attributes) == 1, "create");
	needed(fifo_senders_begin(machine_directory()), "create the FIFO queue");
	disk_power_for(cut);
	for (int i = 0; i < THREADS; i++) {
		workers[i].random = random_next(random);
		workers[i].number = (unsigned)i;
		needed(rlq_queue_open(machine_directory(), FIFO_SENDERS_QUEUE, &workers[i].fifo) == 0, "open");
		for (int q = 0; q < QUEUES; q++)
			needed(rlq_queue_open(machine_directory(), names[q], &workers[i].queues[q]) == 0, "open");
		needed(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "a thread");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		for (int q = 0; q < QUEUES; q++)
			rlq_queue_close(workers[i].queues[q]);
		rlq_queue_close(workers[i].fifo);
	}
}

static void look(void)
{
	struct rlq_message peeked[RLQ_BATCH_MAX];

	for (int i = 0; i < QUEUES; i++) {
		struct rlq_queue *queue;
		uint64_t cursor = 0;
		int count;

		needed(rlq_queue_open(machine_directory(), names[i], &queue) == 0, "open after the reboot");
		while ((count = rlq_peek(queue, peeked, RLQ_BATCH_MAX, &cursor)) > 0)
			for (int n = 0; n < count; n++) {
				unsigned tag;

				memcpy(&tag, peeked[n].body, sizeof(tag));
				needed(tag < MESSAGES_MAX, "a message that was sent");
				found[tag]++;
				messages++;
			}
		rlq_queue_close(queue);
	}
}

static const char *judge(unsigned *ret_tag)
{
	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		unsigned is = atomic_load(&known[i]);

		*ret_tag = i;
		if (found[i] > 1)
			return "is there twice";
		if (found[i] && !(is & TRIED))
			return "was never sent";
		if (found[i] && is & DELETED)
			return "was deleted, and is back";
		if (!found[i] && is & SENT && !(is & DELETE_TRIED))
			return "was acknowledged, and is lost";
		if (!found[i] && is & RECEIVED && !(is & DELETE_TRIED))
			return "was received, and is lost";
	}
	return NULL;
}

static void one_round(uint64_t seed)
{
	uint64_t random = seed;
	int cut = (int)(random_next(&random) >> 33) % CUT_MAX;
	enum machine_disk disk = (enum machine_disk)(random_next(&random) >> 63);
	const char *wrong, *fifo_wrong;
	unsigned tag;

	watchdog(WATCHDOG_S);
	memset(found, 0, sizeof(found));
	for (int i = 0; i < MESSAGES_MAX; i++)
		atomic_store(&known[i], 0);
	atomic_store(&next_message, 0);
	machine_use(disk, seed);
	machine_begin();
	needed(machine_start() == 0, "the start");
	play(&random, cut);
	machine_lose_power((enum shadow_loss)(seed % SHADOW_LOSS_COUNT), SECTOR_BYTES, &random);
	needed(machine_start() == 0, "the start after the loss of power");
	look();
	wrong = judge(&tag);
	fifo_wrong = fifo_senders_judge(machine_directory(), &fifo_counts);
	if (fifo_wrong) {
		printf("FAILED: seed %llu, %s, power for %d calls: %s\n", (unsigned long long)seed,
		       machine_disk_names[disk], cut, fifo_wrong);
		failures++;
	}
	if (wrong || machine_saw_damage()) {
		printf("FAILED: seed %llu, %s, power for %d calls: message %u %s\n", (unsigned long long)seed,
		       machine_disk_names[disk], cut, tag, wrong ? wrong : "(damage)");
		failures++;
	}
	machine_end();
	rounds[disk]++;
}

int main(int argc, char **argv)
{
	struct test_arguments arguments = test_arguments_read(argc, argv, 3);
	uint64_t random = arguments.seed;
	time_t until = time(NULL) + (time_t)arguments.seconds;

	while (time(NULL) < until && failures == 0)
		one_round(random_next(&random));
	printf("%llu messages found; FIFO: %llu acknowledged, %llu sent again, of them %llu duplicates\n",
	       (unsigned long long)messages, (unsigned long long)fifo_counts.acknowledged,
	       (unsigned long long)fifo_counts.repeated, (unsigned long long)fifo_counts.duplicates);
	machine_tally("power_cuts", rounds);
	tally("fifo_kills", rounds[0] + rounds[1]);
	printf("%llu passed, %llu failed\n", (unsigned long long)(rounds[0] + rounds[1] - failures),
	       (unsigned long long)failures);
	return failures > 0 || fifo_counts.duplicates == 0 || rounds[MACHINE_PLAIN] == 0 ||
	       rounds[MACHINE_QUEUED] == 0;
}
