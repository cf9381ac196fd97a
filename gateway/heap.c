/* A binary heap. */
#include "gateway/heap.h"

#include <errno.h>
#include <stdlib.h>

/* Places count from 1: the children of p are 2p and 2p + 1. */
static void put(struct heap *heap, size_t place, struct heap_entry *entry)
{
	heap->entry[place - 1] = entry;
	entry->place = place;
}

static struct heap_entry *at(const struct heap *heap, size_t place)
{
	return heap->entry[place - 1];
}

static void rise(struct heap *heap, size_t place, struct heap_entry *entry)
{
	for (; place > 1 && at(heap, place / 2)->key > entry->key; place /= 2)
		put(heap, place, at(heap, place / 2));
	put(heap, place, entry);
}

static void sink(struct heap *heap, size_t place, struct heap_entry *entry)
{
	for (size_t child; (child = 2 * place) <= heap->count; place = child) {
		if (child < heap->count && at(heap, child + 1)->key < at(heap, child)->key)
			child++;
		if (at(heap, child)->key >= entry->key)
			break;
		put(heap, place, at(heap, child));
	}
	put(heap, place, entry);
}

int heap_add(struct heap *heap, struct heap_entry *entry)
{
	if (heap->count == heap->room) {
		size_t room = heap->room ? 2 * heap->room : 64;
		struct heap_entry **larger = realloc(heap->entry, room * sizeof(struct heap_entry *));

		if (larger == NULL)
			return -ENOMEM;
		heap->entry = larger;
		heap->room = room;
	}
	rise(heap, ++heap->count, entry);
	return 0;
}

void heap_remove(struct heap *heap, struct heap_entry *entry)
{
	size_t place = entry->place;
	struct heap_entry *last;

	if (place == 0)
		return;
	entry->place = 0;
	last = at(heap, heap->count--);
	if (last == entry)
		return;
	if (place > 1 && at(heap, place / 2)->key > last->key)
		rise(heap, place, last);
	else
		sink(heap, place, last);
}

struct heap_entry *heap_first(const struct heap *heap)
{
	return heap->count ? heap->entry[0] : NULL;
}

void heap_free(struct heap *heap)
{
	free(heap->entry);
	*heap = (struct heap){0};
}
