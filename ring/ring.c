#include "ring/ring.h"

static size_t aligned(size_t bytes)
{
	return (bytes + 127) & ~(size_t)127;
}

size_t ring_bytes(uint32_t order, bool has_marks)
{
	uint32_t slots = UINT32_C(1) << order;

	return (size_t)slots * SLOT_BYTES + 2 * aligned(bitmap_bytes(slots)) + aligned(due_bytes(slots)) +
	       aligned(RING_LANES * bitmap_bytes(slots)) + (has_marks ? aligned(marks_bytes(slots)) : 0);
}

void ring_place(struct ring *ret, struct ring_ends *ends, void *memory, uint32_t order, bool has_marks)
{
	uint32_t slots = UINT32_C(1) << order;
	unsigned char *next = (unsigned char *)memory + (size_t)slots * SLOT_BYTES;

	*ret = (struct ring){.ends = ends, .slots = memory, .order = order, .mask = slots - 1};
	bitmap_place(&ret->again, next, slots);
	next += aligned(bitmap_bytes(slots));
	bitmap_place(&ret->kept, next, slots);
	next += aligned(bitmap_bytes(slots));
	due_place(&ret->due, next, slots);
	next += aligned(due_bytes(slots));
	for (uint32_t lane = 0; lane < RING_LANES; lane++)
		bitmap_place(&ret->aside[lane], next + lane * bitmap_bytes(slots), slots);
	next += aligned(RING_LANES * bitmap_bytes(slots));
	if (has_marks)
		marks_place(&ret->marks, next, slots);
}
