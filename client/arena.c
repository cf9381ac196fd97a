#include "client/internal.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 64 * 1024 };

static void use_chunk(struct arena *arena, struct arena_chunk *chunk)
{
	arena->chunks = chunk;
	arena->next = chunk ? chunk->data : NULL;
	arena->end = chunk ? chunk->data + chunk->bytes : NULL;
}

void *arena_take_chunk(struct arena *arena, size_t bytes)
{
	size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (chunk == NULL)
		return NULL;
	*chunk = (struct arena_chunk){.next = arena->chunks, .bytes = size};
	use_chunk(arena, chunk);
	arena->next += bytes;
	return chunk->data;
}

/* Keeps the largest chunk, whose pages are touched already. */
void arena_reset_chunks(struct arena *arena)
{
	struct arena_chunk *keep = arena->chunks;

	for (struct arena_chunk *chunk = keep->next; chunk; chunk = chunk->next)
		if (chunk->bytes > keep->bytes)
			keep = chunk;
	for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		if (chunk != keep)
			free(chunk);
	}
	keep->next = NULL;
	use_chunk(arena, keep);
}

void arena_free(struct arena *arena)
{
	arena_reset(arena);
	free(arena->chunks);
	*arena = (struct arena){0};
}
