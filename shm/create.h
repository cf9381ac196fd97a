/* A queue's segment before anybody has used it: what stands in it, and how it gets its name. */
#ifndef SEG_CREATE_H
#define SEG_CREATE_H

#include "shm/segment.h"

/* What creation needs; all checked by the caller. */
struct seg_recipe {
	const char *name;
	uint64_t capacity;
	uint64_t attribute[ATTRIBUTE_COUNT];
	char dlq[SEG_NAME_MAX + 8];
	uint32_t mode, group;
	uint32_t placement, placement_node;
	uint32_t durability;
	uint32_t type;
	uint64_t dedup_max;   /* of a FIFO queue */
	uint64_t dedup_seed;  /* the same; 0: drawn */
	uint32_t order_first; /* 0: the default */
	uint64_t created_ms;  /* wall clock; 0: now. Likewise attribute[ATTRIBUTE_MODIFIED_MS] */
};

/* Builds a segment without a name and links it. 0, -EEXIST, -ENOSPC, other errno. */
int seg_create(const struct seg_directory *directory, const struct seg_recipe *recipe);

/* The same, but under a name that nobody opens, and opened: to be filled, then published (-EEXIST: a queue of its
 * name is there). What a killed one has left is replaced. */
int seg_draft_create(const struct seg_directory *directory, const struct seg_recipe *recipe,
		     struct segment **ret_segment);
int seg_draft_publish(const struct seg_directory *directory, const char *name);
/* Sets all attributes anew. */
void seg_draft_define(struct segment *segment, const struct seg_recipe *recipe);
/* It will not be published. */
void seg_draft_remove(const struct seg_directory *directory, const char *name);

#endif
