/* A binary heap of entries that lie in other structures: the least key is first. */
#ifndef GATEWAY_HEAP_H
#define GATEWAY_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_entry {
	int64_t key;
	size_t place; /* in the heap, from 1 on; 0: in none */
};

/* Zeroed: empty. */
struct heap {
	struct heap_entry **entry;
	size_t count, room;
};

/* 0 or -ENOMEM. */
int heap_add(struct heap *heap, struct heap_entry *entry);
/* Nothing happens to one that is not in it. */
void heap_remove(struct heap *heap, struct heap_entry *entry);
/* NULL: empty. */
struct heap_entry *heap_first(const struct heap *heap);
void heap_free(struct heap *heap);

#endif
