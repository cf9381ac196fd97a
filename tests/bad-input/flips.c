/* Bits flipped all over a live segment: thousands of them, seeded; no crash, no hang, no wrong answer.
 * --seed S, --rounds N, --seconds N: as many rounds, or as long. */
#include "tests/support/arguments.h"
#include "tests/support/child.h"
#include "tests/support/segment_play.h"
#include "tests/support/shared.h"
#include "tests/support/tally.h"

#include <string.h>
#include <time.h>

enum {
	ROUNDS = 400,
	BYTES_MAX = 16000, /* rounds are of different lengths: after many flips little works */
	ROUND_SECONDS = 20,
};

struct round {
	uint64_t seed, flips;
};

static void play_round(void *context)
{
	struct round *round = context;
	static uint8_t bytes[BYTES_MAX];
	size_t count = BYTES_MAX >> round->seed % 5;
	uint64_t random = round->seed;

	watchdog(ROUND_SECONDS);
	for (size_t i = 0; i < count; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		bytes[i] = (uint8_t)(random >> 56);
	}
	round->flips += segment_play(bytes, count);
}

static uint64_t argument(int argc, char **argv, const char *name, uint64_t otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return strtoull(argv[i + 1], NULL, 0);
	return otherwise;
}

int main(int argc, char **argv)
{
	uint64_t seed = argument(argc, argv, "--seed", test_seed(1)),
		 seconds = argument(argc, argv, "--seconds", 0);
	uint64_t rounds = argument(argc, argv, "--rounds", seconds ? UINT64_MAX : ROUNDS), i = 0;
	time_t end = time(NULL) + (time_t)seconds;
	struct round *round = shared_memory(sizeof(*round));
	int failed = 0;

	for (; i < rounds && (seconds == 0 || time(NULL) < end); i++) {
		int status;

		round->seed = seed + i;
		status = child_wait(child_start(play_round, round));
		if (!child_exited(status, 0)) {
			printf("FAIL: --seed %lu --rounds 1: %s\n", (unsigned long)round->seed,
			       child_status_text(status));
			failed++;
		}
	}
	printf("%lu bits flipped in %lu rounds\n", (unsigned long)round->flips, (unsigned long)i);
	tally("flips", round->flips);
	printf("%lu passed, %d failed\n", (unsigned long)(i - (uint64_t)failed), failed);
	return failed > 0;
}
