/* Producers, consumers and an engine, which are killed and stopped at random moments; then a checker looks
 * at what each of them wrote down.
 *
 * In rounds of a second: all work on one queue with a DLQ, standard or FIFO, while the driver kills, restarts,
 * stops and continues them. At the end of a round all are ended, half of them by SIGKILL; a survivor takes out
 * every message, nothing may be left behind, and the history must be sound (tests/support/history.h).
 *
 * stress_kill [--seconds N] [--seed S]; exit 0, 1, or 77 under ThreadSanitizer. */
#include "tests/stress/kill_roles.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"
#include "tests/support/leaks.h"
#include "tests/support/sanitizer.h"
#include "tests/support/shared.h"
#include "tests/support/tally.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
enum {
	DEFAULT_SECONDS = 10,
	LOG_EVENTS = 200000,
	ROUND_MS = 1000,
	WATCHDOG_S = 60, /* of one round */
	DRAIN_CALLS_MAX = 100000,
	WINDOW_MS = 20000, /* of deduplication: longer than a round */
};

static struct stage *stage;
static struct role role[ROLE_COUNT];
static pid_t pid[ROLE_COUNT];
static bool is_stopped[ROLE_COUNT];
static uint64_t random_state;
static uint32_t fifo_rounds;
static uint64_t kills, fifo_kills, stops, messages, received, redelivered, dead;

static uint64_t one_of(uint64_t count)
{
	return (random_next(&random_state) >> 16) % count;
}

/* ---- driving ---------------------------------------------------------------------------------- */

static void start(uint32_t number)
{
	role[number] = (struct role){.stage = stage, .number = number, .random = random_next(&random_state)};
	pid[number] = child_start(role_main, &role[number]);
	is_stopped[number] = false;
}

/* Waits for a process that was killed, or told to end. */
static void collect(uint32_t number)
{
	int status = child_wait(pid[number]);

	pid[number] = 0;
	if (!child_was_killed(status, SIGKILL) && !child_exited(status, 0)) {
		printf("process %u: %s: %s\n", number, child_status_text(status), stage->failure);
		exit(1);
	}
}

static void disturb(bool has_engine)
{
	uint32_t number = (uint32_t)one_of(has_engine ? ROLE_COUNT : ROLE_WORKERS);

	if (is_stopped[number]) {
		child_signal(pid[number], SIGCONT);
		is_stopped[number] = false;
	} else if (one_of(3) == 0) {
		child_signal(pid[number], SIGSTOP);
		is_stopped[number] = true;
		stops++;
	} else {
		child_signal(pid[number], SIGKILL);
		collect(number);
		kills++;
		fifo_kills += stage->is_fifo;
		start(number);
	}
}

static void end_all(bool has_engine)
{
	uint32_t count = has_engine ? ROLE_COUNT : ROLE_WORKERS;

	__atomic_store_n(&stage->is_ending, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < count; i++) {
		if (is_stopped[i])
			child_signal(pid[i], SIGCONT);
		if (i == ROLE_ENGINE || one_of(2) == 0)
			child_signal(pid[i], SIGKILL);
	}
	for (uint32_t i = 0; i < count; i++)
		collect(i);
	__atomic_store_n(&stage->is_ending, 0, __ATOMIC_RELEASE);
}

/* ---- the end of a round ----------------------------------------------------------------------- */

static uint64_t depth(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	if (rlq_queue_stat(queue, &stat) != 0)
		stage_fail(stage, "stat");
	return stat.visible + stat.in_flight + stat.delayed;
}

static void drain_one(struct desk *desk, bool is_dlq)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message[64];
	int count;

	options.visibility_ms = 10000;
	options.wait_ms = 0;
	count = desk_receive(desk, is_dlq, message, 64, &options);
	for (int i = 0; i < count; i++)
		desk_delete(desk, is_dlq, &message[i]);
}

/* Takes everything out and looks whether anything stays. */
static void drain(void *context)
{
	struct desk desk;
	const char *left;
	int calls = 0;

	(void)context;
	desk_open(stage, ROLE_COUNT, 1, &desk);
	for (; depth(desk.q) + depth(desk.dlq) > 0; calls++) {
		if (calls == DRAIN_CALLS_MAX)
			stage_fail(stage, "%llu messages cannot be taken out",
				   (unsigned long long)(depth(desk.q) + depth(desk.dlq)));
		drain_one(&desk, false);
		drain_one(&desk, true);
		if (calls % 16 == 15) {
			usleep(1000);
			leaks_sweep(desk.q);
			leaks_sweep(desk.dlq);
		}
	}
	for (int i = 0; i < 3; i++) {
		leaks_sweep(desk.q);
		leaks_sweep(desk.dlq);
	}
	left = leaks_find(desk.q);
	if (left)
		stage_fail(stage, "q: %s", left);
	left = leaks_find(desk.dlq);
	if (left)
		stage_fail(stage, "dlq: %s", left);
}

static void count_events(const struct history *history)
{
	for (uint32_t i = 0; i < history->log_count; i++) {
		for (uint32_t at = 0; at < history->log[i]->count; at++) {
			const struct history_event *event = &history->log[i]->event[at];

			messages += event->kind == HISTORY_SEND && event->outcome == HISTORY_DONE;
			received += event->kind == HISTORY_RECEIVE;
			redelivered += event->kind == HISTORY_RECEIVE && event->receive_count > 1;
			dead += event->kind == HISTORY_RECEIVE && event->is_dlq;
		}
	}
}

static bool round_is_sound(void)
{
	struct history history = {.receives_max = ROLE_RECEIVES_MAX,
				  .is_fifo = stage->is_fifo,
				  .dedup_window_ns = WINDOW_MS * INT64_C(1000000)};
	pid_t drainer = child_start(drain, NULL);
	int status = child_wait(drainer);
	uint64_t faults;

	if (!child_exited(status, 0)) {
		printf("draining: %s: %s\n", child_status_text(status), stage->failure);
		return false;
	}
	for (uint32_t i = 0; i <= ROLE_COUNT; i++)
		history.log[history.log_count++] = stage->log[i];
	count_events(&history);
	faults = history_judge(&history, stdout);
	if (faults > 0)
		printf("%llu faults in the history\n", (unsigned long long)faults);
	for (uint32_t i = 0; i <= ROLE_COUNT; i++)
		history_log_clear(stage->log[i]);
	return faults == 0;
}

/* ---- rounds ----------------------------------------------------------------------------------- */

static void make_pair(struct rlq_directory *directory, bool is_fifo)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int error;

	attributes.capacity = 20000;
	if (is_fifo) {
		attributes.type = RLQ_FIFO;
		attributes.dedup_window_ms = WINDOW_MS;
	}
	error = rlq_queue_create(directory, stage_queue(true, is_fifo), &attributes);
	attributes.receives_max = ROLE_RECEIVES_MAX;
	attributes.overdue_ms = 20;
	strcpy(attributes.dlq, stage_queue(true, is_fifo));
	if (error == 1)
		error = rlq_queue_create(directory, stage_queue(false, is_fifo), &attributes);
	if (error != 1) {
		printf("create: %s\n", rlq_strerror(error));
		exit(1);
	}
}

static void make_queues(void)
{
	struct rlq_directory *directory;
	int error = rlq_directory_open(stage->directory, &directory);

	if (error) {
		printf("open: %s\n", rlq_strerror(error));
		exit(1);
	}
	make_pair(directory, false);
	make_pair(directory, true);
	rlq_directory_close(directory);
}

static bool run_round(void)
{
	bool has_engine = one_of(2);
	int64_t end_ns = history_now_ns() + ROUND_MS * INT64_C(1000000);

	watchdog(WATCHDOG_S);
	stage->is_fifo = one_of(2);
	stage->round++;
	fifo_rounds += stage->is_fifo;
	for (uint32_t i = 0; i < (has_engine ? ROLE_COUNT : ROLE_WORKERS); i++)
		start(i);
	while (history_now_ns() < end_ns) {
		usleep((useconds_t)(500 + one_of(8000)));
		disturb(has_engine);
	}
	end_all(has_engine);
	return round_is_sound();
}

int main(int count, char **values)
{
	struct test_arguments arguments = test_arguments_read(count, values, DEFAULT_SECONDS);
	int64_t end_ns = history_now_ns() + (int64_t)arguments.seconds * NS_PER_S;
	uint32_t rounds = 0;
	bool is_sound = true;

	if (UNDER_THREAD_SANITIZER)
		return 77;
	random_state = arguments.seed;
	stage = shared_memory(sizeof(*stage));
	tmpdir_make(stage->directory);
	for (uint32_t i = 0; i <= ROLE_COUNT; i++)
		stage->log[i] = history_log_new(LOG_EVENTS);
	make_queues();
	for (; is_sound && history_now_ns() < end_ns; rounds++)
		is_sound = run_round();
	tmpdir_remove(stage->directory);
	printf("%u rounds, %u of them on FIFO queues, %llu kills, %llu stops; %llu messages sent, %llu received "
	       "(%llu again, %llu from the "
	       "DLQ)\n",
	       rounds, fifo_rounds, (unsigned long long)kills, (unsigned long long)stops,
	       (unsigned long long)messages, (unsigned long long)received, (unsigned long long)redelivered,
	       (unsigned long long)dead);
	tally("kills", kills);
	tally("fifo_kills", fifo_kills);
	tally("stops", stops);
	tally("messages", messages);
	return !is_sound;
}
