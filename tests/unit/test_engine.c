/* The hosted engine, in a thread, under a clock that only the test moves. */
#include "ringlease-engine.h"

#include "client/internal.h"
#include "kmod-free/futex.h"
#include "ring/event.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct host {
	struct rlq_engine *engine;
	pthread_t thread;
	atomic_int serving, standing_by, refusals;
	sem_t served; /* as it was told */
	int result;
};

static struct host hosts[2];

static void set_up(void)
{
	queues_begin();
}

TestSuite(engine, .init = set_up, .fini = queues_end, .timeout = 60);

static void note(void *context, const char *text)
{
	struct host *host = context;

	if (strncmp(text, "serving", 7) == 0)
		atomic_store(&host->serving, 1);
	if (strstr(text, "not served"))
		atomic_fetch_add(&host->refusals, 1);
	if (strstr(text, "standing by"))
		atomic_store(&host->standing_by, 1);
}

static void is_served(void *context)
{
	cr_assert(rlq_directory_has_engine(queues_directory()));
	sem_post(&((struct host *)context)->served);
}

static void *run(void *context)
{
	struct host *host = context;

	host->result = rlq_engine_run(host->engine);
	return NULL;
}

static void start(struct host *host)
{
	struct rlq_engine_options options = RLQ_ENGINE_OPTIONS_INIT;

	options.log = note;
	options.context = host;
	options.is_served = is_served;
	sem_init(&host->served, 0, 0);
	cr_assert_eq(rlq_engine_open(queues_path(), &options, &host->engine), 0);
	cr_assert_eq(pthread_create(&host->thread, NULL, run, host), 0);
}

static void stop(struct host *host)
{
	rlq_engine_stop(host->engine);
	pthread_join(host->thread, NULL);
	cr_assert_eq(host->result, 0);
	rlq_engine_close(host->engine);
}

/* The suite's timeout is the watchdog. */
#define AWAIT(condition)                                                                                           \
	while (!(condition))                                                                                       \
	sched_yield()

Test(engine, shouldSayThatItServesAndThatItDoesNotAnyMore)
{
	cr_assert_not(rlq_directory_has_engine(queues_directory()));
	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	stop(&hosts[0]);
	cr_assert_not(rlq_directory_has_engine(queues_directory()));
}

/* Until the engine has said so often when it will be awake again. */
static void engine_turns(struct rlq_queue *queue, int count)
{
	for (int i = 0; i < count; i++) {
		time_passes(1000);
		AWAIT(load_seq(&queue->seg->directory->engine->awake_by_ms) > boot_now());
	}
}

Test(engine, shouldTellOnceThatTheDirectoryIsServed)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	int count;

	start(&hosts[0]);
	sem_wait(&hosts[0].served);
	start(&hosts[1]);
	sem_wait(&hosts[1].served);
	cr_expect(atomic_load(&hosts[1].standing_by), "by the other one");
	stop(&hosts[0]);
	time_passes(2000);
	AWAIT(atomic_load(&hosts[1].serving));
	engine_turns(queue, 3);
	sem_getvalue(&hosts[1].served, &count);
	cr_expect_eq(count, 0);
	stop(&hosts[1]);
}

/* It sleeps, with the lock and a promise. */
static int pretend_another(struct rlq_queue *queue, uint64_t awake_by_ms)
{
	int lock = openat(queue->seg->directory->fd, ".engine", O_RDWR | O_CLOEXEC);

	cr_assert_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
	store_seq(&queue->seg->directory->engine->awake_by_ms, awake_by_ms);
	return lock;
}

Test(engine, shouldLeaveThePromiseOfAnotherAloneWhenItOnlyStoodBy)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t awake_by_ms = boot_now() + 1000;
	int lock = pretend_another(queue, awake_by_ms);

	start(&hosts[0]);
	sem_wait(&hosts[0].served);
	stop(&hosts[0]);
	cr_expect_eq(load_seq(&queue->seg->directory->engine->awake_by_ms), awake_by_ms);
	close(lock);
}

Test(engine, shouldEndLeasesAndDelaysWhileNoClientCalls)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct slot *slots = queue->seg->ring[0].slots;
	struct rlq_message message;

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	send_text(queue, "a");
	cr_assert_eq(receive_for(queue, &message, 300), 1);
	cr_assert_eq(send_delayed(queue, "b", 600), 0);
	time_passes(300 + LEASE_SLACK_MS);
	AWAIT(word_state(slot_read(&slots[0])) == SLOT_READY);
	cr_assert_eq(word_state(slot_read(&slots[1])), SLOT_DELAYED);
	time_passes(300);
	AWAIT(word_state(slot_read(&slots[1])) == SLOT_READY);
	stop(&hosts[0]);
}

Test(engine, shouldServeAQueueThatIsMadeWhileItRuns)
{
	struct rlq_queue *queue;

	start(&hosts[0]);
	AWAIT(atomic_load(&hosts[0].serving));
	queue = queue_make("later", NULL);
	send_text(queue, "a");
	receive_one(queue);
	/* Time goes on as long as it takes: the engine looks for queues once a second. */
	for (struct slot *slot = queue->seg->ring[0].slots; word_state(slot_read(slot)) != SLOT_READY;
	     sched_yield())
		time_passes(1);
	stop(&hosts[0]);
}

Test(engine, shouldSayOnceWhyItDoesNotServeAQueueAndTryAgain)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char name[8];

	/* Damaged, and later mended: nothing of which shows in the directory. */
	queue->seg->header->identity.magic[0] ^= 1;
	start(&hosts[0]);
	AWAIT(atomic_load(&hosts[0].refusals) == 1);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "q%d", i);
		queue_make(name, NULL);
		engine_turns(queue, 2);
	}
	/* It lists again what has changed just now. */
	cr_assert_eq(futimens(queue->seg->directory->fd, long_ago), 0);
	engine_turns(queue, 2);
	cr_expect_eq(atomic_load(&hosts[0].refusals), 1, "once for a cause");
	queue->seg->header->identity.magic[0] ^= 1;
	send_text(queue, "a");
	receive_one(queue);
	engine_turns(queue, 62 + 30);
	cr_expect_eq(word_state(slot_read(&queue->seg->ring[0].slots[0])), SLOT_READY);
	stop(&hosts[0]);
}

Test(engine, shouldMoveAnOverdueMessageToItsDlq)
{
	struct rlq_queue *dlq, *queue = queue_with_dlq("q", 1, &dlq);

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	send_text(queue, "poison");
	receive_one(queue);
	time_passes(1000 + LEASE_SLACK_MS);
	AWAIT(word_state(slot_read(queue->seg->ring[0].slots)) == SLOT_READY);
	while (stat_of(dlq).visible == 0) {
		time_passes(10);
		sched_yield();
	}
	stop(&hosts[0]);
}

Test(engine, shouldForgetAQueueThatIsRemovedAndServeItsSuccessor)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	queue = queue_make("q", NULL);
	send_text(queue, "a");
	receive_one(queue);
	for (struct slot *slot = queue->seg->ring[0].slots; word_state(slot_read(slot)) != SLOT_READY;
	     sched_yield())
		time_passes(1);
	stop(&hosts[0]);
}

Test(engine, shouldStandByWhileAnotherServesAndTakeOver)
{
	start(&hosts[0]);
	AWAIT(atomic_load(&hosts[0].serving));
	AWAIT(rlq_directory_has_engine(queues_directory()));
	start(&hosts[1]);
	AWAIT(atomic_load(&hosts[1].standing_by));
	cr_assert_not(atomic_load(&hosts[1].serving));
	stop(&hosts[0]);
	while (!atomic_load(&hosts[1].serving)) {
		time_passes(1);
		sched_yield();
	}
	stop(&hosts[1]);
}

Test(engine, shouldBeStoppedWhileItStandsBy)
{
	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	start(&hosts[1]);
	AWAIT(atomic_load(&hosts[1].standing_by));
	rlq_engine_stop(hosts[1].engine);
	time_passes(2000);
	pthread_join(hosts[1].thread, NULL);
	rlq_engine_close(hosts[1].engine);
	stop(&hosts[0]);
}

Test(engine, shouldBeStoppedBeforeItRuns)
{
	struct rlq_engine *engine;

	cr_assert_eq(rlq_engine_open(queues_path(), NULL, &engine), 0);
	rlq_engine_stop(engine);
	cr_assert_eq(rlq_engine_run(engine), 0);
	rlq_engine_close(engine);
}

/* A message, and a sleeper whom nobody woke for it: who was woken has died. Returns the sleeper's ticket. */
static uint32_t stranded(struct rlq_queue *queue)
{
	send_text(queue, "stranded");
	return event_prepare(&queue->seg->header->consumers);
}

/* How long until the sleeper would be woken. */
static uint64_t slept_ms(struct rlq_queue *queue, uint32_t ticket)
{
	uint64_t start_ms = boot_now();

	while (load32_seq(&queue->seg->header->consumers) == ticket && boot_now() < start_ms + 3000) {
		time_passes(1);
		/* The engine's turn is over when it says that it will be awake later than now. */
		AWAIT(load_seq(&queue->seg->directory->engine->awake_by_ms) > boot_now());
	}
	return boot_now() - start_ms;
}

Test(engine, shouldWakeAnotherSleeperWithinASecondWhenTheWokenOneDied)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	for (int i = 0; i < 3; i++)
		cr_expect_leq(slept_ms(queue, stranded(queue)), 1000, "and those who die one after the other");
	stop(&hosts[0]);
}

Test(engine, shouldWakeAnotherSleeperWhereverTheHeadWasLastWritten)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	for (int i = 0; i < CURSOR_LAG_MAX + 3; i++) {
		cr_expect_leq(slept_ms(queue, stranded(queue)), 1000, "after %d messages", i);
		message = receive_one(queue);
		cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	}
	stop(&hosts[0]);
}

Test(engine, shouldWakeAnotherSleeperAtItsNextLookWhateverItIsFor)
{
	struct rlq_queue *queue = queue_make("q", NULL), *other = queue_make("other", NULL);

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	slept_ms(queue, stranded(queue)); /* its look is just over */
	cr_assert_eq(send_delayed(other, "due", 50), 0);
	cr_expect_leq(slept_ms(queue, stranded(queue)), 50 + LEASE_SLACK_MS + 1);
	stop(&hosts[0]);
}

Test(engine, shouldFreeWhatTheDeadHeldOnceASecond)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	start(&hosts[0]);
	AWAIT(rlq_directory_has_engine(queues_directory()));
	/* A row of a process that does not exist. */
	store_seq(&queue->seg->rows[5].user.high, UINT64_C(0x1234567812345678));
	store_seq(&queue->seg->rows[5].user.low, 3);
	while (load_seq(&queue->seg->rows[5].user.low) & 1) {
		time_passes(1);
		sched_yield();
	}
	stop(&hosts[0]);
}
