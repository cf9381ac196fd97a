/* Kills an engine that journals at every named point between two changes of its disk or of what clients see of a
 * turn, while clients send, receive, delete and move messages, make and remove a queue, on sync and async queues,
 * and wait for the journal to be compacted; and before any store to shared memory, and at any moment. The disk is
 * the machine's own, by io_uring and by plain calls.
 *
 *   engine_kills [--seconds N] [--seed S] [POINT]
 *
 * Clients hear that it is not known, or that there is no engine, and nothing else; they go on with the next engine.
 * What was acknowledged is there, once, and what was confirmed as deleted is not: with the queues as they are, or
 * after a reboot at that moment (the queues' folder is gone). What an async queue has accepted outlives the engine,
 * and once somebody has waited, the reboot. Other clients use FIFO queues meanwhile, whose histories are judged as
 * fifo_kills does. First all points, then draws for N seconds in all. */
#include "kmod-free/disk.h"
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
#include <unistd.h>

enum {
	WATCHDOG_S = 60,
	KEPT = 12,	   /* messages that nobody receives: files are compacted around them */
	TURNS_MOST = 4000, /* a point that is not passed in so many is not passed */
	TRIES = 20,
	STORES_MOST = 3000,
	PASSAGES = 14,
	OTHERS = 2, /* who makes queues, who compacts */
	ACTORS = CLIENTS + OTHERS + FIFO_CLIENTS,
};

enum moment { AT_POINT, AT_STORE, ANY_MOMENT };

static struct stage *stage;
static pid_t clients[ACTORS];
static uint64_t kills[2], reboots, recovery_kills, passages[CRASH_POINT_ALL], random_state;
static bool has_uring;

static void give_up(const char *what)
{
	fprintf(stderr, "engine_kills: %s\n", what);
	exit(1);
}

static uint64_t draw(uint64_t below)
{
	return (random_next(&random_state) >> 20) % below;
}

/* ---- clients ---------------------------------------------------------------------------------- */

static void make_queues(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_directory *directory;
	struct rlq_queue *kept;
	unsigned char body[1000];
	bool is_done = rlq_directory_open(stage->queues, &directory) == 0;

	for (int i = STAGE_QUEUES - 1; i >= 0 && is_done; i--) {
		attributes.durability = i == STAGE_ASYNC ? RLQ_ASYNC : RLQ_SYNC;
		attributes.receives_max = i == STAGE_MOVES;
		strcpy(attributes.dlq, i == STAGE_MOVES ? stage_names[STAGE_DLQ] : "");
		is_done = rlq_queue_create(directory, stage_names[i], &attributes) == 1;
	}
	is_done = is_done && rlq_queue_open(directory, stage_names[STAGE_KEPT], &kept) == 0;
	for (unsigned i = 0; i < KEPT && is_done; i++) {
		unsigned tag = atomic_fetch_add(&stage->next_tag, 1);

		memset(body, (int)tag, sizeof(body));
		memcpy(body, &tag, sizeof(tag));
		atomic_store(&stage->tag[tag], TAG_TRIED | TAG_DURABLE);
		is_done = rlq_send(kept, body, sizeof(body), NULL, NULL) == 0;
	}
	if (!is_done)
		give_up("the queues cannot be made");
	fifo_make_queues(stage, directory);
	rlq_queue_close(kept);
	rlq_directory_close(directory);
}

static void begin(void)
{
	static struct client them[CLIENTS + OTHERS];
	static struct fifo_client fifo[FIFO_CLIENTS];
	static void (*const others[OTHERS])(void *) = {passer_main, compacter_main};

	stage = stage_open();
	stage->actors = ACTORS;
	if (!engine_begin(stage, (struct crash_plan){.mode = CRASH_COUNT}))
		give_up("the first engine dies");
	make_queues();
	for (int i = 0; i < CLIENTS + OTHERS; i++) {
		them[i] = (struct client){.stage = stage, .random = random_next(&random_state)};
		clients[i] = child_start(i < CLIENTS ? client_main : others[i - CLIENTS], &them[i]);
	}
	for (unsigned i = 0; i < FIFO_CLIENTS; i++) {
		fifo[i] = (struct fifo_client){.stage = stage, .number = i, .random = random_next(&random_state)};
		clients[CLIENTS + OTHERS + i] = child_start(fifo_client_main, &fifo[i]);
	}
}

static void end(void)
{
	engine_kill(stage);
	for (int i = 0; i < ACTORS; i++) {
		child_signal(clients[i], SIGKILL);
		child_wait(clients[i]);
	}
	stage_close(stage);
}

/* ---- one kill --------------------------------------------------------------------------------- */

/* What all start from: an engine is dead, the clients rest. An engine starts, perhaps dies in that, and another one
 * finishes; then all is judged, and the clients go on. */
static bool come_back(struct crash_plan plan, bool is_reboot)
{
	bool is_started;

	if (is_reboot) {
		stage_reboot(stage);
		reboots++;
	}
	is_started = engine_begin(stage, plan);
	if (!is_started) {
		kills[stage->is_plain]++;
		recovery_kills++;
		if (!engine_begin(stage, (struct crash_plan){.mode = CRASH_COUNT}) && !stage->failure[0])
			give_up("an engine without a plan dies");
	}
	if (!stage->failure[0])
		stage_judge(stage, is_reboot);
	if (!stage->failure[0])
		fifo_judge(stage, is_reboot);
	stage_go_on(stage);
	return is_started;
}

/* Some calls more: who does not wait for the dead engine hears that there is none. */
static void clients_are_refused(void)
{
	unsigned long long until = atomic_load(&stage->refused) + CLIENTS;

	while (atomic_load(&stage->refused) < until && !stage->failure[0])
		sched_yield();
}

/* How one engine ends. */
struct death {
	struct crash_plan plan; /* from its start on */
	enum crash_point point; /* or, with nth > 0, once the clients go on */
	uint64_t nth;
	uint64_t turns; /* at most */
	bool amid_removal;
};

/* True: it was killed as planned. */
static bool kill_once(const struct death *death, bool is_reboot)
{
	bool is_killed, is_started;

	watchdog(WATCHDOG_S);
	is_started = come_back(death->plan, is_reboot);
	if (death->nth > 0)
		engine_plan(stage, death->point, death->nth);
	is_killed = engine_await(stage, is_started ? death->turns : 1, death->amid_removal);
	kills[stage->is_plain]++;
	if (draw(2))
		clients_are_refused();
	stage_pause(stage);
	return is_killed || !is_started;
}

static bool is_of_recovery(enum crash_point point)
{
	return point >= CRASH_recover_draft_made && point <= CRASH_recover_queue_named;
}

static bool is_of_start(enum crash_point point)
{
	return point < CRASH_turn_begun;
}

/* While an engine starts, after a reboot or not. What it passes depends on how the one before has ended: it may
 * find no tail that is to be kept, and no removal. */
static bool kill_starting(enum crash_point point)
{
	bool finishes = point == CRASH_recover_removal_finished, is_killed = false;
	struct death death = {.plan = {.mode = CRASH_AT_POINT, .point = point, .nth = 1}, .amid_removal = finishes};

	for (int i = 0; i < TRIES && !is_killed && !stage->failure[0]; i++) {
		death.turns = 1 + draw(5);
		is_killed = kill_once(&death, is_of_recovery(point) || (!finishes && draw(2)));
	}
	return is_killed;
}

/* While it serves clients. */
static bool kill_serving(enum crash_point point)
{
	struct death death = {.point = point, .turns = TURNS_MOST};
	bool is_killed = false;

	for (int i = 0; i < 2 && !is_killed && !stage->failure[0]; i++) {
		death.nth = 2 + draw(PASSAGES);
		is_killed = kill_once(&death, draw(2));
	}
	return is_killed;
}

static const char *failure_text(enum moment moment, enum crash_point point, uint64_t nth)
{
	static char text[400];

	snprintf(text, sizeof(text), "%s, %s %s, number %llu", stage->is_plain ? "plain" : "io_uring",
		 moment == AT_POINT   ? "at point"
		 : moment == AT_STORE ? "before a store"
				      : "at any moment",
		 moment == AT_POINT ? crash_point_name(point) : "", (unsigned long long)nth);
	return text;
}

/* Those of a start as the engine starts, the others amid the calls of clients. */
static bool all_points(const char *only)
{
	for (enum crash_point point = CRASH_POINT_COUNT; point < CRASH_POINT_ALL; point++) {
		if (strstr(crash_point_name(point), only) == NULL)
			continue;
		stage->is_plain = !has_uring || draw(2);
		passages[point] += is_of_start(point) ? kill_starting(point) : kill_serving(point);
		if (stage_has_failed(stage, failure_text(AT_POINT, point, 1)))
			return false;
	}
	return true;
}

static bool any_kill(void)
{
	enum moment moment = (enum moment)draw(3);
	enum crash_point point = CRASH_POINT_COUNT + (enum crash_point)draw(CRASH_POINT_ALL - CRASH_POINT_COUNT);
	uint64_t nth = 1 + draw(moment == AT_STORE ? STORES_MOST : PASSAGES);
	struct death death = {.point = point, .turns = moment == ANY_MOMENT ? 1 + draw(100) : 500};

	if (moment == AT_STORE || (moment == AT_POINT && draw(2)))
		death.plan = (struct crash_plan){
			.mode = moment == AT_STORE ? CRASH_AT_STORE : CRASH_AT_POINT, .point = point, .nth = nth};
	else if (moment == AT_POINT)
		death.nth = nth;
	stage->is_plain = !has_uring || draw(2);
	passages[point] += kill_once(&death, draw(2)) && moment == AT_POINT;
	return !stage_has_failed(stage, failure_text(moment, point, nth));
}

static bool last_judgement(void)
{
	if (!engine_begin(stage, (struct crash_plan){.mode = CRASH_COUNT}) && !stage->failure[0])
		give_up("the last engine dies");
	if (!stage->failure[0])
		stage_judge(stage, false);
	if (!stage->failure[0])
		fifo_judge_rest(stage);
	return !stage_has_failed(stage, "at the end");
}

/* ---- the whole -------------------------------------------------------------------------------- */

static bool uring_is_there(void)
{
	struct os_queue *queue;

	if (os_disk_real.queue->open(&os_disk_real, 1, &queue) != 0)
		return false;
	os_disk_real.queue->close(queue);
	return true;
}

/* Points that were never passed. */
static int report(const char *only)
{
	int never = 0;

	for (enum crash_point point = CRASH_POINT_COUNT; point < CRASH_POINT_ALL; point++) {
		if (passages[point] > 0 || strstr(crash_point_name(point), only) == NULL)
			continue;
		printf("FAILED: no engine was killed at %s\n", crash_point_name(point));
		never++;
	}
	printf("%llu reboots, %llu deaths amid a recovery; calls: %llu answered, %llu not known, %llu refused\n",
	       (unsigned long long)reboots, (unsigned long long)recovery_kills,
	       (unsigned long long)atomic_load(&stage->answers), (unsigned long long)atomic_load(&stage->unknown),
	       (unsigned long long)atomic_load(&stage->refused));
	printf("compactions: %llu done, %llu cut by a death\n", (unsigned long long)atomic_load(&stage->compacted),
	       (unsigned long long)atomic_load(&stage->uncompacted));
	if (!*only && (!atomic_load(&stage->compacted) || !atomic_load(&stage->uncompacted))) {
		printf("FAILED: no compaction was done, or none was cut\n");
		never++;
	}
	if (!has_uring)
		printf("io_uring is refused here: by plain calls only\n");
	tally("engine_kills_plain", kills[true]);
	tally("engine_kills_uring", kills[false]);
	if (!fifo_report(stage) && !*only) {
		printf("FAILED: no send was repeated, or none was a duplicate\n");
		never++;
	}
	tally("fifo_kills", kills[0] + kills[1]);
	tally("messages", atomic_load(&stage->next_tag));
	return never;
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 && argv[argc - 1][0] > '9' ? argv[--argc] : "";
	struct test_arguments arguments = test_arguments_read(argc, argv, 0);
	time_t until = time(NULL) + (time_t)arguments.seconds;
	uint64_t all;
	int failed;

	random_state = arguments.seed;
	has_uring = uring_is_there();
	watchdog(WATCHDOG_S);
	begin();
	engine_kill(stage);
	stage_pause(stage);
	failed = !all_points(only);
	while (!failed && !*only && time(NULL) < until)
		failed = !any_kill();
	failed += failed ? 0 : !last_judgement();
	failed += failed ? 0 : report(only);
	end();
	all = kills[0] + kills[1];
	printf("%llu passed, %d failed\n", (unsigned long long)all, failed);
	return failed > 0 || all == 0;
}
