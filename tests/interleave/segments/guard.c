/* Only parts of the segments and handles belong to a state. Nobody may change the others. */
#include "tests/interleave/segments/journal.h"

#include <stdlib.h>
#include <string.h>

static unsigned char *copy;
static size_t at;
static const unsigned char *changed; /* the first byte; NULL: none */

static void visit(const void *memory, size_t bytes, bool begins)
{
	if (begins) {
		copy = realloc(copy, at + bytes);
		if (copy == NULL)
			abort();
		memcpy(copy + at, memory, bytes);
	} else {
		for (size_t i = 0; i < bytes && !changed && memcmp(copy + at, memory, bytes) != 0; i++)
			if (copy[at + i] != ((const unsigned char *)memory)[i])
				changed = (const unsigned char *)memory + i;
	}
	at += bytes;
}

static void visit_bits(const struct bitmap *map, bool begins)
{
	for (uint32_t level = 0; level < map->levels; level++)
		visit((const void *)map->level[level], 2 * sizeof(uint64_t), begins);
}

static void visit_all(bool begins)
{
	at = 0;
	changed = NULL;
	/* Of what an actor has received it looks at the first bytes alone, which are remembered. */
	for (int i = 0; i < explore_actor_count(); i++)
		visit(&own[i], offsetof(struct own, chunk), begins);
	for (int i = 0; i < KEEPERS - 1; i++)
		visit(&keepers[i], offsetof(struct keeper, group), begins);
	for (int queue = 0; queue < QUEUES; queue++) {
		visit(map_base[queue], SEG_ROWS + SEG_ROWS_STEP * sizeof(struct seg_row), begins);
		for (uint32_t i = 0; i < SEG_TABLE_COUNT; i++)
			visit(table_memory(queue, i), world_table_bytes(i), begins);
		for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
			visit(ring_memory(queue, ring), world_ring_bytes(2), begins);
		visit((const void *)body_places[queue].table, 2 * BLOCKS_SEEN * sizeof(uint64_t), begins);
		visit_bits(&body_places[queue].free, begins);
		visit_bits(&body_places[queue].holes, begins);
		for (uint32_t block = 0; block < BLOCKS_SEEN; block++)
			visit(block_bytes(queue, block), BLOCK_SEEN_BYTES, begins);
	}
}

void guard_begin(void)
{
	visit_all(true);
}

void guard_check(void)
{
	visit_all(false);
	if (changed)
		explore_fail("the byte at %#llx was changed, which is not remembered", (uintptr_t)changed);
}
