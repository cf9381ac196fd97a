/* The memory of jansson, of which the N-th piece asked for cannot be had; and none may be lost. */
#ifndef TEST_GATEWAY_FAILING_MEMORY_H
#define TEST_GATEWAY_FAILING_MEMORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
	int left; /* until it fails, once */
	int held; /* pieces not freed */
} memory;

static inline void *memory_take(size_t bytes)
{
	if (memory.left-- == 0)
		return NULL;
	memory.held++;
	return malloc(bytes);
}

static inline void memory_give(void *piece)
{
	memory.held -= piece != NULL;
	free(piece);
}

/* The `number`-th piece from now on, 0 being the first. */
static inline void memory_fail(int number)
{
	memory.left = number;
	json_set_alloc_funcs(memory_take, memory_give);
}

static inline bool memory_has_failed(void)
{
	return memory.left < 0;
}

#endif
