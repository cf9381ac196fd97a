/* A watch is woken, and wakes others. Here sleeps end by a wake-up alone: a test in which one is missing hangs, and
 * fails by its timeout. So an engine seems to be prompt, for nobody to do its work. */
#include "client/watch.h"
#include "kmod-free/sysops.h"
#include "ring/event.h"
#include "tests/support/child.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static long (*real_futex)(const _Atomic uint32_t *, int, uint32_t, const struct timespec *, uint32_t);
static long (*real_waitv)(const void *, uint32_t, uint32_t, const struct timespec *, clockid_t);
static _Atomic pid_t *watching; /* the thread that is about to sleep for many, and for one; in children too */
static _Atomic pid_t *receiving;
static _Atomic int sleeps; /* for many */

static long futex_without_end(const _Atomic uint32_t *word, int operation, uint32_t value,
			      const struct timespec *end, uint32_t bits)
{
	long result;

	if (operation != FUTEX_WAIT_BITSET)
		return real_futex(word, operation, value, end, bits);
	atomic_store(receiving, gettid());
	result = real_futex(word, operation, value, NULL, bits);
	atomic_store(receiving, 0);
	return result;
}

static long waitv_without_end(const void *words, uint32_t count, uint32_t flags, const struct timespec *end,
			      clockid_t clock)
{
	long result;

	(void)end;
	atomic_fetch_add(&sleeps, 1);
	atomic_store(watching, gettid());
	result = real_waitv(words, count, flags, NULL, clock);
	atomic_store(watching, 0);
	return result;
}

static struct rlq_watch *watch;
static struct rlq_queue *queue;

static void set_up(void)
{
	static _Atomic uint32_t zero;
	struct os_futex_awaited word = os_futex_await(&zero, 1);

	watching = shared_memory(sizeof(*watching));
	receiving = shared_memory(sizeof(*receiving));
	real_futex = os_sys.futex;
	real_waitv = os_sys.futex_waitv;
	if (real_waitv(&word, 1, 0, NULL, CLOCK_MONOTONIC) != -1 || errno != EAGAIN)
		cr_skip_test("no futex_waitv here");
	os_sys.futex = futex_without_end;
	os_sys.futex_waitv = waitv_without_end;
	queues_begin();
	queue = queue_make("q", NULL);
	store_relaxed(&queues_directory()->seg.engine->awake_by_ms, boot_now() + 1000);
	cr_assert_eq(rlq_watch_open(queues_directory(), &watch), 0);
}

static void tear_down(void)
{
	rlq_watch_close(watch);
	queues_end();
}

TestSuite(watch_wakes, .init = set_up, .fini = tear_down, .timeout = 60);

static void arm(const char *name)
{
	cr_assert_eq(rlq_watch_arm(watch, name, NULL), 0);
}

static void next_report_is(const char *name)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};
	struct rlq_watch_report report;

	cr_assert_eq(poll(&readable, 1, -1), 1);
	cr_assert_eq(rlq_watch_take(watch, &report, 1), 1);
	cr_assert_str_eq(report.name, name);
}

/* In the kernel. */
static void await_sleep(_Atomic pid_t *who)
{
	for (char state = '\0'; state != 'S'; sched_yield()) {
		pid_t thread = atomic_load(who);
		char path[64];
		FILE *file;

		if (thread == 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", thread);
		file = fopen(path, "r");
		if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = '\0';
		if (file)
			fclose(file);
	}
}

/* Once it was woken and has gone to sleep again, all is reported that was to be. */
static bool is_readable(void)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};

	return poll(&readable, 1, 0) == 1;
}

static void *receive_and_wait(void *ret_count)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *own;
	struct rlq_message message;

	options.wait_ms = INT64_MAX;
	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &own), 0);
	*(int *)ret_count = rlq_receive(own, &message, 1, &options);
	rlq_queue_close(own);
	return NULL;
}

/* ---- being woken ------------------------------------------------------------------------------ */

Test(watch_wakes, shouldWakeForEachQueueAndEachArm)
{
	struct rlq_queue *second = queue_make("second", NULL);

	for (int i = 0; i < 3; i++) {
		arm("q");
		await_sleep(watching);
		arm("second"); /* while it sleeps */
		await_sleep(watching);
		send_text(second, "b");
		next_report_is("second");
		await_sleep(watching);
		send_text(queue, "a");
		next_report_is("q");
	}
}

Test(watch_wakes, shouldReportWhatWasSentBeforeItSlept)
{
	for (int i = 0; i < 1000; i++) {
		arm("q");
		send_text(queue, "a");
		next_report_is("q");
	}
}

/* Disarmed and armed again while its worker sleeps on it: as before, or by another ticket. */
Test(watch_wakes, shouldWakeForAnArmWhileItSleepsOnTheQueue)
{
	arm("q");
	await_sleep(watching);
	cr_assert_eq(rlq_watch_disarm(watch, "q"), 1);
	arm("q");
	send_text(queue, "a");
	next_report_is("q");
	arm("q");
	await_sleep(watching);
	cr_assert_eq(rlq_watch_disarm(watch, "q"), 1);
	send_text(queue, "b");
	arm("q");
	send_text(queue, "c");
	next_report_is("q");
}

Test(watch_wakes, shouldWakeWhenAQueueIsRemoved)
{
	arm("q");
	await_sleep(watching);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	next_report_is("q");
}

Test(watch_wakes, shouldCloseWhileItSleeps)
{
	arm("q");
	await_sleep(watching);
	rlq_watch_close(watch);
	cr_assert_eq(stat_of(queue).handles, 1);
	cr_assert_eq(rlq_watch_open(queues_directory(), &watch), 0);
}

static _Atomic bool is_called;

static void stay_until_closed(void *context)
{
	bool is_closed = false;

	(void)context;
	for (atomic_store(&is_called, true); !is_closed; sched_yield()) {
		pthread_mutex_lock(&watch->mutex);
		is_closed = watch->is_closed;
		pthread_mutex_unlock(&watch->mutex);
	}
}

Test(watch_wakes, shouldCloseWhileItCalls)
{
	rlq_watch_close(watch);
	cr_assert_eq(rlq_watch_open_calling(queues_directory(), stay_until_closed, NULL, &watch), 0);
	arm("q");
	send_text(queue, "a");
	while (!is_called)
		sched_yield();
	rlq_watch_close(watch);
	cr_assert_eq(rlq_watch_open(queues_directory(), &watch), 0);
}

/* It sleeps until it is time to. */
Test(watch_wakes, shouldWakeForAQueueThatIsToBeClosedLater)
{
	int before;

	arm("q");
	send_text(queue, "a");
	while (!is_readable())
		sched_yield();
	await_sleep(watching);
	before = atomic_load(&sleeps);
	next_report_is("q");
	while (atomic_load(&sleeps) == before)
		sched_yield();
}

/* ---- waking others ---------------------------------------------------------------------------- */

static pthread_t start_receiver(int *ret_count)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, receive_and_wait, ret_count), 0);
	await_sleep(receiving);
	return thread;
}

/* Of two that sleep, the kernel wakes the one who came first. */
Test(watch_wakes, shouldNotStrandAMessageThatItsUserDoesNotReceive)
{
	pthread_t receiver;
	int count = 0;

	arm("q");
	await_sleep(watching);
	receiver = start_receiver(&count);
	send_text(queue, "a");
	pthread_join(receiver, NULL);
	cr_assert_eq(count, 1);
	next_report_is("q");
}

Test(watch_wakes, shouldNotStrandAMessageWhenItWasDisarmed)
{
	pthread_t receiver;
	int count = 0;

	arm("q");
	await_sleep(watching);
	receiver = start_receiver(&count);
	cr_assert_eq(rlq_watch_disarm(watch, "q"), 1);
	send_text(queue, "a");
	pthread_join(receiver, NULL);
	cr_assert_eq(count, 1);
	await_sleep(watching);
	cr_assert_not(is_readable());
}

Test(watch_wakes, shouldPassAWakeUpFromWatchToWatch)
{
	struct rlq_watch *first = watch, *second;

	cr_assert_eq(rlq_watch_open(queues_directory(), &second), 0);
	arm("q");
	await_sleep(watching);
	atomic_store(watching, 0);
	watch = second;
	arm("q");
	await_sleep(watching);
	send_text(queue, "a");
	next_report_is("q");
	watch = first;
	next_report_is("q");
	rlq_watch_close(second);
}

/* ---- the killed ------------------------------------------------------------------------------- */

static void watch_until_killed(void *context)
{
	struct rlq_directory *directory;

	(void)context;
	cr_assert_eq(rlq_directory_open(queues_path(), &directory), 0);
	cr_assert_eq(rlq_watch_open(directory, &watch), 0);
	arm("q");
	pause();
}

Test(watch_wakes, shouldLeaveNothingBehindThatHarms)
{
	pid_t child = child_start(watch_until_killed, NULL);
	pthread_t receiver;
	int count = 0;

	await_sleep(watching);
	child_signal(child, SIGKILL);
	cr_assert(child_was_killed(child_wait(child), SIGKILL));
	atomic_store(watching, 0);
	cr_assert(event_has_sleepers(&queue->seg->header->consumers));
	send_text(queue, "a");
	cr_assert_not(event_has_sleepers(&queue->seg->header->consumers), "one system call, and it is gone");
	receive_one(queue);
	receiver = start_receiver(&count);
	arm("q");
	await_sleep(watching);
	send_text(queue, "b");
	pthread_join(receiver, NULL);
	cr_assert_eq(count, 1);
}
