/* Random scripts on the product, judged by the model. What fails is shrunk, printed, and left in a file.
 *
 * histories [--type standard|fifo] [--seconds N] [--count N] [--seed S] [--turns exact|any] [--again FILE...]
 * Exit 0; 1; 77: the product has no such queues. */
#include "tests/model/driver_ringlease.h"
#include "tests/model/play.h"
#include "tests/support/arguments.h"
#include "tests/support/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { SHORT_MAX = 40, LONG_EVERY = 16, LONG_MAX = 200 };

struct wish {
	bool is_fifo, any_turn;
	uint64_t seconds, count, seed;
	char **again; /* files, up to a NULL */
};

static void usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--type standard|fifo] [--seconds N] [--count N] [--seed S] [--turns exact|any] "
		"[--again FILE...]\n",
		program);
	exit(2);
}

static struct wish wish_read(int count, char **values)
{
	struct wish wish = {.seconds = 4, .count = 40000};

	if (getrandom(&wish.seed, sizeof(wish.seed), 0) != sizeof(wish.seed))
		wish.seed = 1;
	wish.seed = test_seed(wish.seed);
	for (int i = 1; i < count; i += 2) {
		if (i + 1 == count)
			usage(values[0]);
		if (strcmp(values[i], "--type") == 0)
			wish.is_fifo = strcmp(values[i + 1], "fifo") == 0;
		else if (strcmp(values[i], "--turns") == 0)
			wish.any_turn = strcmp(values[i + 1], "any") == 0;
		else if (strcmp(values[i], "--seconds") == 0)
			wish.seconds = strtoull(values[i + 1], NULL, 0);
		else if (strcmp(values[i], "--count") == 0)
			wish.count = strtoull(values[i + 1], NULL, 0);
		else if (strcmp(values[i], "--seed") == 0)
			wish.seed = strtoull(values[i + 1], NULL, 0);
		else if (strcmp(values[i], "--again") == 0) {
			wish.again = &values[i + 1];
			break;
		} else
			usage(values[0]);
	}
	return wish;
}

static void say_bad(const struct driver *driver, struct script *script, const char *program)
{
	const char *base = getenv("TMPDIR");
	struct played played;
	char path[256];
	FILE *out;
	int file;

	snprintf(path, sizeof(path), "%s/ringlease-script.XXXXXX", base ? base : "/tmp");
	file = mkstemp(path);
	out = file < 0 ? NULL : fdopen(file, "w");
	shrink(driver, script, &played);
	if (played.verdict != BAD)
		printf("It fails only behind others, so say --seed and --count as above.\n\n");
	else
		printf("%s\nThe last of these breaks it:\n\n", played.why);
	script_print(script, stdout);
	if (out == NULL)
		return;
	script_print(script, out);
	fclose(out);
	printf("\nagain: %s --again %s\n", program, path);
}

/* 0, or 1 if a rule is broken; exits 2 if it is no script, 77 if the product has no such queues. */
static int play_file(const struct driver *driver, const char *path)
{
	static struct script script;
	struct played played;
	FILE *in = fopen(path, "r");
	int line = 0;

	if (in == NULL || !script_read(&script, in, &line)) {
		fprintf(stderr, "%s: %s %d\n", path, in ? "no operation in line" : "cannot be read", line);
		exit(2);
	}
	fclose(in);
	play(driver, &script, &played);
	if (played.verdict == SKIPPED) {
		printf("%s\n", played.why);
		exit(77);
	}
	if (played.verdict == GOOD) {
		printf("ok    %s\n", path);
		return 0;
	}
	script.count = played.at + 1;
	printf("FAIL  %s\n%s\nThe last of these breaks it:\n\n", path, played.why);
	script_print(&script, stdout);
	return 1;
}

static int play_many(const struct driver *driver, const struct driver *fresh, const struct wish *wish,
		     const char *program)
{
	static struct script script;
	struct played sum = {0}, played;
	uint64_t random = wish->seed, done = 0;
	time_t end = time(NULL) + (time_t)wish->seconds;

	printf("seed %llu (again with --seed %llu --count %llu)\n", (unsigned long long)wish->seed,
	       (unsigned long long)wish->seed, (unsigned long long)wish->count);
	for (; done < wish->count && time(NULL) <= end; done++) {
		uint64_t seed = random_next(&random);

		script_draw(&script, wish->is_fifo, done % LONG_EVERY ? SHORT_MAX : LONG_MAX, seed);
		play(driver, &script, &played);
		if (played.verdict == SKIPPED) {
			printf("%s\n", played.why);
			return 77;
		}
		if (played.verdict == BAD) {
			printf("script %llu: %s\n", (unsigned long long)done, played.why);
			say_bad(fresh, &script, program);
			return 1;
		}
		sum.sends += played.sends;
		sum.receives += played.receives;
		sum.moves += played.moves;
		sum.duplicates += played.duplicates;
		sum.refused += played.refused;
	}
	printf("%llu scripts: %llu sends (%llu of them duplicates, %llu refused by a full queue), %llu received, "
	       "%llu "
	       "moved to the DLQ\n",
	       (unsigned long long)done, (unsigned long long)sum.sends, (unsigned long long)sum.duplicates,
	       (unsigned long long)sum.refused, (unsigned long long)sum.receives, (unsigned long long)sum.moves);
	tally(wish->is_fifo ? "scripts_fifo" : "scripts_standard", done);
	return 0;
}

int main(int count, char **values)
{
	struct wish wish = wish_read(count, values);
	struct driver fresh, driver = ringlease_driver(&fresh);
	int status = 0;

	driver.any_turn = fresh.any_turn = wish.any_turn;
	if (wish.again == NULL)
		status = play_many(&driver, &fresh, &wish, values[0]);
	for (; wish.again && *wish.again; wish.again++)
		status |= play_file(&fresh, *wish.again);

	ringlease_driver_close();
	return status;
}
