#include "tests/support/leaks.h"

#include "kmod-free/memory.h"
#include "shm/extents.h"
#include "shm/reap.h"

#include <stdarg.h>
#include <stdio.h>

static char found[512];

static __attribute__((format(printf, 1, 2))) const char *say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(found, sizeof(found), format, arguments);
	va_end(arguments);
	return found;
}

void leaks_sweep(struct rlq_queue *queue)
{
	struct segment *segment = queue->seg;
	struct sweep sweep = {0};

	if (seg_enter(segment) != 0)
		return;
	os_clock_read(&segment->clock);
	seg_reap_due(segment, UINT32_MAX);
	seg_leave(segment);
	while (seg_sweep_step(segment, &sweep, 16384))
		;
}

static const char *check_slots(const struct segment *segment)
{
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];

		for (uint32_t slot = 0; slot < ring_slot_count(ring); slot++) {
			struct slot_word word = slot_read_stable(&ring->slots[slot]);

			if (word_state(word) != SLOT_FREE)
				return say("slot %u of ring %u stays in state %d (owner %u)", slot, i,
					   word_state(word), word_owner(word));
		}
	}
	return NULL;
}

static const char *check_regions(const struct segment *segment)
{
	uint32_t listed = 0;

	for (uint32_t i = 0; i < rings_count(segment->rings); i++)
		listed |= 1u << rings_at(segment->rings, i);
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++) {
		uint32_t state = (uint32_t)segment->header->region[i].low & 15;
		uint32_t wanted = listed & 1u << i ? REGION_LIVE : REGION_EMPTY;

		if (state != wanted)
			return say("ring region %u stays in state %u", i, state);
	}
	return NULL;
}

/* Of a FIFO queue: what is listed is there, nothing else. */
static const char *check_tables(const struct segment *segment)
{
	for (uint32_t i = SEG_RING_COUNT; seg_is_fifo(segment) && i < SEG_REGION_COUNT; i++) {
		uint32_t kind = (i - SEG_RING_COUNT) / TABLES_OF_A_KIND,
			 nth = (i - SEG_RING_COUNT) % TABLES_OF_A_KIND;
		bool is_listed = rings_contain(tables_list(segment->header, (enum seg_table_kind)kind), nth);
		uint32_t state = (uint32_t)segment->header->region[i].low & 15;

		if (state != (is_listed ? REGION_LIVE : REGION_EMPTY))
			return say("table %u of kind %u stays in state %u", nth, kind, state);
	}
	return NULL;
}

static const char *check_blocks(struct segment *segment)
{
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++) {
		struct body_region *region;

		if (load_relaxed(&class_words(segment, class)->backed) == 0) /* relaxed: all is quiet */
			continue;
		region = region_open(segment, class);
		if (region == NULL || region_look(region) != 0)
			return say("the words of class %u are damaged", class);
		for (uint32_t block = 0; block < region->backed; block++) {
			uint64_t word = load_acquire(&region->table[block]);

			if (word != BLOCK_FREE && word != BLOCK_HOLE)
				return say("block %u of class %u stays %s", block, class,
					   block_is_used(word) ? "used" : "owned");
			if (word == BLOCK_FREE && !bitmap_test(&region->free, block))
				return say("free block %u of class %u is not listed", block, class);
		}
	}
	return NULL;
}

static const char *check_rows(const struct segment *segment)
{
	for (uint32_t i = 1; i <= seg_row_high(segment); i++) {
		uint64_t user = load_acquire(&segment->rows[i].user.low);

		if ((user & 1) && seg_handle_is_gone(segment, i, (uint32_t)(user >> 1)))
			return say("row %u stays with a dead process", i);
	}
	return NULL;
}

static void say_fault(void *context, const char *text)
{
	(void)context;
	say("verify: %s", text);
}

const char *leaks_find(struct rlq_queue *queue)
{
	struct segment *segment = queue->seg;
	const char *text;

	if (seg_enter(segment) != 0)
		return say("cannot enter");
	text = check_slots(segment);
	if (!text)
		text = check_regions(segment);
	if (!text)
		text = check_tables(segment);
	if (!text)
		text = check_blocks(segment);
	if (!text)
		text = check_rows(segment);
	if (!text && seg_live(segment) != 0)
		text = say("%lld messages are counted in an empty queue", (long long)seg_live(segment));
	seg_leave(segment);
	if (!text && rlq_verify(queue->directory, rlq_queue_name(queue), say_fault, NULL) != 0)
		text = found;
	return text;
}

/* ---- memory ----------------------------------------------------------------------------------- */

enum {
	CLASS_BITMAPS_BYTES = 6 * 4096, /* at most, of a class with few blocks */
	/* Words of a class and rows that a killed process had given memory but not said so: the next who needs more
	 * of them uses it. Less than the smallest extent. */
	UNSAID_BYTES = BODY_STEP * 8 + CLASS_BITMAPS_BYTES + SEG_ROWS_STEP * sizeof(struct seg_row),
};

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + 4095) & ~UINT64_C(4095);
}

/* Of the blocks that are not holes, and the words of the class. */
static uint64_t class_memory(struct segment *segment, uint32_t class)
{
	struct body_region *region;
	uint64_t bytes = 0;

	if (load_relaxed(&class_words(segment, class)->backed) == 0)
		return 0;
	region = region_open(segment, class);
	if (region == NULL || region_look(region) != 0)
		return 0;
	for (uint32_t block = 0; block < region->backed; block += region->per_extent)
		if (load_acquire(&region->table[block]) != BLOCK_HOLE)
			bytes += extent_bytes(region);
	return bytes + whole_pages(region->backed * sizeof(uint64_t)) + CLASS_BITMAPS_BYTES;
}

static uint64_t tables_memory(const struct segment *segment)
{
	uint64_t bytes = 0;

	for (uint32_t kind = 0; seg_is_fifo(segment) && kind < SEG_TABLE_KINDS; kind++) {
		uint64_t list = tables_list(segment->header, (enum seg_table_kind)kind);
		struct table_place table;

		for (uint32_t i = 0; i < rings_count(list); i++)
			if (table_open(segment, (enum seg_table_kind)kind, list, i, &table))
				bytes += whole_pages(table_bytes(table_region((enum seg_table_kind)kind, table.nth),
								 table.order));
	}
	return bytes;
}

const char *leaks_find_memory(struct rlq_queue *queue)
{
	struct segment *segment = queue->seg;
	uint64_t has = os_file_memory(segment->fd), may = UNSAID_BYTES;

	if (seg_enter(segment) != 0)
		return say("cannot enter");
	may += whole_pages(SEG_ROWS + (seg_row_high(segment) + 1) * sizeof(struct seg_row));
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		uint32_t order = segment->ring[rings_at(segment->rings, i)].order;

		may += whole_pages(seg_ring_bytes(segment, order)) + whole_pages(seg_cells_bytes(segment, order));
	}
	may += tables_memory(segment);
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++)
		may += class_memory(segment, class);
	seg_leave(segment);
	if (has > may)
		return say("%llu bytes of memory, %llu accounted for", (unsigned long long)has,
			   (unsigned long long)may);
	return NULL;
}
