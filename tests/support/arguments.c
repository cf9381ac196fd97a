#include "tests/support/arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

uint64_t test_seed(uint64_t otherwise)
{
	const char *given = getenv("TEST_SEED");

	return given && *given ? strtoull(given, NULL, 0) : otherwise;
}

static void take_out(int *count, char **values, int first, int how_many)
{
	memmove(&values[first], &values[first + how_many], sizeof(values[0]) * (size_t)(*count - first - how_many));
	*count -= how_many;
}

const char *test_argument_take(int *count, char **values, const char *name)
{
	for (int i = 1; i + 1 < *count; i++)
		if (strcmp(values[i], name) == 0) {
			const char *value = values[i + 1];

			take_out(count, values, i, 2);
			return value;
		}
	return NULL;
}

bool test_flag_take(int *count, char **values, const char *name)
{
	for (int i = 1; i < *count; i++)
		if (strcmp(values[i], name) == 0) {
			take_out(count, values, i, 1);
			return true;
		}
	return false;
}

struct test_arguments test_arguments_read(int count, char **values, uint64_t default_seconds)
{
	struct test_arguments arguments = {.seconds = default_seconds};

	if (getrandom(&arguments.seed, sizeof(arguments.seed), 0) != sizeof(arguments.seed))
		arguments.seed = 1;
	arguments.seed = test_seed(arguments.seed);
	for (int i = 1; i < count; i += 2) {
		uint64_t *into = strcmp(values[i], "--seconds") == 0 ? &arguments.seconds
				 : strcmp(values[i], "--seed") == 0  ? &arguments.seed
								     : NULL;
		char *end;

		if (into == NULL || i + 1 == count) {
			fprintf(stderr, "usage: %s [--seconds N] [--seed S]\n", values[0]);
			exit(2);
		}
		*into = strtoull(values[i + 1], &end, 0);
		if (*end != '\0') {
			fprintf(stderr, "%s: not a number: %s\n", values[i], values[i + 1]);
			exit(2);
		}
	}
	printf("seed %" PRIu64 " (again with --seed %" PRIu64 " --seconds %" PRIu64 ")\n", arguments.seed,
	       arguments.seed, arguments.seconds);
	return arguments;
}
