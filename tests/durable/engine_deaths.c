/* Only the engine ends, or its disk fails: the queues stay in memory.
 *
 *   engine_deaths [--seconds N] [--seed S] [--script NAME] [--fault N] [--disk plain|queued]
 *
 * Deaths: after every call that changes the disk nothing more gets there, then the engine is started again. Errors:
 * the n-th call of every kind fails, is interrupted or stops short, once or from then on, or the disk stops short
 * at every call. Whoever waits hears of it at once, receives go on, and when the engine has been started again
 * nothing is lost and nothing doubled; nor after the loss of power that follows, with all that was not flushed. All
 * of it by plain calls and with writes that are under way together; through the page cache too, which drops what it
 * could not flush and says so only once. */
#include "tests/durable/scripts.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WATCHDOG_S = 60, RANDOM_CALLS = 30, RANDOM_LEAST = 100, SHORT_BYTES = 700 };

static struct history history;
static uint64_t deaths[MACHINE_DISKS], errors[MACHINE_DISKS], failures;
static enum machine_disk disk;
static const char *only, *only_disk;
static int only_number = -1;

struct fault {
	const struct script *script; /* NULL: drawn */
	int number;		     /* calls of the disk that are made, or the one that fails */
	unsigned calls;		     /* 0: a death; else those of this kind fail */
	int error;
	bool for_good;
	size_t most;	  /* short writes; 0: whole */
	bool loses_power; /* right after the failure, instead of an engine that starts again */
	bool is_cached;	  /* the file system refuses what would go past the page cache */
	uint64_t seed;
};

static void failed(const struct fault *fault, const char *why)
{
	printf("FAILED: %s, %s%s, number %d of calls %#x, error %d%s%s, short %zu, seed %llu: %s\n",
	       fault->script ? fault->script->name : "random", machine_disk_names[disk],
	       fault->is_cached ? ", cached" : "", fault->number, fault->calls, fault->error,
	       fault->for_good ? " for good" : "", fault->loses_power ? ", then power" : "", fault->most,
	       (unsigned long long)fault->seed, why);
	failures++;
}

/* May a call that fails so be made again by who made it, and then does it end? */
static bool is_passing(const struct fault *fault)
{
	return (fault->error == -EINTR && !fault->for_good) || fault->error == SHADOW_SHORT;
}

static const char *start(const struct fault *fault)
{
	static char text[600];
	int error;

	disk_refuse_direct(fault->is_cached);
	error = machine_start();

	if (!error)
		return machine_set_aside() ? "a queue is set aside that nobody has closed" : NULL;
	snprintf(text, sizeof(text), "does not start: %s; it says: %s", rlq_strerror(error), machine_said());
	return text;
}

static int send_nothing(const struct told_queue *told)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = options.dedup_id = told->is_fifo ? "none" : NULL;
	return rlq_send(told->handle, "none", 4, &options, NULL);
}

/* With the journal gone: a send hears so, a receive works. Who slept would do so for ever: the clock stands. */
static const char *without_journal(void)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	int result;

	options.wait_ms = 0;
	options.visibility_ms = 0;
	for (int i = 0; i < QUEUES_MAX; i++) {
		if (history.queues[i].handle == NULL || history.queues[i].receives_max > 0)
			continue;
		result = send_nothing(&history.queues[i]);
		if (result != RLQ_EJOURNAL && result != RLQ_EENGINE && result != RLQ_EREMOVED)
			return "a send is taken by a journal that has failed";
		result = rlq_receive(history.queues[i].handle, &message, 1, &options);
		if (result < 0 && result != RLQ_EREMOVED)
			return "a receive fails with the journal";
		if (result == 1) { /* as a call of the history */
			uint32_t tag;

			memcpy(&tag, message.body, sizeof(tag));
			history.messages[tag].state[history.messages[tag].states - 1].receives++;
			for (int s = 0; s + 1 < history.messages[tag].states; s++)
				if (history.messages[tag].state[s].queue == i)
					history.messages[tag].state[s].receives =
						history.messages[tag]
							.state[history.messages[tag].states - 1]
							.receives;
		}
	}
	return NULL;
}

static const char *after_power_loss(const struct fault *fault, uint64_t *random)
{
	const char *wrong;

	history_close(&history);
	machine_lose_power(SHADOW_LOSE_ALL, SECTOR_BYTES, random);
	wrong = start(fault);
	return wrong ? wrong : history_check(&history);
}

static void play(const struct fault *fault, uint64_t *random)
{
	if (fault->script)
		fault->script->play(&history);
	else
		script_random(&history, random, RANDOM_CALLS);
}

static const char *restarted(const struct fault *fault, uint64_t *random)
{
	const char *wrong;

	history_close(&history);
	machine_kill_engine();
	wrong = start(fault);
	if (!wrong)
		wrong = history_check_alive(&history);
	if (!wrong)
		wrong = after_power_loss(fault, random);
	return wrong;
}

/* False: there was no such call. */
static bool try(const struct fault *fault)
{
	uint64_t random = fault->seed;
	const char *wrong = NULL;
	bool has_failed;

	watchdog(WATCHDOG_S);
	machine_use(disk, fault->seed);
	machine_begin();
	disk_refuse_direct(fault->is_cached);
	history_begin(&history);
	shadow_at_most(fault->most);
	if (fault->calls)
		disk_fail(fault->calls, fault->number, fault->error, fault->for_good);
	else
		disk_power_for(fault->number);
	if (machine_start() == 0) {
		play(fault, &random);
		if (history.fault[0])
			wrong = history.fault;
		else if (history.code && !fault->loses_power)
			wrong = without_journal();
	}
	has_failed = fault->calls ? disk_has_failed() : disk_is_off();
	if (!wrong && history.refused && fault->error != -ENOSPC)
		wrong = "a send is refused, and the disk is not full";
	if (!wrong && history.code && fault->calls && !fault->for_good)
		wrong = "a failure that has passed was told";
	if (!wrong && history.code && (!has_failed || is_passing(fault)))
		wrong = "a call was told that the journal is gone, and it is not";
	if (!wrong)
		wrong = fault->loses_power ? after_power_loss(fault, &random) : restarted(fault, &random);
	if (wrong)
		failed(fault, wrong);
	if (fault->calls)
		errors[disk]++;
	else
		deaths[disk]++;
	history_close(&history);
	machine_end();
	return has_failed;
}

static int first_of(uint64_t seed, int every)
{
	return only_number > 0 ? only_number : 1 + (int)(seed % (unsigned)every);
}

static void die_everywhere(const struct script *script, uint64_t seed, int every)
{
	struct fault fault = {.script = script, .seed = seed};

	for (fault.number = only_number >= 0 ? only_number : first_of(seed, every) - 1;
	     failures < 10 && try(&fault); fault.number += every)
		if (only_number >= 0)
			break;
}

/* `all`: every kind of call in every way; else of the single kinds one way. */
static void fail_everywhere(const struct script *script, uint64_t seed, int every, size_t most, bool all)
{
	static const int codes[] = {-EIO, -ENOSPC};
	static const unsigned kinds[] = {SHADOW_ANY,	SHADOW_WRITE,  SHADOW_FLUSH,  SHADOW_FLUSH_FOLDER,
					 SHADOW_RENAME, SHADOW_UNLINK, SHADOW_CREATE, SHADOW_ALLOCATE};
	int first = first_of(seed, every);

	for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (int variant = 0; variant < 4 && failures < 10; variant++) {
			struct fault fault = {.script = script,
					      .calls = kinds[kind],
					      .error = codes[variant & 1],
					      .for_good = variant & 1,
					      .loses_power = variant >> 1,
					      .most = most,
					      .seed = seed};
			bool is_left_out = !all && variant != (int)kind % 4 && kind > 0;

			for (fault.number = first; !is_left_out && failures < 10 && try(&fault);
			     fault.number += every)
				if (only_number >= 0)
					break;
		}
}

static void try_each(const struct fault *kinds, size_t count, const struct script *script, uint64_t seed, int every)
{
	int first = first_of(seed, every);

	for (size_t kind = 0; kind < count; kind++) {
		struct fault fault = kinds[kind];

		fault.script = script;
		fault.seed = seed;
		for (fault.number = first; failures < 10 && try(&fault); fault.number += every)
			if (only_number >= 0)
				break;
	}
}

/* A call that is interrupted, or refused for now, once, or that stops short, once or from then on: nobody notices.
 */
static void pass_everywhere(const struct script *script, uint64_t seed, int every)
{
	static const struct fault kinds[] = {{.calls = SHADOW_WRITE, .error = SHADOW_SHORT},
					     {.calls = SHADOW_WRITE, .error = SHADOW_SHORT, .for_good = true},
					     {.calls = SHADOW_WRITE, .error = -EINTR},
					     {.calls = SHADOW_FLUSH, .error = -EINTR},
					     {.calls = SHADOW_ALLOCATE, .error = -EINTR},
					     {.calls = SHADOW_ANY, .error = -EINTR},
					     {.calls = SHADOW_WRITE | SHADOW_FLUSH, .error = -EAGAIN}};

	try_each(kinds, sizeof(kinds) / sizeof(kinds[0]), script, seed, every);
}

/* A call that is interrupted each time that it is made again: at some time that is a failure, and is told. */
static void interrupt_everywhere(const struct script *script, uint64_t seed, int every)
{
	static const struct fault kinds[] = {
		{.calls = SHADOW_WRITE, .error = -EINTR, .for_good = true},
		{.calls = SHADOW_FLUSH, .error = -EINTR, .for_good = true, .loses_power = true},
		{.calls = SHADOW_ALLOCATE, .error = -EINTR, .for_good = true},
		{.calls = SHADOW_ANY, .error = -EINTR, .for_good = true, .loses_power = true},
		{.calls = SHADOW_WRITE | SHADOW_FLUSH, .error = -EAGAIN, .for_good = true}};

	try_each(kinds, sizeof(kinds) / sizeof(kinds[0]), script, seed, every);
}

/* A flush fails once, and the next one does not do what that should have done; or all fail until the engine has
 * started again, which finds in the page cache what the disk never got. */
static void forget_everywhere(const struct script *script, uint64_t seed, int every)
{
	int first = first_of(seed, every);

	for (int variant = 0; variant < 4; variant++) {
		struct fault fault = {.script = script,
				      .calls = SHADOW_FLUSH,
				      .error = -EIO,
				      .for_good = variant >> 1,
				      .loses_power = variant & 1,
				      .is_cached = true,
				      .seed = seed};

		for (fault.number = first; failures < 10 && try(&fault); fault.number += every)
			if (only_number >= 0)
				break;
	}
}

static uint64_t tried(void)
{
	return deaths[MACHINE_PLAIN] + deaths[MACHINE_QUEUED] + errors[MACHINE_PLAIN] + errors[MACHINE_QUEUED];
}

static void by_chance(uint64_t seed, time_t until)
{
	uint64_t random = seed, before = tried();

	while ((time(NULL) < until || tried() < before + RANDOM_LEAST) && failures < 10) {
		uint64_t drawn = random_next(&random);
		struct fault fault = {.number = 1 + (int)(drawn >> 40) % 150,
				      .calls = drawn >> 20 & 1 ? SHADOW_ANY : 0,
				      .error = drawn >> 21 & 1 ? -EIO : -ENOSPC,
				      .for_good = drawn >> 22 & 1,
				      .loses_power = drawn >> 23 & 1,
				      .is_cached = drawn >> 27 & 1,
				      .most = drawn >> 24 & 3 ? 0 : SHORT_BYTES,
				      .seed = drawn};

		disk = drawn >> 26 & 1 ? MACHINE_QUEUED : MACHINE_PLAIN;
		try(&fault);
	}
}

/* All faults of one script. `all`: of each kind, and at every call. */
static void break_everywhere(const struct script *script, uint64_t seed, bool all)
{
	int less = (all ? 1 : script->is_long ? 11 : 1) * (all || disk == MACHINE_PLAIN ? 1 : 3);

	die_everywhere(script, seed, less);
	fail_everywhere(script, seed, all ? 1 : 2 * less, 0, all);
	forget_everywhere(script, seed, less);
	if (script->is_long)
		return;
	pass_everywhere(script, seed, all ? 1 : 5 * less);
	interrupt_everywhere(script, seed, all ? 1 : 7 * less);
	fail_everywhere(script, seed, all ? 3 : 8 * less, SHORT_BYTES, all);
}

int main(int argc, char **argv)
{
	struct test_arguments arguments;
	const char *number;
	time_t until;

	only = test_argument_take(&argc, argv, "--script");
	only_disk = test_argument_take(&argc, argv, "--disk");
	number = test_argument_take(&argc, argv, "--fault");
	only_number = number ? atoi(number) : -1;
	arguments = test_arguments_read(argc, argv, 5);
	until = time(NULL) + (time_t)arguments.seconds;
	for (int i = 0; i < script_count; i++)
		for (disk = 0; disk < MACHINE_DISKS; disk++)
			if ((!only || strcmp(only, scripts[i].name) == 0) &&
			    (!only_disk || strcmp(only_disk, machine_disk_names[disk]) == 0))
				break_everywhere(&scripts[i], arguments.seed, arguments.seconds >= 60);
	if (!only || strcmp(only, "random") == 0)
		by_chance(arguments.seed, until);
	machine_tally("engine_deaths", deaths);
	machine_tally("disk_errors", errors);
	printf("%llu passed, %llu failed\n", (unsigned long long)(tried() - failures),
	       (unsigned long long)failures);
	return failures > 0 || tried() == 0;
}
