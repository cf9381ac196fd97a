/* The images met so far, by their hashes; shared by all workers. */
#ifndef TEST_IMAGES_KNOWN_H
#define TEST_IMAGES_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

enum { KNOWN_MAX = 1 << 23 };

struct known {
	_Atomic uint64_t hash[KNOWN_MAX]; /* 0: none */
};

/* Adds it; false if it was there already. */
static inline bool known_add(struct known *known, uint64_t hash)
{
	uint64_t wanted = hash ? hash : 1;

	for (uint64_t at = wanted % KNOWN_MAX, looks = 0; looks < KNOWN_MAX; at = (at + 1) % KNOWN_MAX, looks++) {
		uint64_t there = 0;

		if (__atomic_compare_exchange_n((uint64_t *)&known->hash[at], &there, wanted, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			return true;
		if (there == wanted)
			return false;
	}
	return false; /* full: no image is new any more */
}

#endif
