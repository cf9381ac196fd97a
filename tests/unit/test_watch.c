/* Watching queues: what is reported, and when. Each test runs twice: where the kernel waits for many words, and
 * where it does not. Under a clock that the test moves; a watch then looks every millisecond of real time. That it
 * is woken, and wakes others, is test_watch_wakes.c's. */
#include "client/watch.h"
#include "kmod-free/sysops.h"
#include "ringlease-engine.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>

enum {
	LEASE_MS = 1000,
	MANY = 300, /* queues; more than two calls of the kernel could wait for */
};

static struct rlq_watch *watch;
static struct rlq_queue *queue;
static struct rlq_message message;
static int tag, other_tag;

static long refuse(const void *words, uint32_t count, uint32_t flags, const struct timespec *end, clockid_t clock)
{
	(void)words, (void)count, (void)flags, (void)end, (void)clock;
	errno = ENOSYS;
	return -1;
}

static void run(void (*test)(void))
{
	queues_begin();
	queue = queue_make("q", NULL);
	cr_assert_eq(rlq_watch_open(queues_directory(), &watch), 0);
	test();
	rlq_watch_close(watch);
	queues_end();
}

#define WATCH_TEST(name)                                                                                           \
	static void test_##name(void);                                                                             \
	Test(watch, name, .timeout = 60)                                                                           \
	{                                                                                                          \
		run(test_##name);                                                                                  \
	}                                                                                                          \
	Test(watch_in_slices, name, .timeout = 60)                                                                 \
	{                                                                                                          \
		os_sys.futex_waitv = refuse;                                                                       \
		run(test_##name);                                                                                  \
	}                                                                                                          \
	static void test_##name(void)

static bool is_readable(void)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};

	return poll(&readable, 1, 0) == 1;
}

/* Waits for the next report, as long as the test may take. */
static struct rlq_watch_report next_report(void)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};
	struct rlq_watch_report report;

	cr_assert_eq(poll(&readable, 1, -1), 1);
	cr_assert_eq(rlq_watch_take(watch, &report, 1), 1);
	return report;
}

static void arm(const char *name, void *context)
{
	cr_assert_eq(rlq_watch_arm(watch, name, context), 0);
}

static void pretend_engine(void)
{
	store_relaxed(&queues_directory()->seg.engine->awake_by_ms, boot_now() + LEASE_MS);
}

/* One worker looks at all of its queues when it wakes: what it has to report of others, it has reported with this.
 */
static void nothing_else_is_reported(void)
{
	struct rlq_queue *last = queue_make("last", NULL);

	arm("last", &other_tag);
	send_text(last, "a");
	cr_assert_str_eq(next_report().name, "last");
	cr_assert_not(is_readable());
	cr_assert_eq(rlq_watch_take(watch, &(struct rlq_watch_report){0}, 1), 0);
}

/* ---- reports ---------------------------------------------------------------------------------- */

WATCH_TEST(shouldReportAMessageOnce)
{
	struct rlq_watch_report report;

	arm("q", &tag);
	cr_assert_not(is_readable());
	send_text(queue, "a");
	report = next_report();
	cr_expect_eq(report.context, &tag);
	cr_expect_str_eq(report.name, "q");
	cr_expect_not(report.removed);
	cr_expect_not(is_readable(), "all reports are taken");
	send_text(queue, "b");
	nothing_else_is_reported();
	arm("q", &tag);
	send_text(queue, "c");
	cr_expect_str_eq(next_report().name, "q");
}

WATCH_TEST(shouldNotReportWhatWasThereBefore)
{
	send_text(queue, "a");
	arm("q", &tag);
	nothing_else_is_reported();
	cr_expect_eq(receive_now(queue, &message, 1), 1);
}

/* Another receive is between the two halves of taking a summary away (ring/bitmap.h), for as long as it is stopped.
 */
WATCH_TEST(shouldLetAReceiveSeeAllThatIsThere)
{
	const struct bitmap *again = &queue->seg->ring[0].again;

	pretend_engine();
	send_text(queue, "a");
	message = receive_one(queue);
	cr_assert_eq(rlq_release(queue, &message.receipt, 0), 0);
	store_seq(again->level[again->levels - 1], 0);
	cr_expect_eq(receive_now(queue, &message, 1), 0, "a look in passing");
	arm("q", &tag);
	cr_expect_eq(receive_now(queue, &message, 1), 1);
}

WATCH_TEST(shouldStayReadableWhileReportsWait)
{
	struct rlq_queue *second = queue_make("second", NULL);
	struct rlq_watch_report reports[3];

	arm("q", &tag);
	arm("second", &other_tag);
	send_text(queue, "a");
	while (!is_readable())
		sched_yield();
	send_text(second, "b");
	cr_assert_eq(rlq_watch_take(watch, reports, 1), 1);
	cr_expect_eq(reports[0].context, &tag, "the oldest first");
	cr_expect_eq(next_report().context, &other_tag);
	cr_expect_eq(rlq_watch_take(watch, reports, 3), 0);
}

WATCH_TEST(shouldReportADelayedMessageWhenItIsDue)
{
	cr_assert_eq(send_delayed(queue, "a", LEASE_MS), 0);
	arm("q", &tag);
	nothing_else_is_reported();
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	cr_expect_str_eq(next_report().name, "q");
	cr_expect_eq(receive_now(queue, &message, 1), 1);
}

WATCH_TEST(shouldReportALeaseThatHasEnded)
{
	send_text(queue, "a");
	cr_assert_eq(receive_for(queue, &message, LEASE_MS), 1);
	arm("q", &tag);
	nothing_else_is_reported();
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	cr_expect_str_eq(next_report().name, "q");
	cr_expect_eq(receive_now(queue, &message, 1), 1);
}

WATCH_TEST(shouldReportWhatWasBehindAnotherOfItsGroup)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_queue *fifo = fifo_make("q.fifo", NULL, true);

	options.group = "g";
	cr_assert_eq(rlq_send(fifo, "1", 1, &options, NULL), 0);
	cr_assert_eq(rlq_send(fifo, "2", 1, &options, NULL), 0);
	message = receive_one(fifo);
	arm("q.fifo", &tag);
	cr_expect_eq(receive_now(fifo, &message, 1), 0);
	nothing_else_is_reported();
	cr_assert_eq(rlq_delete(fifo, &message.receipt), 0);
	cr_expect_str_eq(next_report().name, "q.fifo");
	cr_expect_eq(receive_now(fifo, &message, 1), 1);
}

static void *serve(void *engine)
{
	rlq_engine_run(engine);
	return NULL;
}

WATCH_TEST(shouldLeaveTheWorkToAnEngineThatIsPrompt)
{
	struct rlq_engine *engine;
	pthread_t thread;

	cr_assert_eq(rlq_engine_open(queues_path(), NULL, &engine), 0);
	cr_assert_eq(pthread_create(&thread, NULL, serve, engine), 0);
	while (!rlq_directory_has_engine(queues_directory()))
		sched_yield();
	send_text(queue, "a");
	cr_assert_eq(receive_for(queue, &message, LEASE_MS), 1);
	arm("q", &tag);
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	cr_expect_str_eq(next_report().name, "q");
	cr_expect_eq(receive_now(queue, &message, 1), 1);
	rlq_engine_stop(engine);
	pthread_join(thread, NULL);
	rlq_engine_close(engine);
}

WATCH_TEST(shouldTakeOverFromAnEngineThatIsLate)
{
	pretend_engine();
	send_text(queue, "a");
	cr_assert_eq(receive_for(queue, &message, LEASE_MS), 1);
	arm("q", &tag);
	time_passes(LEASE_MS + LEASE_SLACK_MS);
	nothing_else_is_reported(); /* it has promised to be there, and is still */
	time_passes(ENGINE_PATIENCE_MS);
	cr_expect_str_eq(next_report().name, "q");
}

/* ---- many ------------------------------------------------------------------------------------- */

static void name_of(char *ret_name, int number)
{
	snprintf(ret_name, RLQ_NAME_MAX, "many-%d", number);
}

static void send_to(const char *name)
{
	struct rlq_queue *handle;

	cr_assert_eq(rlq_queue_open(queues_directory(), name, &handle), 0);
	send_text(handle, name);
	rlq_queue_close(handle);
}

static size_t worker_count(void)
{
	size_t count = 0;

	for (const struct watch_worker *worker = watch->workers; worker; worker = worker->next)
		count++;
	return count;
}

WATCH_TEST(shouldWatchMoreQueuesThanTheKernelWaitsForAtOnce)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	static bool reported[MANY];
	char name[RLQ_NAME_MAX + 1];

	attributes.capacity = 1;
	for (int i = 0; i < MANY; i++) {
		name_of(name, i);
		cr_assert_eq(rlq_queue_create(queues_directory(), name, &attributes), 1);
		arm(name, &reported[i]);
	}
	cr_expect_eq(worker_count(), (MANY + WATCH_QUEUES_MAX - 1) / WATCH_QUEUES_MAX);
	for (int i = 0; i < MANY; i++) {
		name_of(name, i);
		send_to(name);
	}
	for (int i = 0; i < MANY; i++) {
		struct rlq_watch_report report = next_report();
		bool *its = report.context;

		cr_expect_not(*its, "%s was reported twice", report.name);
		*its = true;
		name_of(name, (int)(its - reported));
		cr_expect_str_eq(report.name, name);
	}
	cr_expect_not(is_readable());
}

WATCH_TEST(shouldUseAWorkersRoomAgain)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	char name[RLQ_NAME_MAX + 1];

	attributes.capacity = 1;
	for (int i = 0; i < 2 * WATCH_QUEUES_MAX; i++) {
		name_of(name, i);
		cr_assert_eq(rlq_queue_create(queues_directory(), name, &attributes), 1);
		arm(name, &tag);
		send_to(name);
		cr_expect_str_eq(next_report().name, name);
	}
	cr_expect_eq(worker_count(), 1);
}

/* ---- arm and disarm --------------------------------------------------------------------------- */

WATCH_TEST(shouldReportTheContextOfTheLastArm)
{
	arm("q", &other_tag);
	arm("q", &tag);
	send_text(queue, "a");
	cr_expect_eq(next_report().context, &tag);
	cr_expect_not(is_readable());
}

WATCH_TEST(shouldDropAReportWhenItIsArmedAgain)
{
	arm("q", &other_tag);
	send_text(queue, "a");
	while (!is_readable())
		sched_yield();
	arm("q", &tag);
	cr_expect_not(is_readable());
	send_text(queue, "b");
	cr_expect_eq(next_report().context, &tag);
}

WATCH_TEST(shouldNotReportWhatIsDisarmed)
{
	arm("q", &tag);
	cr_expect_eq(rlq_watch_disarm(watch, "q"), 1);
	cr_expect_eq(rlq_watch_disarm(watch, "q"), 0);
	send_text(queue, "a");
	nothing_else_is_reported();
}

WATCH_TEST(shouldTakeAReportBackWhenItIsDisarmed)
{
	arm("q", &tag);
	send_text(queue, "a");
	while (!is_readable())
		sched_yield();
	cr_expect_eq(rlq_watch_disarm(watch, "q"), 1);
	cr_expect_not(is_readable());
	nothing_else_is_reported();
}

WATCH_TEST(shouldSayWhyItDoesNotArm)
{
	cr_expect_eq(rlq_watch_arm(watch, "no such name", &tag), RLQ_ENAME);
	cr_expect_eq(rlq_watch_arm(watch, "absent", &tag), RLQ_ENOQUEUE);
	cr_expect_eq(rlq_watch_disarm(watch, "no such name"), RLQ_ENAME);
	cr_expect_eq(rlq_watch_disarm(watch, "absent"), 0);
}

/* ---- removal ---------------------------------------------------------------------------------- */

WATCH_TEST(shouldReportThatAQueueIsRemoved)
{
	struct rlq_watch_report report;

	arm("q", &tag);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	report = next_report();
	cr_expect_eq(report.context, &tag);
	cr_expect(report.removed);
	cr_expect_eq(rlq_watch_arm(watch, "q", &tag), RLQ_ENOQUEUE);
}

WATCH_TEST(shouldReportARemovalWhoseRemoverWasKilled)
{
	arm("q", &tag);
	fetch_or_seq(&queue->seg->header->rings, RINGS_REMOVED); /* and nobody is woken */
	cr_expect(next_report().removed);
}

WATCH_TEST(shouldArmTheQueueThatHasTheNameNow)
{
	arm("q", &other_tag);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	queue = queue_make("q", NULL);
	arm("q", &tag); /* whether that was reported or not */
	cr_expect_not(is_readable());
	send_text(queue, "a");
	cr_expect_eq(next_report().context, &tag);
}

WATCH_TEST(shouldNotArmAQueueRemovedWhileItWasKept)
{
	arm("q", &tag);
	cr_expect_eq(rlq_watch_disarm(watch, "q"), 1);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	cr_expect_eq(rlq_watch_arm(watch, "q", &tag), RLQ_ENOQUEUE);
	queue_make("q", NULL);
	cr_expect_eq(rlq_watch_arm(watch, "q", &tag), 0);
}

/* ---- handles ---------------------------------------------------------------------------------- */

WATCH_TEST(shouldKeepAQueueOpenForAWhile)
{
	arm("q", &tag);
	cr_expect_eq(stat_of(queue).handles, 2);
	cr_expect_eq(rlq_watch_disarm(watch, "q"), 1);
	nothing_else_is_reported(); /* the worker has seen it */
	time_passes(WATCH_KEEP_MS - 1);
	arm("last", &tag);
	cr_expect_eq(rlq_watch_disarm(watch, "last"), 1);
	cr_expect_eq(stat_of(queue).handles, 2);
	time_passes(1);
	while (stat_of(queue).handles > 1)
		sched_yield();
}

WATCH_TEST(shouldKeepAQueueOpenThatIsArmed)
{
	arm("q", &tag);
	time_passes(3 * WATCH_KEEP_MS);
	nothing_else_is_reported();
	cr_expect_eq(stat_of(queue).handles, 2);
	send_text(queue, "a");
	cr_expect_eq(next_report().context, &tag);
}

WATCH_TEST(shouldKeepAFewQueuesOpen)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	char name[RLQ_NAME_MAX + 1];

	attributes.capacity = 1;
	for (int i = 0; i <= WATCH_KEEP_MAX; i++) {
		name_of(name, i);
		cr_assert_eq(rlq_queue_create(queues_directory(), name, &attributes), 1);
		arm(name, &tag);
		send_to(name);
		cr_assert_str_eq(next_report().name, name);
	}
	cr_expect_eq(stat_of(queue_again("many-0")).handles, 1, "the oldest is closed");
	cr_expect_eq(stat_of(queue_again("many-1")).handles, 2);
}

WATCH_TEST(shouldGiveItsHandlesBackWhenItIsClosed)
{
	struct rlq_queue *second = queue_make("second", NULL), *third = queue_make("third", NULL);

	arm("q", &tag);
	arm("second", &tag);
	arm("third", &tag);
	send_text(second, "a");
	while (!is_readable())
		sched_yield();
	cr_expect_eq(rlq_watch_disarm(watch, "third"), 1);
	rlq_watch_close(watch); /* one armed, one reported, one kept */
	cr_expect_eq(stat_of(queue).handles, 1);
	cr_expect_eq(stat_of(second).handles, 1);
	cr_expect_eq(stat_of(third).handles, 1);
	rlq_watch_close(NULL);
	cr_assert_eq(rlq_watch_open(queues_directory(), &watch), 0);
}

/* ---- calling ---------------------------------------------------------------------------------- */

static _Atomic int calls;

/* Armed again and what is there received, as a user does, within the call. */
static void take_and_arm(void *context)
{
	struct rlq_watch_report report;

	cr_assert_eq(context, &other_tag);
	if (rlq_watch_take(watch, &report, 1) == 1) {
		cr_assert_eq(report.context, &tag);
		arm(report.name, &tag);
	}
	atomic_fetch_add(&calls, 1);
}

static void leave_it(void *context)
{
	(void)context;
	atomic_fetch_add(&calls, 1);
}

static void watch_by_calls(void (*call)(void *context))
{
	rlq_watch_close(watch);
	cr_assert_eq(rlq_watch_open_calling(queues_directory(), call, &other_tag, &watch), 0);
	cr_assert_eq(rlq_watch_fd(watch), -1);
	arm("q", &tag);
}

static void await_calls(int count)
{
	while (atomic_load(&calls) < count)
		sched_yield();
	cr_assert_eq(calls, count);
}

WATCH_TEST(shouldCallForEachReport)
{
	watch_by_calls(take_and_arm);
	for (int i = 1; i <= 3; i++) {
		send_text(queue, "a");
		await_calls(i);
	}
	cr_expect_eq(rlq_watch_disarm(watch, "q"), 1, "who is called may arm");
}

WATCH_TEST(shouldNotCallAgainForWhatIsNotTaken)
{
	struct rlq_queue *second = queue_make("second", NULL);
	struct rlq_watch_report reports[3];

	watch_by_calls(leave_it);
	arm("second", &other_tag);
	send_text(queue, "a");
	await_calls(1);
	send_text(second, "b");
	await_calls(2);
	cr_expect_eq(rlq_watch_take(watch, reports, 3), 2);
	cr_expect_eq(reports[0].context, &tag);
	cr_expect_eq(reports[1].context, &other_tag);
}
