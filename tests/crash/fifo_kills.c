/* Kills producers and consumers of durable FIFO queues, sync, async, and sync with too little room in the journal,
 * at every named point that they pass, before any store to shared memory, and at any moment, while an engine of its
 * own process journals; and now and then that too, with a reboot or without.
 *
 *   fifo_kills [--seconds N] [--seed S] [POINT]     only at those whose names contain it
 *
 * Another client comes in the place of who was killed, sends again what he had no answer to, with the same
 * deduplication ids, until it is acknowledged, and what was acknowledged once more now and then. All write down
 * what they do, and the histories are judged (tests/support/history.h): each message is there once, in the order of
 * its group, and its number is the first one's, which rises over reboots too. First all points, then draws for N
 * seconds in all; at the end all that was begun comes to its end, and nothing is left. Fails when no client was
 * killed at one of FIFO_SYNC_POINTS, or at another one that has to be passed. */
#include "tests/crash/durable_stage.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"
#include "tests/support/tally.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WATCHDOG_S = 60,
	CALLS_MOST = 100, /* a point that is not passed in so many is not passed: any moment then */
	CALLS_TO_LEARN = 400,
	CALLS_TO_END = 100, /* between two looks whether all has come to its end */
	KILLS_A_JUDGEMENT = 4,
	TRIES = 400, /* at a point that has to be passed; far more than it takes */
	STORES_MOST = 400,
};

static struct stage *stage;
static struct fifo_client client[FIFO_CLIENTS];
static pid_t pid[FIFO_CLIENTS];
static uint64_t random_state, kills, engine_kills, reboots, at_point[CRASH_POINT_EVERY], passed[CRASH_POINT_EVERY];

static uint64_t draw(uint64_t below)
{
	return (random_next(&random_state) >> 20) % below;
}

/* ---- processes -------------------------------------------------------------------------------- */

static void start(unsigned number)
{
	stage->fifo_plan[number] = (struct crash_plan){.mode = CRASH_COUNT};
	client[number] =
		(struct fifo_client){.stage = stage, .number = number, .random = random_next(&random_state)};
	pid[number] = child_start(fifo_client_main, &client[number]);
}

static void begin(void)
{
	struct rlq_directory *directory;

	stage = stage_open();
	stage->actors = FIFO_CLIENTS;
	if (!engine_begin(stage, (struct crash_plan){.mode = CRASH_COUNT}) ||
	    rlq_directory_open(stage->queues, &directory) != 0) {
		fprintf(stderr, "fifo_kills: no engine: %s\n", stage->failure);
		exit(1);
	}
	fifo_make_queues(stage, directory);
	rlq_directory_close(directory);
	for (unsigned i = 0; i < FIFO_CLIENTS; i++)
		start(i);
}

static void end(void)
{
	engine_kill(stage);
	for (unsigned i = 0; i < FIFO_CLIENTS; i++) {
		child_signal(pid[i], SIGKILL);
		child_wait(pid[i]);
	}
	stage_close(stage);
}

/* ---- judging ---------------------------------------------------------------------------------- */

/* The engine goes on, or dies while clients rest, or under their calls; then perhaps nothing in memory is left. */
static void judge(void)
{
	bool dies = draw(4) == 0, is_reboot = dies && draw(2);

	if (dies && draw(2))
		engine_kill(stage);
	stage_pause(stage);
	if (dies) {
		engine_kill(stage);
		engine_kills++;
		reboots += is_reboot;
		if (is_reboot)
			stage_reboot(stage);
		engine_begin(stage, (struct crash_plan){.mode = CRASH_COUNT});
	}
	if (!stage->failure[0])
		fifo_judge(stage, is_reboot);
	stage_go_on(stage);
}

/* ---- one kill --------------------------------------------------------------------------------- */

static uint64_t calls_of(unsigned number)
{
	const volatile struct crash_plan *plan = &stage->fifo_plan[number];

	return plan->reached[CRASH_call_entered];
}

/* Until it has made so many calls, or dies: true. */
static bool await(unsigned number, uint64_t calls)
{
	uint64_t until = calls_of(number) + calls;
	bool has_died = false;
	int status;

	while (!has_died && !stage->failure[0] && calls_of(number) < until) {
		has_died = child_has_changed(pid[number], &status);
		sched_yield();
	}
	if (has_died && !child_was_killed(status, SIGKILL))
		stage_fail(stage, "a client ends: %s", child_status_text(status));
	return has_died;
}

static void add_passed(unsigned number)
{
	for (enum crash_point point = 0; point < CRASH_POINT_EVERY; point++)
		passed[point] += stage->fifo_plan[number].reached[point];
}

/* True: as planned. */
static bool kill_client(enum crash_mode mode, enum crash_point point, uint64_t nth)
{
	unsigned number = (unsigned)draw(FIFO_CLIENTS);
	struct crash_plan *plan = &stage->fifo_plan[number];
	bool has_died;

	watchdog(WATCHDOG_S);
	plan->point = point;
	plan->nth = nth + (mode == CRASH_AT_STORE ? plan->stores : plan->reached[point]);
	atomic_thread_fence(memory_order_release);
	plan->mode = mode;
	has_died = await(number, mode == CRASH_COUNT ? draw(50) : CALLS_MOST);
	if (!has_died) {
		child_signal(pid[number], SIGKILL);
		child_wait(pid[number]);
	}
	kills++;
	at_point[point] += has_died && mode == CRASH_AT_POINT;
	add_passed(number);
	start(number);
	if (kills % KILLS_A_JUDGEMENT == 0)
		judge();
	return has_died;
}

/* ---- all kills -------------------------------------------------------------------------------- */

/* Whoever sends, receives and deletes passes these all the time; and those of who takes back. */
static bool has_to_be(enum crash_point point)
{
	static const enum crash_point points[] = {
		CRASH_send_claimed,   CRASH_send_block_claimed, CRASH_send_written,	CRASH_send_counted,
		CRASH_receive_leased, CRASH_receive_copied,	CRASH_delete_freed,	CRASH_free_held,
		CRASH_fifo_joined,    CRASH_fifo_published,	CRASH_fifo_offered,	CRASH_fifo_popped,
		CRASH_group_numbered, CRASH_group_link_written, CRASH_group_begun,	CRASH_group_joined,
		CRASH_group_popped,   CRASH_group_emptied,	CRASH_fifo_token_taken, CRASH_ready_pushed,
		CRASH_dedup_stamped,  CRASH_dedup_inserted,	CRASH_dedup_copied,	CRASH_dedup_completed,
	};
	bool is = point >= CRASH_POINT_ALL;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		is = is || points[i] == point;
	return is;
}

/* Which points clients pass, once memory and tables have grown. */
static void learn(void)
{
	for (unsigned i = 0; i < FIFO_CLIENTS; i++)
		await(i, CALLS_TO_LEARN);
	for (unsigned i = 0; i < FIFO_CLIENTS; i++)
		memset(stage->fifo_plan[i].reached, 0, sizeof(stage->fifo_plan[i].reached));
	for (unsigned i = 0; i < FIFO_CLIENTS; i++)
		await(i, CALLS_TO_LEARN);
	for (unsigned i = 0; i < FIFO_CLIENTS; i++)
		add_passed(i);
}

static bool all_points(const char *only)
{
	for (enum crash_point point = 0; point < CRASH_POINT_EVERY; point++) {
		if (strstr(crash_point_name(point), only) == NULL || (!passed[point] && !has_to_be(point)))
			continue;
		for (int i = 0; i < (has_to_be(point) ? TRIES : 1) && !stage->failure[0]; i++)
			if (kill_client(CRASH_AT_POINT, point, 1 + draw(3)))
				break;
		if (stage_has_failed(stage, crash_point_name(point)))
			return false;
	}
	return true;
}

static bool any_kill(const char *only)
{
	enum crash_mode mode = *only ? CRASH_AT_POINT : (enum crash_mode)draw(3);
	enum crash_point point;

	do
		point = (enum crash_point)draw(CRASH_POINT_EVERY);
	while ((!passed[point] && !has_to_be(point)) || strstr(crash_point_name(point), only) == NULL);
	kill_client(mode, point, 1 + draw(mode == CRASH_AT_STORE ? STORES_MOST : 9));
	return !stage_has_failed(stage, mode == CRASH_AT_POINT	 ? crash_point_name(point)
					: mode == CRASH_AT_STORE ? "before a store"
								 : "at any moment");
}

/* All that was begun comes to its end, leases of the dead too, and nothing is left. */
static bool all_ends(void)
{
	bool is_over = false;

	atomic_store(&stage->is_ending, true);
	while (!is_over && !stage->failure[0]) {
		await(0, CALLS_TO_END);
		stage_pause(stage);
		is_over = fifo_judge_rest(stage);
		stage_go_on(stage);
	}
	return !stage_has_failed(stage, "at the end");
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int report(const char *only)
{
	unsigned points = 0, never = 0;

	for (enum crash_point point = 0; point < CRASH_POINT_EVERY; point++) {
		points += at_point[point] > 0;
		if (!has_to_be(point) || at_point[point] > 0 || strstr(crash_point_name(point), only) == NULL)
			continue;
		printf("FAILED: no client was killed at %s\n", crash_point_name(point));
		never++;
	}
	printf("killed at %u points; %llu engines killed, %llu reboots\n", points, (unsigned long long)engine_kills,
	       (unsigned long long)reboots);
	if (!fifo_report(stage) && !*only) {
		printf("FAILED: no send was repeated, or none was a duplicate\n");
		never++;
	}
	tally("fifo_kills", kills + engine_kills);
	return (int)never;
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 && argv[argc - 1][0] > '9' ? argv[--argc] : "";
	struct test_arguments arguments = test_arguments_read(argc, argv, 0);
	time_t until = time(NULL) + (time_t)arguments.seconds;
	int failed;

	random_state = arguments.seed;
	watchdog(WATCHDOG_S);
	begin();
	learn();
	failed = !all_points(only);
	while (!failed && kills > 0 && time(NULL) < until)
		failed = !any_kill(only);
	failed += failed ? 0 : !all_ends();
	failed += failed ? 0 : report(only);
	end();
	printf("%llu passed, %d failed\n", (unsigned long long)kills, failed);
	return failed > 0 || kills == 0;
}
