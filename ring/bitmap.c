#include "ring/bitmap.h"
#include "ring/crashpoint.h"

static uint32_t words_for(uint32_t bits)
{
	return (bits + 63) / 64;
}

size_t bitmap_bytes(uint32_t bits)
{
	size_t words = 0;

	do {
		bits = words_for(bits);
		words += bits;
	} while (bits > 1);
	return words * sizeof(atomic_u64);
}

void bitmap_place(struct bitmap *ret, void *memory, uint32_t bits)
{
	atomic_u64 *next = memory;
	uint32_t words = bits;

	*ret = (struct bitmap){.bits = bits};
	do {
		words = words_for(words);
		ret->level[ret->levels++] = next;
		next += words;
	} while (words > 1);
}

void bitmap_set_word(const struct bitmap *map, uint32_t index, uint64_t bits)
{
	for (uint32_t level = 0; level < map->levels; level++) {
		/* [B1] The word before its summary. */
		fetch_or_seq(&map->level[level][index], bits);
		bits = UINT64_C(1) << (index % 64);
		index /= 64;
		CRASH_POINT(bit_set);
	}
}

void bitmap_set(const struct bitmap *map, uint32_t bit)
{
	bitmap_set_word(map, bit / 64, UINT64_C(1) << (bit % 64));
}

/* Takes away the summaries of word `index` of level `below` while they stand over empty words. */
static void summaries_clear(const struct bitmap *map, uint32_t below, uint32_t index)
{
	for (uint32_t level = below + 1; level < map->levels; level++) {
		uint64_t summary = UINT64_C(1) << (index % 64);
		uint64_t left = fetch_and_acquire(&map->level[level][index / 64], ~summary) & ~summary; /* [B2] */

		CRASH_POINT(bit_summary_cleared);
		/* [B2] The word again, after its summary: pairs with [B1]. Either the setter's summary
		 * comes after our clear, or its bit is seen here. relaxed: both change the summary, which
		 * orders them; and whoever put a summary there has released its word with it. */
		if (load_relaxed(&map->level[level - 1][index]) != 0) {
			for (; level < map->levels; level++) {
				fetch_or_relaxed(&map->level[level][index / 64], UINT64_C(1) << (index % 64));
				index /= 64;
				CRASH_POINT(bit_set);
			}
			return;
		}
		if (left != 0)
			return;
		index /= 64;
	}
}

bool bitmap_clear(const struct bitmap *map, uint32_t bit)
{
	uint64_t mask = UINT64_C(1) << (bit % 64);
	/* [S4], [K2] The bit goes before its slot is looked at, the mark before the claim is published. */
	uint64_t before = fetch_and_seq(&map->level[0][bit / 64], ~mask);

	CRASH_POINT(bit_cleared);
	if ((before & ~mask) == 0)
		summaries_clear(map, 0, bit / 64);
	return before & mask;
}

/* First set bit of level `level` at or after `from` within one word; -1 if none. */
static int64_t find_in_word(const struct bitmap *map, uint32_t level, uint32_t from)
{
	uint64_t word = load_seq(&map->level[level][from / 64]) >> (from % 64); /* [S5] */

	return word ? (int64_t)from + __builtin_ctzll(word) : -1;
}

/* Bits that a level has. */
static uint32_t level_bits(const struct bitmap *map, uint32_t level)
{
	uint32_t bits = map->bits;

	while (level-- > 0)
		bits = words_for(bits);
	return bits;
}

/* Goes down from a set bit of level `level` to a bit of level 0; -1 where a summary lied, which is
 * mended, or where it is damaged and leads out of the map. */
static int64_t descend(const struct bitmap *map, uint32_t level, int64_t bit)
{
	while (level > 0) {
		uint32_t index = (uint32_t)bit;

		if (index >= level_bits(map, level)) {
			/* relaxed: no word below answers to a bit that leads out of the map */
			fetch_and_relaxed(&map->level[level][index / 64], ~(UINT64_C(1) << (index % 64)));
			return -1;
		}
		level--;
		bit = find_in_word(map, level, index * 64);
		if (bit < 0) {
			summaries_clear(map, level, index);
			return -1;
		}
	}
	return bit;
}

static int64_t find_from(const struct bitmap *map, uint32_t from)
{
	uint32_t words = words_for(map->bits);

	for (uint32_t level = 0; level < map->levels; level++) {
		if (from / 64 < words) {
			int64_t bit = find_in_word(map, level, from);

			if (bit >= 0) {
				bit = descend(map, level, bit);
				return bit < (int64_t)map->bits ? bit : -1;
			}
		}
		from = from / 64 + 1;
		words = words_for(words);
	}
	return -1;
}

int64_t bitmap_find(const struct bitmap *map, uint32_t from)
{
	/* A search that a summary misled has mended it: again, so that a lie hides no bit behind it. */
	for (int tries = 0; tries < BITMAP_LIES_MAX && bitmap_any(map); tries++) {
		int64_t bit = find_from(map, from);

		if (bit < 0 && from > 0)
			bit = find_from(map, 0);
		if (bit >= 0)
			return bit;
	}
	return -1;
}

int64_t bitmap_find_plain(const struct bitmap *map, uint32_t from)
{
	uint32_t words = words_for(map->bits), first = from / 64;
	int64_t bit = find_in_word(map, 0, from);

	/* The first word once more at the end, for its bits before `from`. */
	for (uint32_t i = 1; bit < 0 && i <= words; i++)
		bit = find_in_word(map, 0, (first + i) % words * 64);
	return bit;
}

uint32_t bitmap_run(const struct bitmap *map, uint32_t from)
{
	uint64_t word = load_seq(&map->level[0][from / 64]) >> (from % 64); /* [K3] the marks, after head */
	uint32_t room = 64 - from % 64;

	if (word == UINT64_MAX)
		return room;
	return (uint32_t)__builtin_ctzll(~word) < room ? (uint32_t)__builtin_ctzll(~word) : room;
}
