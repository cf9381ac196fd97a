/* The set of states seen, as 64-bit fingerprints. With 10^8 states the chance that two different
 * ones share a fingerprint anywhere is about 1 in 4,000. */
#ifndef INTERLEAVE_VISITED_H
#define INTERLEAVE_VISITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds one fingerprint; false if it was there already. */
bool visited_add(uint64_t fingerprint);
size_t visited_count(void);
void visited_clear(void);

/* Fingerprint of `bytes` bytes (a multiple of 8), carried on from `seed`. */
uint64_t fingerprint_of(uint64_t seed, const void *memory, size_t bytes);

#endif
