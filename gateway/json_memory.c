#include "gateway/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

enum { STEP_BYTES = 16, SIZES = 17, KEPT_MAX = 128 };

struct piece {
	struct piece *next;
};

/* Pieces by their size in steps. */
struct kept {
	struct piece *first[SIZES];
	uint32_t count[SIZES];
};

static _Thread_local struct kept kept;
static _Thread_local bool is_known; /* to `threads` */
static pthread_key_t threads;

static void *take(size_t bytes)
{
	size_t steps = (bytes + STEP_BYTES - 1) / STEP_BYTES;
	struct piece *piece = steps < SIZES ? kept.first[steps] : NULL;

	if (piece == NULL)
		return malloc(steps * STEP_BYTES);
	kept.first[steps] = piece->next;
	kept.count[steps]--;
	return piece;
}

static void give(void *memory)
{
	size_t steps = malloc_usable_size(memory) / STEP_BYTES;
	struct piece *piece = memory;

	if (steps == 0 || steps >= SIZES || kept.count[steps] == KEPT_MAX) {
		free(memory);
		return;
	}
	if (!is_known)
		is_known = pthread_setspecific(threads, &kept) == 0;
	piece->next = kept.first[steps];
	kept.first[steps] = piece;
	kept.count[steps]++;
}

static void give_back_all(void *of_thread)
{
	struct kept *ended = of_thread;

	for (size_t steps = 0; steps < SIZES; steps++)
		while (ended->first[steps]) {
			struct piece *piece = ended->first[steps];

			ended->first[steps] = piece->next;
			ended->count[steps]--;
			free(piece);
		}
	is_known = false; /* what other ends of the thread still give is to be given back too */
}

bool json_memory_keep(void)
{
	if (is_sanitized || pthread_key_create(&threads, give_back_all) != 0)
		return false;
	json_set_alloc_funcs(take, give);
	return true;
}
