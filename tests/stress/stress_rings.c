/* Rings come and go under traffic, while messages that are kept hold old rings: in each wave one more
 * message is kept (the last KEPT of them are), a burst makes the queue grow, and when the burst is consumed
 * the queue must come back to small rings, all while a trickle goes on. Each message is deleted exactly
 * once, the kept ones too, and nothing stays behind.
 *
 * stress_rings [--seconds N] [--seed S]; as many waves as fit, but at least WAVES_MIN; exit 0 or 1. */
#include "tests/support/arguments.h"
#include "tests/support/child.h"
#include "tests/support/leaks.h"
#include "tests/support/tally.h"
#include "tests/support/tmpdir.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	DEFAULT_SECONDS = 2,
	WAVE_SECONDS = 60, /* watchdog */
	WAVES_MIN = 10,
	CONSUMERS = 2,
	KEPT = 3,
	SWEEPS_PER_VERIFY = 16,
	/* A queue nearly empty may keep rings of up to 8,192 slots (sweep.c); a burst needs more than all of them.
	 */
	SMALL_ORDER = 13,
	BURST_MIN = (KEPT + 1) << SMALL_ORDER,
	BURST_MORE = 30000,
	TRICKLE = 200, /* messages of the trickle that may be there at once */
	ID_MAX = 1 << 24,
	KEEP_MS = 3600000,
};

static struct rlq_directory *directory;
static _Atomic unsigned char deleted[ID_MAX];
static _Atomic uint64_t next_id, deletes, kept, refused;
static atomic_bool is_over, senders_done, is_keeping;

static void fail(const char *what, uint64_t id, int error)
{
	printf("FAILED: %s: %llu: %s\n", what, (unsigned long long)id, error ? rlq_strerror(error) : "");
	fflush(stdout);
	_exit(1);
}

static struct rlq_queue *handle(void)
{
	struct rlq_queue *queue;
	int error = rlq_queue_open(directory, "q", &queue);

	if (error)
		fail("open", 0, error);
	return queue;
}

/* ---- messages --------------------------------------------------------------------------------- */

static void send_next(struct rlq_queue *queue)
{
	uint64_t id = atomic_fetch_add(&next_id, 1);
	int error = -1;

	/* All regions may be in use while somebody who was put to sleep by the scheduler is in a call: "full". */
	while (id < ID_MAX && (error = rlq_send(queue, &id, sizeof(id), NULL, NULL)) == RLQ_EFULL)
		atomic_fetch_add(&refused, 1);
	if (error)
		fail("send", id, error);
}

static void delete_one(struct rlq_queue *queue, const struct rlq_receipt *receipt, uint64_t id)
{
	int error = rlq_delete(queue, receipt);

	if (error)
		fail("the holder was refused", id, error);
	if (id >= ID_MAX || atomic_exchange(&deleted[id], 1))
		fail("deleted twice, or made up", id, 0);
	atomic_fetch_add(&deletes, 1);
}

static uint64_t waiting(void)
{
	uint64_t gone = atomic_load(&deletes) + atomic_load(&kept);

	return atomic_load(&next_id) - gone;
}

static void *consume(void *argument)
{
	struct rlq_queue *queue = handle();

	(void)argument;
	while (!atomic_load(&senders_done) || waiting() > 0) {
		struct rlq_message message[8];
		struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
		int count = 0;

		options.wait_ms = 0;
		if (atomic_load(&is_keeping)) /* the next message is to be kept */
			sched_yield();
		else
			count = rlq_receive(queue, message, 8, &options);
		if (count < 0)
			fail("receive", 0, count);
		for (int i = 0; i < count; i++)
			delete_one(queue, &message[i].receipt, *(const uint64_t *)message[i].body);
	}
	rlq_queue_close(queue);
	return NULL;
}

/* Never lets the queue rest. */
static void *trickle(void *argument)
{
	struct rlq_queue *queue = handle();

	(void)argument;
	while (!atomic_load(&is_over)) {
		if (waiting() < TRICKLE)
			send_next(queue);
		else
			sched_yield();
	}
	rlq_queue_close(queue);
	return NULL;
}

static void say_fault(void *unused, const char *text)
{
	(void)unused;
	printf("verify: %s\n", text);
}

/* And now and then looks whether all is as it must be at any moment. */
static void *sweep(void *argument)
{
	struct rlq_queue *queue = handle();

	(void)argument;
	for (uint64_t sweeps = 0; !atomic_load(&is_over); sweeps++) {
		leaks_sweep(queue);
		if (sweeps % SWEEPS_PER_VERIFY == 0 && rlq_verify(directory, "q", say_fault, NULL) != 0)
			fail("faults", 0, 0);
		sched_yield();
	}
	rlq_queue_close(queue);
	return NULL;
}

/* ---- waves ------------------------------------------------------------------------------------ */

struct wave {
	struct rlq_queue *queue;
	struct rlq_receipt receipt[KEPT];
	uint64_t id[KEPT], count, random;
	uint32_t rings_most, order_most;
};

/* Lets go of the longest kept message and keeps another one of those that are there. */
static void keep_another(struct wave *wave)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	uint64_t i = wave->count++ % KEPT;
	struct rlq_message message;
	int count;

	if (wave->count > KEPT) {
		delete_one(wave->queue, &wave->receipt[i], wave->id[i]);
		atomic_fetch_sub(&kept, 1);
	}
	options.wait_ms = 0;
	options.visibility_ms = KEEP_MS;
	atomic_store(&is_keeping, true);
	while ((count = rlq_receive(wave->queue, &message, 1, &options)) == 0)
		sched_yield();
	atomic_store(&is_keeping, false);
	if (count < 0)
		fail("receive", 0, count);
	atomic_fetch_add(&kept, 1);
	wave->receipt[i] = message.receipt;
	wave->id[i] = *(const uint64_t *)message.body;
}

/* Has it rings that are not small, or more of them than are kept and one? */
static bool is_grown(struct wave *wave)
{
	struct segment *segment = wave->queue->seg;
	uint32_t order = 0, count;

	if (seg_enter(segment) != 0)
		fail("enter", 0, 0);
	count = rings_count(segment->rings);
	for (uint32_t i = 0; i < count; i++)
		if (segment->ring[rings_at(segment->rings, i)].order > order)
			order = segment->ring[rings_at(segment->rings, i)].order;
	seg_leave(segment);
	if (count > wave->rings_most)
		wave->rings_most = count;
	if (order > wave->order_most)
		wave->order_most = order;
	return order > SMALL_ORDER || count > (uint32_t)atomic_load(&kept) + 1;
}

static void run_wave(struct wave *wave)
{
	uint64_t burst = BURST_MIN + random_next(&wave->random) % BURST_MORE;

	watchdog(WAVE_SECONDS);
	keep_another(wave);
	/* Nobody consumes meanwhile, so that it is there all at once. */
	atomic_store(&is_keeping, true);
	for (uint64_t i = 0; i < burst; i++)
		send_next(wave->queue);
	if (!is_grown(wave))
		fail("has not grown for messages", burst, 0);
	atomic_store(&is_keeping, false);
	while (is_grown(wave))
		sched_yield();
}

static uint64_t run_waves(struct wave *wave, uint64_t seconds)
{
	time_t end = time(NULL) + (time_t)seconds;

	while (wave->count < WAVES_MIN || (time(NULL) < end && atomic_load(&next_id) < ID_MAX / 2))
		run_wave(wave);
	for (int i = 0; i < KEPT; i++) {
		delete_one(wave->queue, &wave->receipt[i], wave->id[i]);
		atomic_fetch_sub(&kept, 1);
	}
	return wave->count;
}

static const char *run(struct wave *wave, uint64_t seconds)
{
	pthread_t sender[2], consumer[CONSUMERS];
	const char *left;

	pthread_create(&sender[0], NULL, trickle, NULL);
	pthread_create(&sender[1], NULL, sweep, NULL);
	for (int i = 0; i < CONSUMERS; i++)
		pthread_create(&consumer[i], NULL, consume, NULL);
	run_waves(wave, seconds);
	atomic_store(&is_over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(sender[i], NULL);
	atomic_store(&senders_done, true);
	for (int i = 0; i < CONSUMERS; i++)
		pthread_join(consumer[i], NULL);
	for (int i = 0; i < 3; i++)
		leaks_sweep(wave->queue);
	left = leaks_find(wave->queue);
	return left || !is_grown(wave) ? left : "the queue did not come back to one small ring";
}

int main(int count, char **values)
{
	struct test_arguments arguments = test_arguments_read(count, values, DEFAULT_SECONDS);
	struct wave wave = {.random = arguments.seed};
	char path[TMPDIR_BYTES];
	const char *left;
	int error;

	tmpdir_make(path);
	error = rlq_directory_open(path, &directory);
	if (!error)
		error = rlq_queue_create(directory, "q", NULL);
	if (error != 1)
		fail("create", 0, error);
	wave.queue = handle();
	left = run(&wave, arguments.seconds);
	rlq_queue_close(wave.queue);
	rlq_directory_close(directory);
	tmpdir_remove(path);
	if (left || deletes != next_id) {
		printf("FAILED: %llu sent, %llu deleted; %s\n", (unsigned long long)next_id,
		       (unsigned long long)deletes, left ? left : "");
		return 1;
	}
	printf("%llu messages in %llu waves, each grown and come back; up to %u rings, the largest of order %u; "
	       "%llu times no ring could be appended\n",
	       (unsigned long long)next_id, (unsigned long long)wave.count, wave.rings_most, wave.order_most,
	       (unsigned long long)refused);
	tally("messages", next_id);
	return 0;
}
