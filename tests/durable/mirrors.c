/* A journal in two folders, on two disks: the power of both is cut after any call, each at its own, or one of them
 * fails at any call, and then the power is cut. Then the machine starts with both, or with either alone, and what
 * was acknowledged must be there; but not on a disk that was left behind, which the other one says.
 *
 *   mirrors [--encrypted] [--seconds N] [--seed S] [--script NAME] [--at K]
 *   mirrors --again SEED                one that was drawn
 *
 * Encrypted: each start writes with another key, or plain; --again goes behind it.
 *
 * After that it goes on, loses its power again, and starts once more: with the other disk alone, or with both. */
#include "daemon/standing.h"
#include "tests/durable/scripts.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WATCHDOG_S = 60, RANDOM_CALLS = 30, RANDOM_LEAST = 60, SECOND_CALLS = 10, FAR = 150 };
enum { NEARBY = 17 }; /* once they are a pair the second disk has some ten calls more behind it */

static struct history history;
static uint64_t cuts[MACHINE_DISKS], errors[MACHINE_DISKS], recovery_cuts[MACHINE_DISKS], refused, failures;
static const char *only;
static int only_at = -1;

static uint64_t images(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < MACHINE_DISKS; i++)
		sum += cuts[i] + errors[i];
	return sum;
}

struct image {
	const struct script *script; /* NULL: drawn by `seed` */
	int at;			     /* call at which it happens */
	int side;		     /* -1: the power of both is cut; else that disk fails */
	int nearby;		     /* the second disk's power lasts so many calls more */
	bool for_good;
	bool has_queues;
	enum shadow_loss loss;
	enum machine_folders folders; /* with which it starts then */
	int recovery_at;	      /* call of each disk at which the power is cut while it starts; -1: none */
	uint64_t seed;
};

static const char *const starts[] = {"no mirror", "both", "the first alone", "the second alone"};

static void failed(const struct image *image, const char *why)
{
	printf("FAILED: %s, at %d, %s %d%s%s, loss %d, recovery cut %d, started with %s, seed %llu: %s\n",
	       image->script ? image->script->name : "random", image->at, image->side < 0 ? "power, and" : "side",
	       image->side < 0 ? image->nearby : image->side, image->for_good ? " for good" : "",
	       image->has_queues ? ", queues" : "", (int)image->loss, image->recovery_at, starts[image->folders],
	       (unsigned long long)image->seed, why);
	failures++;
}

/* ---- who has what was acknowledged ------------------------------------------------------------ */

static enum standing_state state_of(int side)
{
	struct standing standing;
	int error = standing_read(side == 0 ? &shadow_disk : &second_disk, SHADOW_FOLDER, &standing);

	return error ? 0 : (enum standing_state)standing.state;
}

/* Alone it need not have all, since the other one has gone on or it was never whole. */
static bool may_lack(enum machine_folders folders)
{
	int side = folders == MACHINE_FIRST ? 0 : 1;

	return folders != MACHINE_BOTH &&
	       (state_of(1 - side) == STANDING_ALONE || state_of(side) == STANDING_STALE);
}

/* ---- lives ------------------------------------------------------------------------------------ */

static void power_for(int first, int second)
{
	disk_power_for(first);
	second_disk_power_for(second);
}

static void arm(const struct image *image)
{
	if (image->side < 0)
		power_for(image->at, image->at + image->nearby < 0 ? 0 : image->at + image->nearby);
	else
		(image->side == 0 ? disk_fail : second_disk_fail)(SHADOW_ANY, image->at + 1, -EIO, image->for_good);
}

static bool has_happened(const struct image *image)
{
	if (image->side < 0)
		return disk_is_off() || second_disk_is_off();
	return image->side == 0 ? disk_has_failed() : second_disk_has_failed();
}

static void play(const struct image *image, uint64_t *random)
{
	if (image->script)
		image->script->play(&history);
	else
		script_random(&history, random, RANDOM_CALLS);
}

static const char *first_life(const struct image *image, uint64_t *random, bool *ret_happens)
{
	const char *wrong = NULL;

	machine_mirror(MACHINE_BOTH);
	arm(image);
	if (machine_start() == 0) {
		play(image, random);
		if (history.fault[0])
			wrong = history.fault;
		else if (history.is_over && image->side >= 0)
			wrong = "one disk has failed, and the journal is gone";
	}
	*ret_happens = has_happened(image);
	disk_fail(0, 0, 0, false);
	second_disk_fail(0, 0, 0, false);
	history_close(&history);
	machine_lose_power(image->loss, SECTOR_BYTES, random);
	return wrong;
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

/* The power fails amid recovery, which may be filling a disk from the other. */
static void cut_recovery(const struct image *image, uint64_t *random)
{
	power_for(image->recovery_at, image->recovery_at);
	machine_start();
	machine_lose_power(image->loss, SECTOR_BYTES, random);
	recovery_cuts[image->has_queues]++;
}

static enum machine_folders next_of(enum machine_folders folders, uint64_t seed)
{
	if (folders != MACHINE_BOTH)
		return MACHINE_BOTH;
	return seed & 1 ? MACHINE_FIRST : MACHINE_SECOND;
}

/* It goes on, and is started once more with what it was not started with before. */
static const char *second_life(const struct image *image, uint64_t *random)
{
	const enum machine_folders next = next_of(image->folders, image->seed);
	const char *wrong;

	script_random(&history, random, SECOND_CALLS);
	wrong = history.fault[0] ? history.fault : NULL;
	history_close(&history);
	machine_lose_power(image->loss, SECTOR_BYTES, random);
	if (wrong)
		return wrong;
	if (may_lack(next))
		return next == MACHINE_BOTH ? "both are behind" : "one is behind, and nothing has failed";
	machine_mirror(next);
	return start_and_check();
}

/* A disk that knows that it is behind is not started with, though the mirror may be missing. */
static const char *expect_refusal(const struct image *image)
{
	int side = image->folders == MACHINE_FIRST ? 0 : 1;

	refused++;
	if (state_of(side) != STANDING_STALE)
		return NULL; /* it cannot know */
	machine_mirror(image->folders);
	return machine_start() == -EPERM ? NULL : "a stale one is started with";
}

/* False: it has not happened. */
static bool try(struct image *image)
{
	uint64_t random = image->seed;
	const char *wrong;
	bool happens;

	watchdog(WATCHDOG_S);
	machine_use(image->has_queues ? MACHINE_QUEUED : MACHINE_PLAIN, image->seed);
	machine_begin();
	history_begin(&history);
	wrong = first_life(image, &random, &happens);
	if (!wrong && image->recovery_at >= 0) {
		machine_mirror(MACHINE_BOTH);
		cut_recovery(image, &random);
	}
	if (state_of(0) == 0)
		image->folders = MACHINE_BOTH; /* they have not become a pair yet: nothing was acknowledged */
	if (!wrong && may_lack(image->folders)) {
		wrong = expect_refusal(image);
	} else if (!wrong) {
		machine_mirror(image->folders);
		wrong = start_and_check();
		if (!wrong)
			wrong = second_life(image, &random);
	}
	if (image->side < 0)
		cuts[image->has_queues]++;
	else
		errors[image->has_queues]++;
	if (wrong)
		failed(image, wrong);
	history_close(&history);
	machine_end();
	return happens;
}

/* ---- all of them ------------------------------------------------------------------------------ */

/* One after the other, what can vary beside the call at which it happens. */
static struct image vary(const struct script *script, int at, int side, uint64_t number)
{
	return (struct image){.script = script,
			      .at = at,
			      .side = side,
			      .nearby = (int)(number % NEARBY) - 2,
			      .for_good = number & 1,
			      .has_queues = number >> 1 & 1,
			      .loss = (enum shadow_loss)(number % SHADOW_LOSS_COUNT),
			      .folders = MACHINE_BOTH + (enum machine_folders)(number % 3),
			      .recovery_at = -1,
			      .seed = number};
}

static void everywhere(const struct script *script, int side, uint64_t seed, int every, int variants)
{
	uint64_t before = images();
	bool happens = true;

	if (only && strcmp(only, script->name) != 0)
		return;

	for (int at = only_at >= 0 ? only_at : 0; happens && failures < 10; at += every) {
		happens = false;
		for (int i = 0; i < variants; i++) {
			/* No step of 2, 3, 5 or 17: each of the variants comes with each of the others in time. */
			struct image image =
				vary(script, at, side, seed + (uint64_t)at / (unsigned)every * 7 + (uint64_t)i);

			happens = try(&image) || happens;
		}
		if (only_at >= 0)
			break;
	}
	printf("%-8s %s: %llu images\n", script->name,
	       side < 0	   ? "power"
	       : side == 0 ? "first disk"
			   : "second disk",
	       (unsigned long long)(images() - before));
}

static void one_by_chance(uint64_t drawn)
{
	struct image image = vary(NULL, (int)(drawn >> 40) % FAR, (int)(drawn >> 20) % 3 - 1, drawn >> 8);

	image.seed = drawn;
	image.recovery_at = drawn >> 30 & 1 ? (int)(drawn >> 50) % 60 : -1;
	try(&image);
}

static void by_chance(uint64_t seed, time_t until)
{
	uint64_t random = seed, before = images();

	while ((time(NULL) < until || images() < before + RANDOM_LEAST) && failures < 10)
		one_by_chance(random_next(&random));
}

int main(int argc, char **argv)
{
	struct test_arguments arguments;
	const char *number;
	time_t until;

	if (test_flag_take(&argc, argv, "--encrypted"))
		machine_change_keys();
	if (argc == 3 && strcmp(argv[1], "--again") == 0) {
		one_by_chance(strtoull(argv[2], NULL, 0));
		return failures > 0;
	}
	only = test_argument_take(&argc, argv, "--script");
	number = test_argument_take(&argc, argv, "--at");
	only_at = number ? atoi(number) : -1;
	arguments = test_arguments_read(argc, argv, 6);
	until = time(NULL) + (time_t)arguments.seconds;
	for (int i = 0; i < script_count; i++) {
		bool all = arguments.seconds >= 60;
		int every = all ? 1 : scripts[i].is_long ? 11 : 1;

		for (int side = -1; side < 2; side++)
			everywhere(&scripts[i], side, arguments.seed, every, all ? 30 : 3);
	}
	if (!only || strcmp(only, "random") == 0)
		by_chance(arguments.seed, until);
	machine_tally("power_cuts", cuts);
	machine_tally("recovery_cuts", recovery_cuts);
	machine_tally("disk_errors", errors);
	printf("%llu times a disk was behind\n", (unsigned long long)refused);
	printf("%llu passed, %llu failed\n", (unsigned long long)(images() - failures),
	       (unsigned long long)failures);
	return failures > 0 || !machine_has_queued();
}
