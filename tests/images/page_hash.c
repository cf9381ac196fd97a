/* What differs from run to run is left out: rows name their users' processes, and moves name files. Each at the
 * places where it lies and nowhere else: in a file system that was just made, the number of a file is as small as
 * any other word, such as a count. */
#include "tests/images/page_hash.h"

#include "shm/message.h"
#include "tests/images/hash.h"

enum {
	PAGE_WORDS = FILE_PAGE_BYTES / 8,
	/* In a slot: the number of the file that its message was moved from. */
	SLOT_ORIGIN_FILE =
		offsetof(struct slot, message.inline_bytes) + ORIGIN_OFFSET + offsetof(struct origin, file),
};

static bool is_in_rows(uint64_t at)
{
	return at >= SEG_ROWS && at < SEG_ROWS + SEG_ROW_COUNT * sizeof(struct seg_row);
}

/* In a slot of a ring, and not behind the last? */
static bool is_in_slot(const struct file *file, uint64_t at)
{
	const struct seg_header *header = (const void *)file->memory;
	uint64_t in_rings = at - SEG_RINGS;
	uint32_t order;

	if (at < SEG_RINGS || at >= SEG_TABLES)
		return false;
	/* relaxed: the victim stands. Not by ring/atomic.h: that would be a step, with which time goes by. */
	order = region_order(
		atomic_load_explicit(&header->region[in_rings / SEG_RING_REGION].low, memory_order_relaxed));
	return order <= RING_ORDER_MAX && in_rings % SEG_RING_REGION < (uint64_t)SLOT_BYTES << order;
}

static bool is_number_of_file(const struct file *file, uint64_t at)
{
	const uint64_t targets = offsetof(struct seg_header, move_target);

	if (at >= targets && at < targets + sizeof(((struct seg_header *)NULL)->move_target))
		return true;
	return is_in_slot(file, at) && (at - SEG_RINGS) % SLOT_BYTES == SLOT_ORIGIN_FILE;
}

/* What stands for a file's number: what it was first called. */
static uint64_t label_of(const struct files *files, uint64_t number)
{
	for (uint32_t i = 0; number != 0 && i < files->count; i++)
		if (files->file[i].inode == number)
			return files->file[i].label;
	return number;
}

static uint64_t same_word(const struct files *files, const struct file *file, uint64_t at, uint64_t word)
{
	uint64_t in_row = (at - SEG_ROWS) % sizeof(struct seg_row);

	if (is_in_rows(at) && in_row == offsetof(struct seg_row, user.high))
		return word & UINT32_MAX; /* the half of a key that comes from the stage */
	if (is_in_rows(at) && in_row == offsetof(struct seg_row, pid))
		return 0;
	return is_number_of_file(file, at) ? label_of(files, word) : word;
}

uint64_t image_page_hash(const struct files *files, const struct file *file, const struct page *page)
{
	uint64_t words[PAGE_WORDS], at = page->number * FILE_PAGE_BYTES;
	uint64_t seed = os_mix(file->label ^ page->number);

	if (at >= SEG_BODIES)
		return hash_bytes(page->bytes, FILE_PAGE_BYTES, seed);
	memcpy(words, page->bytes, FILE_PAGE_BYTES);
	for (uint32_t i = 0; i < PAGE_WORDS; i++)
		if (words[i] != 0)
			words[i] = same_word(files, file, at + i * 8, words[i]);
	return hash_bytes(words, sizeof(words), seed);
}
