/* The disk is full, or the journal as large as it may be: sends are refused, and what was refused never comes;
 * receives and deletes go on, and what was deleted never comes back; and when there is room again, by deletes or on
 * the disk, sends are taken without a new start.
 *
 *   full_disk [--seconds N] [--seed S]
 *   full_disk --again DISK SEED     one that was drawn
 *
 * Histories on disks of all small sizes, and on one that says it is full at the n-th call, once or from then on; it
 * is the only one, or one of a pair. After each the power is lost, or the engine killed, and all is compared. */
#include "tests/durable/scripts.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WATCHDOG_S = 60,
	LARGE = 9000,
	HUGE = 24000,
	FILLS = 100,
	FILLS_OF_CALLS = 25, /* where no size but a call is the end: some files */
	SYNC_WINDOW = MACHINE_FILE_BYTES / 16,
	SMALL = 50,
	FILES_LEAST = 3, /* of a disk on which nothing but sends may fail */
	FILES_MOST = 14,
	PAIR_EVERY = 12,     /* sizes of a pair's disk, whose mirror has to be filled too */
	FILES_RESERVED = 34, /* so many more, for windows and moves */
	LIVES = 6,
	LIFE_CALLS = 12,
	RANDOM_LEAST = 60,
	RETRY_MS = 1000,
	HOUR_MS = 3600000,
};

static struct history history;
static enum machine_disk disk;
static uint64_t images[MACHINE_DISKS], refusals[MACHINE_DISKS], failures;

/* Which disk has `room`, or says that it is full. */
enum full_side { THE_ONLY, THE_FIRST, THE_MIRROR };

struct full {
	uint64_t room;	/* bytes of the disk; 0: any */
	uint64_t limit; /* of the journal */
	int number;	/* of the call from which on the disk says that it is full; 0: none */
	bool for_good;
	bool loses_power; /* at the end; else the engine is killed */
	enum full_side side;
	enum rlq_durability durability;
	bool has_windows; /* room is kept for windows of async queues and for moves */
	uint64_t seed;
};

static void failed(const struct full *full, const char *why)
{
	printf("FAILED: disk %d, side %d, room %llu, limit %llu, full at call %d%s, durability %d, %s, seed %llu: "
	       "%s\n",
	       (int)disk, (int)full->side, (unsigned long long)full->room, (unsigned long long)full->limit,
	       full->number, full->for_good ? " for good" : "", (int)full->durability,
	       full->loses_power ? "power lost" : "engine killed", (unsigned long long)full->seed, why);
	failures++;
}

/* Until one is refused, or `most` times: the disk may be full only for a while. */
static void fill(int queue, int count, uint32_t bytes, int most)
{
	unsigned before = history.refused;

	for (int i = 0; i < most && history.refused == before && !history.is_over; i++)
		h_send(&history, queue, count, bytes, 0);
}

/* Full, emptied by half, full again, emptied but for a few that are kept long. */
static void play(enum rlq_durability durability, int most)
{
	h_create(&history, 0, durability, -1, 0);
	h_create(&history, 1, RLQ_SYNC, -1, 0);
	h_send(&history, 1, 2, SMALL, 0);
	fill(0, 3, durability == RLQ_ASYNC ? HUGE : LARGE, most);
	h_receive(&history, 1, 1, HOUR_MS);
	for (int i = 0; i < 4; i++) {
		h_receive(&history, 0, 3, HOUR_MS);
		h_delete(&history, 0, 3);
	}
	h_settle(&history);
	fill(0, 1, durability == RLQ_ASYNC ? HUGE : LARGE, most);
	for (int i = 0; i < 30; i++) {
		h_receive(&history, 0, 9, HOUR_MS);
		h_delete(&history, 0, 8); /* of every nine one stays */
	}
	h_set_visibility(&history, 1, HOUR_MS / 2);
	h_settle(&history);
}

/* All that is deleted gives room, whatever the disk says: sends are taken by themselves after a while. */
static const char *takes_sends_again(enum rlq_durability durability)
{
	unsigned before;

	h_settle(&history);
	machine_time_passes(2 * RETRY_MS);
	h_settle(&history);
	h_settle(&history);
	if (!history_has_queue(&history, 0))
		h_create(&history, 0, durability, -1, 0);
	if (!history_has_queue(&history, 1))
		h_create(&history, 1, RLQ_SYNC, -1, 0);
	before = history.refused;
	h_send(&history, 1, 1, SMALL, 0);
	h_send(&history, 0, 3, SMALL, 0);
	return history.fault[0]		  ? history.fault
	       : history.code		  ? "the journal is gone"
	       : history.refused > before ? "a send is refused though there is room"
					  : NULL;
}

static const char *start_and_check(bool was_alive)
{
	static char text[600];
	int error = machine_start();

	if (!error)
		return was_alive ? history_check_alive(&history) : history_check(&history);
	snprintf(text, sizeof(text), "does not start: %s; it says: %s", rlq_strerror(error), machine_said());
	return text;
}

static const char *end_and_check(const struct full *full)
{
	uint64_t random = full->seed;

	history_close(&history);
	if (full->loses_power)
		machine_lose_power(SHADOW_LOSE_ALL, SECTOR_BYTES, &random);
	else
		machine_kill_engine();
	return start_and_check(!full->loses_power);
}

static const struct side {
	void (*room)(uint64_t bytes);
	void (*fail)(unsigned calls, int n, int error, bool for_good);
	bool (*has_failed)(void);
} sides[] = {{disk_room, disk_fail, disk_has_failed}, {second_disk_room, second_disk_fail, second_disk_has_failed}};

static const struct side *full_side(const struct full *full)
{
	return &sides[full->side == THE_MIRROR];
}

static void begin(const struct full *full)
{
	watchdog(WATCHDOG_S);
	machine_use(disk, full->seed);
	machine_limit(full->limit);
	machine_window(full->has_windows ? 0 : SYNC_WINDOW);
	machine_begin();
	history_begin(&history);
	if (full->side != THE_ONLY)
		machine_mirror(MACHINE_BOTH);
	full_side(full)->room(full->room);
	if (full->number)
		full_side(full)->fail(SHADOW_ALLOCATE, full->number, -ENOSPC, full->for_good);
}

/* False: the disk was never full. */
static bool try(const struct full *full)
{
	const char *wrong = NULL;
	bool was_full;

	begin(full);
	if (machine_start() == 0)
		play(full->durability, full->number ? FILLS_OF_CALLS : FILLS);
	was_full = history.refused > 0 || full_side(full)->has_failed();
	if (history.fault[0])
		wrong = history.fault;
	else if (history.code && !full->number)
		wrong = "a full disk ends more than sends";
	if (!wrong && !history.code && !full->number)
		wrong = takes_sends_again(full->durability);
	if (!wrong && machine_lost_mirror())
		wrong = "a full disk is taken for one that is lost";
	if (!wrong)
		wrong = end_and_check(full);
	full_side(full)->room(0);
	full_side(full)->fail(SHADOW_ALLOCATE, 0, 0, false);
	if (!wrong && machine_is_started()) {
		history.is_over = false;
		history.code = 0;
		wrong = takes_sends_again(full->durability);
	}
	if (!wrong)
		wrong = end_and_check(full);
	if (wrong)
		failed(full, wrong);
	refusals[disk] += history.refused;
	images[disk]++;
	history_close(&history);
	machine_end();
	return was_full;
}

static void all_sizes(uint64_t seed)
{
	for (uint64_t files = FILES_LEAST; files <= FILES_MOST && failures < 10; files++)
		for (int variant = 0; variant < (files % PAIR_EVERY ? 8 : 24); variant++) {
			bool is_async = variant & 4;
			uint64_t bytes = (files + (is_async ? FILES_RESERVED : 2)) * MACHINE_FILE_BYTES;
			struct full full = {.room = variant & 1 ? bytes : 0,
					    .limit = variant & 1 ? 0 : bytes,
					    .loses_power = variant & 2,
					    .durability = is_async ? RLQ_ASYNC : RLQ_SYNC,
					    .has_windows = is_async,
					    .side = (enum full_side)(variant / 8),
					    .seed = seed + files};

			if (!try(&full))
				failed(&full, "it was never full");
		}
}

static void all_calls(uint64_t seed, int every)
{
	for (int variant = 0; variant < 24; variant++) {
		struct full full = {.number = 1,
				    .for_good = variant & 1,
				    .loses_power = variant & 2,
				    .durability = variant & 4 ? RLQ_ASYNC : RLQ_SYNC,
				    .has_windows = variant & 4,
				    .side = (enum full_side)(variant / 8),
				    .seed = seed};

		while (failures < 10 && try(&full))
			full.number += full.side == THE_ONLY ? every : 8 * every;
	}
}

/* Any calls on sync queues, moves among them, while the disk is filled now and then. */
static void live(uint64_t seed)
{
	uint64_t random = seed;
	struct full full = {.loses_power = seed >> 20 & 1, .has_windows = true, .seed = seed};
	const char *wrong = NULL;

	full.room = (FILES_LEAST + 1 + FILES_RESERVED + seed % 4) * MACHINE_FILE_BYTES;
	begin(&full);
	if (machine_start() != 0)
		wrong = machine_said();
	h_create(&history, 2, RLQ_SYNC, -1, 0);
	for (int i = 0; i < LIVES && !wrong; i++) {
		script_random(&history, &random, LIFE_CALLS);
		h_settle(&history);
		if (random_next(&random) >> 63)
			fill((int)(random_next(&random) >> 33) % 3, 2, LARGE, FILLS);
		machine_time_passes(random_next(&random) >> 63 ? 2 * RETRY_MS : 0);
		if (history.fault[0])
			wrong = history.fault;
		else if (history.code)
			wrong = "a full disk ends more than sends";
	}
	if (!wrong)
		wrong = end_and_check(&full);
	if (wrong)
		failed(&full, wrong);
	refusals[disk] += history.refused;
	images[disk]++;
	history_close(&history);
	machine_end();
}

int main(int argc, char **argv)
{
	struct test_arguments arguments;
	time_t until;
	uint64_t random;

	if (argc == 4 && strcmp(argv[1], "--again") == 0) {
		disk = (enum machine_disk)atoi(argv[2]);
		live(strtoull(argv[3], NULL, 0));
		return failures > 0;
	}
	arguments = test_arguments_read(argc, argv, 5);
	until = time(NULL) + (time_t)arguments.seconds;
	random = arguments.seed;
	for (disk = 0; disk < MACHINE_DISKS; disk++) {
		all_sizes(arguments.seed);
		all_calls(arguments.seed, arguments.seconds < 60 ? 2 : 1);
	}
	for (int i = 0; (i < RANDOM_LEAST || time(NULL) < until) && failures < 10; i++) {
		disk = (enum machine_disk)(i % MACHINE_DISKS);
		live(random_next(&random));
	}
	machine_tally("full_disks", images);
	machine_tally("sends_refused", refusals);
	printf("%llu passed, %llu failed\n", (unsigned long long)(images[0] + images[1] - failures),
	       (unsigned long long)failures);
	return failures > 0 || refusals[MACHINE_PLAIN] == 0 || refusals[MACHINE_QUEUED] == 0;
}
