/* The power is cut after every call that changes the disk, and what was not flushed is lost in every way that the
 * shadow disk knows. The machine starts again, and what was acknowledged must be there. Then the power is cut while
 * it starts, or soon after.
 *
 *   power_cuts [--encrypted] [--seconds N] [--seed S] [--script NAME] [--cut K] [--disk plain|queued]
 *   power_cuts --again SEED CUT SECOND     one that was drawn
 *   power_cuts --lives SEED                one of several lives that was drawn
 *
 * Encrypted: each start writes with another key, or plain; --again and --lives go behind it.
 *
 * First all cuts of the scripts, by plain calls and with writes that are under way together, then histories that
 * the seed draws, for N seconds in all. */
#include "tests/durable/scripts.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WATCHDOG_S = 60,
	SEEDS = 3,
	DRAIN_EVERY = 5,
	RANDOM_CALLS = 30,
	RANDOM_LEAST = 100,
	LIVES = 8,
	LIFE_CALLS = 25,
	CUT_MAX = 80
};

static struct history history;
static uint64_t images[MACHINE_DISKS], recovery_cuts[MACHINE_DISKS], failures;
static enum machine_disk disk;
static const char *only, *only_disk;
static int only_cut = -1;

/* How one image came about. */
struct image {
	const struct script *script; /* NULL: drawn by `seed` */
	int cut, second_cut;	     /* -1: none */
	enum shadow_loss loss;
	size_t sector;
	uint64_t seed;
};

static const char *const losses[] = {"all", "none", "some", "names", "bytes"};

static uint64_t images_of_both(void)
{
	return images[MACHINE_PLAIN] + images[MACHINE_QUEUED];
}

static void failed(const struct image *image, const char *why)
{
	printf("FAILED: %s, power for %d calls, then for %d, lost %s by %zu, seed %llu, %s: %s\n",
	       image->script ? image->script->name : "random", image->cut, image->second_cut, losses[image->loss],
	       image->sector, (unsigned long long)image->seed, machine_disk_names[disk], why);
	failures++;
}

static void play(const struct image *image, uint64_t *random)
{
	if (image->script)
		image->script->play(&history);
	else
		script_random(&history, random, RANDOM_CALLS);
}

static const char *start_and_check(void)
{
	static char text[600];
	int error = machine_start();

	if (!error)
		return history_check(&history);
	snprintf(text, sizeof(text), "does not start: %s; it says: %s", rlq_strerror(error), machine_said());
	return text;
}

/* Once more, with the power cut amid recovery or the calls after it. */
static const char *second_life(const struct image *image, uint64_t *random)
{
	const char *wrong = NULL;

	disk_power_for(image->second_cut);
	if (machine_start() == 0) {
		wrong = history_check(&history);
		if (!wrong)
			script_random(&history, random, RANDOM_CALLS / 2);
	}
	history_close(&history);
	machine_lose_power(image->loss, image->sector, random);
	recovery_cuts[disk]++;
	return wrong ? wrong : history.fault[0] ? history.fault : NULL;
}

static const char *drained(uint64_t *random)
{
	const char *wrong = history_drain(&history);

	history_close(&history);
	machine_lose_power(SHADOW_LOSE_ALL, SECTOR_BYTES, random);
	return wrong ? wrong : start_and_check();
}

/* False: the power lasted to the end. */
static bool try(const struct image *image)
{
	uint64_t random = image->seed;
	const char *wrong = NULL;
	bool was_cut;

	watchdog(WATCHDOG_S);
	machine_use(disk, image->seed);
	machine_begin();
	history_begin(&history);
	disk_power_for(image->cut);
	if (machine_start() == 0)
		play(image, &random);
	was_cut = disk_is_off();
	if (history.fault[0])
		wrong = history.fault;
	else if (history.is_over && !was_cut)
		wrong = "a call was told that the journal is gone, and it is not";
	history_close(&history);
	machine_lose_power(image->loss, image->sector, &random);
	if (!wrong && image->second_cut >= 0)
		wrong = second_life(image, &random);
	if (!wrong)
		wrong = start_and_check();
	images[disk]++;
	if (!wrong && image->seed % DRAIN_EVERY == 0)
		wrong = drained(&random);
	if (wrong)
		failed(image, wrong);
	history_close(&history);
	machine_end();
	return was_cut;
}

/* All losses of one cut. */
static bool cut_at(const struct script *script, int cut, uint64_t seed)
{
	bool was_cut = false;

	for (enum shadow_loss loss = 0; loss < SHADOW_LOSS_COUNT; loss++) {
		int seeds = loss == SHADOW_LOSE_SOME ? SEEDS : 1;

		for (int i = 0; i < seeds; i++) {
			struct image image = {script,
					      cut,
					      -1,
					      loss,
					      i % 2 ? PAGE_SECTORS_BYTES : SECTOR_BYTES,
					      seed + (uint64_t)(cut * SEEDS + i)};

			was_cut = try(&image);
		}
	}
	return was_cut;
}

static void cut_everywhere(const struct script *script, uint64_t seed, int every)
{
	uint64_t before = images[disk];

	if (only && strcmp(only, script->name) != 0)
		return;
	if (only_cut >= 0) {
		cut_at(script, only_cut, seed);
		return;
	}
	for (int cut = (int)(seed % (unsigned)every); cut_at(script, cut, seed) && failures < 10; cut += every)
		;
	printf("%-8s %-6s %llu images\n", script->name, machine_disk_names[disk],
	       (unsigned long long)(images[disk] - before));
}

/* A cut in the history, and one after it. */
static void cut_twice(uint64_t seed, int cut, int second_cut)
{
	struct image image = {NULL,
			      cut,
			      second_cut,
			      (enum shadow_loss)(seed % SHADOW_LOSS_COUNT),
			      seed % 2 ? PAGE_SECTORS_BYTES : SECTOR_BYTES,
			      seed};

	disk = (enum machine_disk)(seed / SHADOW_LOSS_COUNT / 2 % MACHINE_DISKS);
	try(&image);
}

/* One history over many lives of the machine: each ends by a cut at some call, of the power or of the engine alone,
 * whose queues then stay in memory. */
static void live_often(uint64_t seed)
{
	uint64_t random = seed;
	const char *wrong = NULL;
	bool is_alive = false;

	watchdog(WATCHDOG_S);
	disk = (enum machine_disk)(seed % MACHINE_DISKS);
	machine_use(disk, seed);
	machine_begin();
	history_begin(&history);
	for (int life = 0; life < LIVES && !wrong; life++) {
		uint64_t drawn = random_next(&random);
		bool lasts = life == LIVES - 1;

		disk_power_for(lasts || drawn >> 60 == 0 ? -1 : (int)((drawn >> 40) % CUT_MAX));
		if (machine_start() == 0) {
			wrong = is_alive ? history_check_alive(&history) : history_check(&history);
			if (!wrong)
				script_random(&history, &random, LIFE_CALLS);
			is_alive = true;
		} else if (!disk_is_off()) {
			wrong = machine_said();
		}
		if (!wrong && history.fault[0])
			wrong = history.fault;
		history_close(&history);
		if (drawn >> 20 & 1) {
			machine_kill_engine();
		} else {
			machine_lose_power((enum shadow_loss)((drawn >> 8) % SHADOW_LOSS_COUNT), SECTOR_BYTES,
					   &random);
			is_alive = false;
		}
		images[disk]++;
	}
	if (wrong) {
		printf("FAILED: power_cuts --lives %llu: %s\n", (unsigned long long)seed, wrong);
		failures++;
	}
	machine_end();
}

static void cut_by_chance(uint64_t seed, time_t until)
{
	uint64_t random = seed, before = images_of_both();

	while ((time(NULL) < until || images_of_both() < before + RANDOM_LEAST) && failures < 10) {
		int cut = (int)(random_next(&random) >> 33) % 120, second = (int)(random_next(&random) >> 33) % 60;

		if (second % 3 == 0)
			live_often(random_next(&random));
		cut_twice(random_next(&random), cut, second < 40 ? second / (second % 2 ? 1 : 8) : -1);
	}
	printf("%-8s %-6s %llu images\n", "random", "both", (unsigned long long)(images_of_both() - before));
}

int main(int argc, char **argv)
{
	struct test_arguments arguments;
	const char *number;
	time_t until;

	if (test_flag_take(&argc, argv, "--encrypted"))
		machine_change_keys();
	if (argc == 5 && strcmp(argv[1], "--again") == 0) {
		cut_twice(strtoull(argv[2], NULL, 0), atoi(argv[3]), atoi(argv[4]));
		return failures > 0;
	}
	if (argc == 3 && strcmp(argv[1], "--lives") == 0) {
		live_often(strtoull(argv[2], NULL, 0));
		return failures > 0;
	}
	only = test_argument_take(&argc, argv, "--script");
	only_disk = test_argument_take(&argc, argv, "--disk");
	number = test_argument_take(&argc, argv, "--cut");
	only_cut = number ? atoi(number) : -1;
	arguments = test_arguments_read(argc, argv, 6);
	until = time(NULL) + (time_t)arguments.seconds;
	for (int i = 0; i < script_count; i++)
		for (disk = 0; disk < MACHINE_DISKS; disk++)
			if (!only_disk || strcmp(only_disk, machine_disk_names[disk]) == 0)
				cut_everywhere(&scripts[i], arguments.seed,
					       arguments.seconds >= 60 ? 1
					       : scripts[i].is_long    ? 7
								       : 1 + (int)disk);
	if (!only || strcmp(only, "random") == 0)
		cut_by_chance(arguments.seed, until);
	machine_tally("power_cuts", images);
	machine_tally("recovery_cuts", recovery_cuts);
	if (!only && !machine_has_queued()) {
		printf("FAILED: no two writes were under way at once\n");
		failures++;
	}
	printf("%llu passed, %llu failed\n", (unsigned long long)(images_of_both() - failures),
	       (unsigned long long)failures);
	return failures > 0 || images_of_both() == 0;
}
