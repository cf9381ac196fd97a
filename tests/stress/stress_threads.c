/* Threads of one process, each with a handle of its own, over the public calls: producers, consumers that
 * delete, release, extend or read in place, and one that sweeps, so that rings and blocks come and go.
 * Each message is deleted exactly once, and nothing stays behind.
 *
 * ThreadSanitizer sees no race between two mappings of one file, so under it all handles are made to use
 * the mapping of the first.
 *
 * stress_threads [--seconds N] [--seed S]; exit 0 or 1. */
#include "shm/extents.h"
#include "tests/support/arguments.h"
#include "tests/support/leaks.h"
#include "tests/support/sanitizer.h"
#include "tests/support/tally.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	DEFAULT_SECONDS = 3,
	PRODUCERS = 2,
	CONSUMERS = 3,
	BURST = 6000, /* messages of a producer between two pauses: the queue grows, then runs empty */
	BODY_MAX = 3000,
	ID_MAX = 1 << 24,
	VISIBILITY_MS = 60000,
};

static struct rlq_directory *directory;
static struct rlq_queue *first;
static _Atomic unsigned char deleted[ID_MAX];
static _Atomic uint64_t next_id, sent, deletes, releases, in_place, sweeps, rings_most;
static atomic_bool is_over, producers_done;
static uint64_t seed;

static void fail(const char *what, uint64_t id, int error)
{
	printf("FAILED: %s: message %llu: %s\n", what, (unsigned long long)id, error ? rlq_strerror(error) : "");
	fflush(stdout);
	_exit(1);
}

/* Makes a handle look at the memory of the first one. It is not closed afterwards: its own mapping stays
 * where nobody looks. */
static void share_mapping(struct segment *segment, struct segment *with)
{
	segment->base = with->base;
	segment->header = with->header;
	segment->rows = with->rows;
	segment->me = &with->rows[segment->row];
	memset(segment->ring, 0, sizeof(segment->ring));
	memset(segment->ring_id, 0, sizeof(segment->ring_id));
	segment->rings = 0;
	segment->bodies = with->bodies;
}

/* The first handle, with all classes of bodies mapped. */
static struct rlq_queue *first_handle(void)
{
	struct rlq_queue *queue;
	int error = rlq_queue_open(directory, "q", &queue);

	if (error)
		fail("open", 0, error);
	for (uint32_t i = 0; i < SEG_BODY_CLASS_COUNT; i++)
		if (region_open(queue->seg, i) == NULL)
			fail("map", i, -ENOMEM);
	return queue;
}

static struct rlq_queue *handle(void)
{
	struct rlq_queue *queue;
	int error = rlq_queue_open(directory, "q", &queue);

	if (error)
		fail("open", 0, error);
	if (UNDER_THREAD_SANITIZER)
		share_mapping(queue->seg, first->seg);
	return queue;
}

static void handle_close(struct rlq_queue *queue)
{
	if (!UNDER_THREAD_SANITIZER)
		rlq_queue_close(queue);
}

static uint64_t body_word(uint64_t id, uint64_t at)
{
	return (id + 1) * UINT64_C(0x9e3779b97f4a7c15) + at;
}

/* These look at messages that may change under them, and find that out afterwards: by a compare-and-swap
 * that then fails (sweep_slot, free_now), because what they ask for is then over anyway (is_live_block), or not at
 * all, for a figure to be shown (count_slot). */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:sweep_slot\nrace:free_now\nrace:is_live_block\nrace:count_slot\n";
}

/* ---- producers -------------------------------------------------------------------------------- */

static bool produce_one(struct rlq_queue *queue, uint64_t *random)
{
	uint64_t body[BODY_MAX / 8], id = atomic_fetch_add(&next_id, 1);
	uint64_t kind = random_next(random) >> 32;
	size_t words = 1 + kind / 16 % (kind % 4 == 0 ? BODY_MAX / 8 : 8);
	struct rlq_reservation reservation;
	int error;

	if (id >= ID_MAX)
		return false;
	body[0] = id;
	for (size_t i = 1; i < words; i++)
		body[i] = body_word(id, i);
	if (kind % 8 == 1) {
		error = rlq_reserve(queue, words * 8, NULL, &reservation);
		if (!error) {
			memcpy(reservation.body, body, words * 8);
			error = rlq_publish(queue, &reservation, NULL);
		}
	} else {
		error = rlq_send(queue, body, words * 8, NULL, NULL);
	}
	if (error)
		fail("send", id, error);
	atomic_fetch_add(&sent, 1);
	return true;
}

static void *produce(void *argument)
{
	struct rlq_queue *queue = handle();
	uint64_t random = seed + (uint64_t)(uintptr_t)argument;
	bool goes_on = true;

	while (goes_on && !atomic_load(&is_over)) {
		for (int i = 0; i < BURST && goes_on && !atomic_load(&is_over); i++)
			goes_on = produce_one(queue, &random);
		while (atomic_load(&sent) - atomic_load(&deletes) > BURST / 8 && !atomic_load(&is_over))
			sched_yield();
	}
	handle_close(queue);
	return NULL;
}

/* ---- consumers -------------------------------------------------------------------------------- */

static uint64_t check(const struct rlq_message *message)
{
	const uint64_t *body = message->body;

	if (message->body_bytes < 8 || body[0] >= ID_MAX)
		fail("made up", 0, 0);
	for (size_t i = 1; i < message->body_bytes / 8; i++)
		if (body[i] != body_word(body[0], i))
			fail("torn", body[0], 0);
	return body[0];
}

static void settle(struct rlq_queue *queue, const struct rlq_message *message, uint64_t kind)
{
	uint64_t id = check(message);
	int error;

	if (atomic_load(&deleted[id]))
		fail("received after its delete", id, 0);
	if (kind % 16 == 0) {
		atomic_fetch_add(&releases, 1);
		error = rlq_release(queue, &message->receipt, 0);
	} else {
		if (kind % 16 == 1 && (error = rlq_extend(queue, &message->receipt, VISIBILITY_MS)) != 0)
			fail("extend", id, error);
		if (atomic_exchange(&deleted[id], 1))
			fail("leased to two", id, 0);
		error = rlq_delete(queue, &message->receipt);
		if (!error)
			atomic_fetch_add(&deletes, 1);
	}
	if (error)
		fail("the holder was refused", id, error);
	if (message->in_place) {
		atomic_fetch_add(&in_place, 1);
		rlq_let_go(queue, message);
	}
}

static void *consume(void *argument)
{
	struct rlq_queue *queue = handle();
	uint64_t random = seed + (uint64_t)(uintptr_t)argument;

	while (!atomic_load(&producers_done) || atomic_load(&deletes) < atomic_load(&sent)) {
		struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
		struct rlq_message message[8];
		uint64_t kind = random_next(&random) >> 32;
		int count;

		options.wait_ms = kind % 64 == 0;
		options.visibility_ms = VISIBILITY_MS;
		options.flags = kind % 4 == 0 ? RLQ_RECEIVE_IN_PLACE : 0;
		count = rlq_receive(queue, message, 1 + kind / 256 % 8, &options);
		if (count < 0)
			fail("receive", 0, count);
		for (int i = 0; i < count; i++)
			settle(queue, &message[i], random_next(&random) >> 32);
	}
	handle_close(queue);
	return NULL;
}

/* ---- the reaper ------------------------------------------------------------------------------- */

static void *reap(void *argument)
{
	struct rlq_queue *queue = handle();
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	(void)argument;
	while (!atomic_load(&producers_done) || atomic_load(&deletes) < atomic_load(&sent)) {
		leaks_sweep(queue);
		atomic_fetch_add(&sweeps, 1);
		if (rlq_queue_stat(queue, &stat) == 0 && stat.rings > atomic_load(&rings_most))
			atomic_store(&rings_most, stat.rings);
		sched_yield();
	}
	handle_close(queue);
	return NULL;
}

/* ---- main ------------------------------------------------------------------------------------- */

static void run(uint64_t seconds)
{
	pthread_t thread[PRODUCERS + CONSUMERS + 1];
	struct timespec pause = {.tv_sec = (time_t)seconds};
	uintptr_t count = 0;

	for (int i = 0; i < PRODUCERS; i++, count++)
		pthread_create(&thread[count], NULL, produce, (void *)(count + 1));
	for (int i = 0; i < CONSUMERS; i++, count++)
		pthread_create(&thread[count], NULL, consume, (void *)(count + 1));
	pthread_create(&thread[count++], NULL, reap, NULL);
	nanosleep(&pause, NULL);
	atomic_store(&is_over, true);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(thread[i], NULL);
	atomic_store(&producers_done, true);
	for (uintptr_t i = PRODUCERS; i < count; i++)
		pthread_join(thread[i], NULL);
}

static const char *what_is_left(void)
{
	struct rlq_queue *queue = handle();
	const char *left;

	for (int i = 0; i < 3; i++)
		leaks_sweep(queue);
	left = leaks_find(queue);
	handle_close(queue);
	return left;
}

int main(int count, char **values)
{
	struct test_arguments arguments = test_arguments_read(count, values, DEFAULT_SECONDS);
	char path[TMPDIR_BYTES];
	const char *left;
	int error;

	seed = arguments.seed;
	tmpdir_make(path);
	error = rlq_directory_open(path, &directory);
	if (!error)
		error = rlq_queue_create(directory, "q", NULL);
	if (error != 1)
		fail("create", 0, error);
	first = first_handle();
	run(arguments.seconds);
	left = what_is_left();
	rlq_queue_close(first);
	rlq_directory_close(directory);
	tmpdir_remove(path);
	if (left || deletes != sent) {
		printf("FAILED: %llu sent, %llu deleted; %s\n", (unsigned long long)sent,
		       (unsigned long long)deletes, left ? left : "");
		return 1;
	}
	printf("%llu messages, %llu released once more, %llu in place, %llu sweeps, up to %llu rings\n",
	       (unsigned long long)sent, (unsigned long long)releases, (unsigned long long)in_place,
	       (unsigned long long)sweeps, (unsigned long long)rings_most);
	tally("messages", sent);
	return 0;
}
