/* Plain replay of a fuzz harness: with files, each of them once; without, a short seeded run over random
 * inputs and mutations of one another. With libFuzzer its own main is used instead. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, SEEDED_MAX = 4096, SEEDED_RUNS = 300, RUN_SECONDS = 20 };

static uint8_t input[INPUT_MAX];
static uint64_t state = 42;

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

/* A new input every fourth time, else the last one with some bytes changed. */
static void run_seeded(void)
{
	size_t count = 0;

	for (int run = 0; run < SEEDED_RUNS; run++) {
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
	tally("fuzz_runs", SEEDED_RUNS);
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += replay(argv[i]);
	if (argc == 1)
		run_seeded();
	return failed > 0;
}
