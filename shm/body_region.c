#include "shm/body_region.h"

#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/extents.h"

#include <errno.h>

enum { PAGE_BYTES = 4096, BLOCK_ALIGN_MAX = 2 << 20 };

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Places table, bitmaps and blocks in a region. 9 bytes a block are enough for its word and its bits,
 * and what they leave over for the rounding (tests/unit/test_extents.c looks at all classes). */
static void region_place(struct body_region *region, unsigned char *base, uint32_t class)
{
	uint64_t block = class_block_bytes(class), align = block;
	uint32_t per = block < BODY_EXTENT_BYTES ? (uint32_t)(BODY_EXTENT_BYTES / block) : 1;
	uint32_t blocks = (uint32_t)(SEG_BODY_REGION / (block + 9)) / per * per;
	uint64_t at = round_up(blocks * sizeof(atomic_u64), PAGE_BYTES);

	if (align < BODY_EXTENT_BYTES)
		align = BODY_EXTENT_BYTES;
	if (align > BLOCK_ALIGN_MAX)
		align = BLOCK_ALIGN_MAX;
	region->class = class;
	region->block_bytes = block;
	region->blocks = blocks;
	region->per_extent = per;
	region->backed = 0;
	region->table = (atomic_u64 *)(void *)base;
	bitmap_place(&region->free, base + at, blocks);
	at = round_up(at + bitmap_bytes(blocks), PAGE_BYTES);
	bitmap_place(&region->holes, base + at, blocks / per);
	at = round_up(at + bitmap_bytes(blocks / per), align);
	region->data = base + at;
	region->base = base;
}

struct body_region *region_open(struct segment *segment, uint32_t class)
{
	struct body_region *region = &segment->bodies.region[class];
	const struct seg_identity *identity = &segment->header->identity;
	bool writable = segment->me != NULL;
	void *base;

	if (region->base != NULL)
		return region;
	base = os_map(segment->fd, SEG_BODIES + class * SEG_BODY_REGION, SEG_BODY_REGION, writable);
	if (base == NULL)
		return NULL;
	/* The policy is the file's: whoever opens an extent has set it, or another did. A hint. */
	if (writable && identity->placement != OS_NUMA_LOCAL)
		os_numa_place(base, SEG_BODY_REGION, (enum os_numa_policy)identity->placement,
			      identity->placement_node);
	region->words = class_words(segment, class);
	region_place(region, base, class);
	return region;
}

int region_look(struct body_region *region)
{
	/* [W2] Pairs with [W1]: what it counts has memory. */
	uint64_t word = load_acquire(&region->words->backed);
	uint32_t blocks = (uint32_t)word;

	if (!watermark_is_sound(word) || blocks > region->blocks ||
	    (blocks % BODY_STEP != 0 && blocks != region->blocks))
		return RLQ_EDAMAGED;
	region->backed = blocks;
	return 0;
}

int region_back(struct segment *segment, const struct body_region *region, const void *start, uint64_t bytes)
{
	uint64_t offset = (uint64_t)((const unsigned char *)start - region->base);

	return os_file_allocate(segment->fd, SEG_BODIES + region->class * SEG_BODY_REGION + offset, bytes);
}

/* Memory for bits from .. to - 1 and their summaries. Two words more a level: a search from the last
 * bit goes on in the next word, and there from the bit after. */
static int bits_allocate(struct segment *segment, const struct body_region *region, const struct bitmap *map,
			 uint32_t from, uint32_t to)
{
	uint32_t words = map->bits;

	for (uint32_t level = 0; level < map->levels; level++) {
		uint32_t last;
		int error;

		words = (words + 63) / 64;
		from /= 64;
		to /= 64;
		last = to + 1 < words ? to + 1 : words - 1;
		error = region_back(segment, region, &map->level[level][from],
				    (last - from + 1) * sizeof(atomic_u64));
		if (error)
			return error;
	}
	return 0;
}

int region_extend(struct segment *segment, struct body_region *region)
{
	uint32_t from = region->backed, per = region->per_extent;
	uint32_t step = from / 8 / BODY_STEP * BODY_STEP;
	uint32_t to = from + (step ? step : BODY_STEP);
	int error;

	if (to > region->blocks)
		to = region->blocks;
	error = region_back(segment, region, &region->table[from], (to - from) * sizeof(atomic_u64));
	if (!error)
		error = bits_allocate(segment, region, &region->free, from, to);
	if (!error)
		error = bits_allocate(segment, region, &region->holes, from / per, to / per);
	if (error)
		return error;
	/* [W1] After the allocation: pairs with [W2]. Lost: another has raised it, by as much. */
	cas_seq(&region->words->backed, watermark_pack(from), watermark_pack(to));
	CRASH_POINT(body_words_backed);
	return region_look(region);
}
