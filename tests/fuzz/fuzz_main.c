/* Plain replay of a fuzz harness: with files, each of them once; without, a short seeded run over random
 * inputs and mutations of one another, or a longer one: --seconds N, --seed S. With libFuzzer its own main is used
 * instead. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/arguments.h"
#include "tests/support/tally.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, SEEDED_MAX = 4096, SEEDED_RUNS = 300, RUN_SECONDS = 20, DEFAULT_SEED = 42 };

static uint8_t input[INPUT_MAX];
static uint64_t state;

static uint32_t random_below(uint32_t below)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(state >> 33) % below;
}

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t count;

	if (file == NULL) {
		perror(path);
		return 1;
	}
	count = fread(input, 1, sizeof(input), file);
	fclose(file);
	alarm(RUN_SECONDS);
	LLVMFuzzerTestOneInput(input, count);
	return 0;
}

/* A new input every fourth time, else the last one with some bytes changed. At least SEEDED_RUNS. */
static void run_seeded(uint64_t seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	uint64_t run = 0;
	size_t count = 0;

	for (; run < SEEDED_RUNS || time(NULL) < end; run++) {
		if (run % 4 == 0) {
			count = random_below(SEEDED_MAX);
			for (size_t i = 0; i < count; i++)
				input[i] = (uint8_t)random_below(256);
		}
		for (int change = 0; change < 8 && count > 0; change++)
			input[random_below((uint32_t)count)] = (uint8_t)random_below(256);
		alarm(RUN_SECONDS);
		LLVMFuzzerTestOneInput(input, count);
	}
	tally("fuzz_runs", run);
}

int main(int argc, char **argv)
{
	struct test_arguments arguments = {.seed = test_seed(DEFAULT_SEED)};
	bool is_replay = argc > 1 && strncmp(argv[1], "--", 2) != 0;
	int failed = 0;

	for (int i = 1; is_replay && i < argc; i++)
		failed += replay(argv[i]);
	if (is_replay)
		return failed > 0;
	if (argc > 1)
		arguments = test_arguments_read(argc, argv, 0);
	state = arguments.seed;
	run_seeded(arguments.seconds);
	return 0;
}
