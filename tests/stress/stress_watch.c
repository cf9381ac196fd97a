/* One watch, many threads: who takes its reports, arms again and receives until nothing comes; who disarms and arms
 * at random; who removes queues and makes them anew; beside them consumers that wait in a receive. Every message
 * that was sent is received, and nobody is left waiting for one. Where the kernel waits for many words, and where
 * not; taken by who polls, and by who is called.
 *
 * stress_watch [NAME]: the cases whose names contain it. */
#include "client/internal.h"
#include "kmod-free/futex.h"
#include "kmod-free/sysops.h"
#include "tests/support/arguments.h"
#include "tests/support/cases.h"
#include "tests/support/sanitizer.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
	/* Five workers'; but ThreadSanitizer leaves room for some fifty mappings of a segment. */
	QUEUES = UNDER_THREAD_SANITIZER ? 5 : 150,
	PRODUCERS = 2,
	TAKERS = 3,
	RECEIVERS = 2,	  /* each waits at the first queue */
	MESSAGES = 50000, /* of a producer */
	REPORTS = 8,
	BATCH = 10,
};

static char path[TMPDIR_BYTES];
static struct rlq_directory *directory;
static struct rlq_watch *watch;
static char names[QUEUES][RLQ_NAME_MAX + 1];
static struct os_clock_words now = {.boot_ms = 1000000, .wall_ms = 1000000};
static struct {
	pthread_mutex_t lock;
	struct rlq_queue *queues[QUEUES];
} called = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Atomic uint64_t received, reports;
static sem_t all_is_received;
static atomic_int receivers_left;
static atomic_bool is_over;

static long refuse(const void *words, uint32_t count, uint32_t flags, const struct timespec *end, clockid_t clock)
{
	(void)words, (void)count, (void)flags, (void)end, (void)clock;
	errno = ENOSYS;
	return -1;
}

static long (*real_futex)(const _Atomic uint32_t *, int, uint32_t, const struct timespec *, uint32_t);
static long (*real_waitv)(const void *, uint32_t, uint32_t, const struct timespec *, clockid_t);

static long futex_without_end(const _Atomic uint32_t *word, int operation, uint32_t value,
			      const struct timespec *end, uint32_t bits)
{
	(void)end;
	return real_futex(word, operation, value, NULL, bits);
}

static long waitv_without_end(const void *words, uint32_t count, uint32_t flags, const struct timespec *end,
			      clockid_t clock)
{
	(void)end;
	return real_waitv(words, count, flags, NULL, clock);
}

static void sleep_without_end(void)
{
	static _Atomic uint32_t zero;
	struct os_futex_awaited word = os_futex_await(&zero, 1);

	real_futex = os_sys.futex;
	real_waitv = os_sys.futex_waitv;
	if (real_waitv(&word, 1, 0, NULL, CLOCK_MONOTONIC) >= 0 || errno != EAGAIN)
		case_skip("no futex_waitv here");
	os_sys.futex = futex_without_end;
	os_sys.futex_waitv = waitv_without_end;
}

static void open_all(struct rlq_queue **ret_queues)
{
	for (int i = 0; i < QUEUES; i++)
		CHECK_EQ(rlq_queue_open(directory, names[i], &ret_queues[i]), 0);
}

static void close_all(struct rlq_queue **queues)
{
	for (int i = 0; i < QUEUES; i++)
		rlq_queue_close(queues[i]);
}

static int receive_some(struct rlq_queue *queue, int64_t wait_ms)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[BATCH];
	int count;

	options.wait_ms = wait_ms;
	count = rlq_receive(queue, messages, BATCH, &options);
	CHECK(count >= 0);
	for (int i = 0; i < count; i++)
		CHECK_EQ(rlq_delete(queue, &messages[i].receipt), 0);
	if (count > 0 && atomic_fetch_add(&received, (uint64_t)count) + (uint64_t)count >= PRODUCERS * MESSAGES)
		sem_post(&all_is_received);
	return count;
}

static void arm_and_receive(struct rlq_queue **queues, int at)
{
	CHECK_EQ(rlq_watch_arm(watch, names[at], names[at]), 0);
	while (receive_some(queues[at], 0) > 0)
		;
}

static void *produce(void *context)
{
	struct rlq_queue *queues[QUEUES];
	uint64_t state = (uint64_t)(uintptr_t)context;

	open_all(queues);
	for (int i = 0; i < MESSAGES; i++)
		CHECK_EQ(rlq_send(queues[random_next(&state) % QUEUES], "m", 1, NULL, NULL), 0);
	close_all(queues);
	return NULL;
}

/* Returns how many. */
static int take_some(struct rlq_queue **queues)
{
	struct rlq_watch_report got[REPORTS];
	int count = rlq_watch_take(watch, got, REPORTS);

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		char(*name)[RLQ_NAME_MAX + 1] = got[i].context;
		int at = (int)(name - names);

		if (name == NULL)
			continue;
		CHECK_TEXT(got[i].name, names[at]);
		CHECK(!got[i].removed);
		arm_and_receive(queues, at);
	}
	atomic_fetch_add(&reports, (uint64_t)count);
	return count;
}

static void *take(void *context)
{
	struct rlq_queue *queues[QUEUES];

	(void)context;
	open_all(queues);
	while (!atomic_load(&is_over)) {
		struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};

		poll(&readable, 1, 10); /* to see whether it is over */
		take_some(queues);
	}
	close_all(queues);
	return NULL;
}

/* On a thread of the watch; on several of them at the same time. */
static void take_all(void *context)
{
	(void)context;
	pthread_mutex_lock(&called.lock);
	while (take_some(called.queues) > 0)
		;
	pthread_mutex_unlock(&called.lock);
}

static void *meddle(void *context)
{
	struct rlq_queue *queues[QUEUES];
	uint64_t state = (uint64_t)(uintptr_t)context;

	open_all(queues);
	while (!atomic_load(&is_over)) {
		int at = (int)(random_next(&state) % QUEUES);

		CHECK(rlq_watch_disarm(watch, names[at]) >= 0);
		arm_and_receive(queues, at);
	}
	close_all(queues);
	return NULL;
}

static void *wait_at_first(void *context)
{
	struct rlq_queue *queue;

	(void)context;
	CHECK_EQ(rlq_queue_open(directory, names[0], &queue), 0);
	while (!atomic_load(&is_over))
		receive_some(queue, INT64_MAX);
	rlq_queue_close(queue);
	atomic_fetch_sub(&receivers_left, 1);
	return NULL;
}

/* Others take its reports, and drop them for lack of a context. */
static void *make_and_remove(void *context)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	(void)context;
	attributes.capacity = 1;
	while (!atomic_load(&is_over)) {
		CHECK_EQ(rlq_queue_create(directory, "passing", &attributes), 1);
		CHECK_EQ(rlq_watch_arm(watch, "passing", NULL), 0);
		CHECK_EQ(rlq_queue_remove(directory, "passing"), 0);
		CHECK(rlq_watch_disarm(watch, "passing") >= 0);
		CHECK_EQ(rlq_watch_arm(watch, "passing", NULL), RLQ_ENOQUEUE);
	}
	return NULL;
}

enum taken_by { BY_POLL, BY_CALL };

static void begin(enum taken_by by)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.capacity = 2 * MESSAGES * PRODUCERS;
	sem_init(&all_is_received, 0, 0);
	os_clock_fake(&now);
	tmpdir_make(path);
	CHECK_EQ(rlq_directory_open(path, &directory), 0);
	/* As an engine does that is prompt: nobody does its work. */
	store_relaxed(&directory->seg.engine->awake_by_ms, now.boot_ms + 1);
	CHECK_EQ(by == BY_CALL ? rlq_watch_open_calling(directory, take_all, NULL, &watch)
			       : rlq_watch_open(directory, &watch),
		 0);
	for (int i = 0; i < QUEUES; i++) {
		snprintf(names[i], sizeof(names[i]), "q%d", i);
		CHECK_EQ(rlq_queue_create(directory, names[i], &attributes), 1);
	}
	open_all(called.queues);
	for (int i = 0; i < QUEUES; i++)
		CHECK_EQ(rlq_watch_arm(watch, names[i], names[i]), 0);
}

static void end(void)
{
	rlq_watch_close(watch);
	close_all(called.queues);
	rlq_directory_close(directory);
	tmpdir_remove(path);
}

static pthread_t start(void *(*run)(void *), uintptr_t number)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, (void *)(number + 1)), 0);
	return thread;
}

static void end_receivers(void)
{
	struct rlq_queue *queue;

	CHECK_EQ(rlq_queue_open(directory, names[0], &queue), 0);
	while (atomic_load(&receivers_left) > 0) {
		CHECK_EQ(rlq_send(queue, "end", 3, NULL, NULL), 0);
		sched_yield();
	}
	rlq_queue_close(queue);
}

static void run(enum taken_by by, bool is_meddled_with)
{
	pthread_t threads[PRODUCERS + TAKERS + RECEIVERS + 2];
	uint32_t count = 0;

	begin(by);
	receivers_left = RECEIVERS;
	for (uintptr_t i = 0; by == BY_POLL && i < TAKERS; i++)
		threads[count++] = start(take, i);
	for (uintptr_t i = 0; i < PRODUCERS; i++)
		threads[count++] = start(produce, i);
	for (uintptr_t i = 0; i < RECEIVERS; i++)
		threads[count++] = start(wait_at_first, i);
	if (is_meddled_with) {
		threads[count++] = start(meddle, 0);
		threads[count++] = start(make_and_remove, 0);
	}
	while (sem_wait(&all_is_received) < 0) /* the watchdog ends us if one is left behind */
		;
	CHECK_EQ(received, PRODUCERS * MESSAGES);
	atomic_store(&is_over, true);
	end_receivers();
	while (count > 0)
		pthread_join(threads[--count], NULL);
	CHECK(reports > 0);
	end();
}

CASE(all_that_is_sent_is_received)
{
	sleep_without_end();
	run(BY_POLL, false);
}

CASE(all_that_is_sent_is_received_in_slices)
{
	os_sys.futex_waitv = refuse;
	run(BY_POLL, false);
}

CASE(all_that_is_sent_is_received_while_queues_are_disarmed_and_removed)
{
	sleep_without_end();
	run(BY_POLL, true);
}

CASE(all_that_is_sent_is_received_by_who_is_called)
{
	sleep_without_end();
	run(BY_CALL, true);
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
