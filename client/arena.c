#include "client/internal.h"

#include <stdlib.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
	_Alignas(16) unsigned char data[];
};

enum { CHUNK_BYTES = 64 * 1024, ALIGNMENT = 16 };

void *arena_take(struct arena *arena, size_t bytes)
{
	size_t need = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct arena_chunk *chunk = arena->chunks;
	void *taken;

	if (chunk == NULL || chunk->bytes - arena->used < need) {
		size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + size);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct arena_chunk){.next = arena->chunks, .bytes = size};
		arena->chunks = chunk;
		arena->used = 0;
	}
	taken = chunk->data + arena->used;
	arena->used += need;
	return taken;
}

/* Keeps the largest chunk, whose pages are touched already. */
void arena_reset(struct arena *arena)
{
	struct arena_chunk *keep = arena->chunks;

	arena->used = 0;
	if (keep == NULL || keep->next == NULL)
		return;
	for (struct arena_chunk *chunk = keep->next; chunk; chunk = chunk->next)
		if (chunk->bytes > keep->bytes)
			keep = chunk;
	for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		if (chunk != keep)
			free(chunk);
	}
	keep->next = NULL;
	arena->chunks = keep;
}

void arena_free(struct arena *arena)
{
	arena_reset(arena);
	free(arena->chunks);
	*arena = (struct arena){0};
}
