#include "tests/interleave/visited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *table; /* open addressing; 0 is an empty place */
static size_t table_size, table_used;

static uint64_t *find_place(uint64_t *in, size_t size, uint64_t fingerprint)
{
	size_t at = fingerprint & (size - 1);

	while (in[at] != 0 && in[at] != fingerprint)
		at = (at + 1) & (size - 1);
	return &in[at];
}

static void grow(void)
{
	size_t size = table_size ? table_size * 2 : 1 << 16;
	uint64_t *bigger = calloc(size, sizeof(*bigger));

	if (!bigger) {
		fprintf(stderr, "interleave: no memory for %zu states; choose a smaller bound\n", size);
		exit(1);
	}
	for (size_t i = 0; i < table_size; i++)
		if (table[i])
			*find_place(bigger, size, table[i]) = table[i];
	free(table);
	table = bigger;
	table_size = size;
}

bool visited_add(uint64_t fingerprint)
{
	uint64_t *place;

	if (fingerprint == 0)
		fingerprint = 1;
	if (table_used * 4 >= table_size * 3)
		grow();
	place = find_place(table, table_size, fingerprint);
	if (*place)
		return false;
	*place = fingerprint;
	table_used++;
	return true;
}

size_t visited_count(void)
{
	return table_used;
}

void visited_clear(void)
{
	free(table);
	table = NULL;
	table_size = table_used = 0;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Four lanes, since each waits for its own multiplication only. */
static inline void mix_in(uint64_t lane[4], const unsigned char *at, size_t number)
{
	static const uint64_t factor[4] = {UINT64_C(0xe7037ed1a0b428db), UINT64_C(0xa0761d6478bd642f),
					   UINT64_C(0x8ebc6af09c88c6e3), UINT64_C(0x589965cc75374cc3)};
	uint64_t word[4];

	memcpy(word, at, sizeof(word));
	lane[0] = mix(lane[0] ^ word[0], factor[0]) + number;
	lane[1] = mix(lane[1] ^ word[1], factor[1]) + number;
	lane[2] = mix(lane[2] ^ word[2], factor[2]) + number;
	lane[3] = mix(lane[3] ^ word[3], factor[3]) + number;
}

uint64_t fingerprint_of(uint64_t seed, const void *memory, size_t bytes)
{
	const unsigned char *at = memory;
	uint64_t lane[4] = {seed ^ UINT64_C(0x9e3779b97f4a7c15), seed ^ UINT64_C(0xc2b2ae3d27d4eb4f),
			    seed ^ UINT64_C(0x1d8e4e27c47d124f), seed ^ UINT64_C(0xeb44accab455d165)};
	unsigned char rest[32] = {0};
	size_t i = 0;

	for (; i + 32 <= bytes; i += 32)
		mix_in(lane, at + i, i);
	if (i < bytes) {
		memcpy(rest, at + i, bytes - i);
		mix_in(lane, rest, bytes);
	}
	return mix(lane[0] ^ UINT64_C(0x8ebc6af09c88c6e3), lane[1] ^ UINT64_C(0x589965cc75374cc3)) ^
	       mix(lane[2] ^ UINT64_C(0xe7037ed1a0b428db), lane[3] ^ UINT64_C(0xa0761d6478bd642f));
}
