/* --seconds N --seed S: how long a random test runs, and how to run it again. TEST_SEED in the environment is
 * the seed of whoever is given none. */
#ifndef TEST_ARGUMENTS_H
#define TEST_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct test_arguments {
	uint64_t seconds, seed;
};

/* Reads them over the defaults; without a seed one is drawn. Prints the seed. Exits 2 on others. */
struct test_arguments test_arguments_read(int count, char **values, uint64_t default_seconds);

/* Take what a test understands beside them out of the arguments: the value behind `name`, NULL if it is not there;
 * whether `name` is there. */
const char *test_argument_take(int *count, char **values, const char *name);
bool test_flag_take(int *count, char **values, const char *name);

/* The seed of the environment, or `otherwise`. */
uint64_t test_seed(uint64_t otherwise);

/* xorshift64*; never leaves 0 behind. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state ? *state : UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
