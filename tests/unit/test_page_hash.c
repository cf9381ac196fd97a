/* Of two runs that leave the same, but for what is not the same each time, the pages have the same hash; of others
 * not (tests/images/page_hash.c). */
#include "tests/images/page_hash.h"

#include "shm/message.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum {
	ORDER = 4,
	RUNS = 2,
	/* In a slot. */
	ORIGIN_FILE = offsetof(struct slot, message.inline_bytes) + ORIGIN_OFFSET + offsetof(struct origin, file),
};

/* The same two files of each run: the second has a ring of 16 slots, and a table. */
static struct files run[RUNS];

static void files_make(void)
{
	const uint64_t inode[RUNS][2] = {{5, 7}, {335, 337}};

	for (int i = 0; i < RUNS; i++) {
		struct seg_header *header = aligned_alloc(FILE_PAGE_BYTES, SEG_HEADER_BYTES);

		cr_assert(header);
		memset(header, 0, SEG_HEADER_BYTES);
		header->region[0].low = REGION_LIVE | region_order_pack(ORDER);
		header->region[SEG_RING_COUNT].low = REGION_LIVE | region_order_pack(ORDER);
		run[i].count = 2;
		run[i].file[0] = (struct file){.inode = inode[i][0], .label = 0xe0};
		run[i].file[1] = (struct file){.inode = inode[i][1], .label = 0xf0, .memory = (void *)header};
	}
}

TestSuite(page_hash, .init = files_make);

/* The hash in a run of the second file's page that has just this word at `offset`. */
static uint64_t hash_with(int number, uint64_t offset, uint64_t word)
{
	const struct files *files = &run[number];
	unsigned char bytes[FILE_PAGE_BYTES] = {0};
	struct page page = {.number = offset / FILE_PAGE_BYTES, .bytes = bytes};

	memcpy(bytes + offset % FILE_PAGE_BYTES, &word, sizeof(word));
	return image_page_hash(files, &files->file[1], &page);
}

static void expect_plain(uint64_t offset, const char *what)
{
	for (int i = 0; i < 2; i++) {
		uint64_t word = run[0].file[i].inode;

		cr_expect_eq(hash_with(0, offset, word), hash_with(1, offset, word), "%s %lu", what, word);
		cr_expect_neq(hash_with(0, offset, word), hash_with(0, offset, word + 1), "%s %lu", what, word);
	}
}

static void expect_number_of_file(uint64_t offset, const char *what)
{
	uint64_t first = hash_with(0, offset, run[0].file[0].inode);

	cr_expect_eq(first, hash_with(1, offset, run[1].file[0].inode), "%s", what);
	cr_expect_neq(first, hash_with(0, offset, run[0].file[1].inode), "%s: another file", what);
	cr_expect_neq(first, hash_with(0, offset, 0), "%s: none", what);
	cr_expect_eq(hash_with(0, offset, UINT64_MAX), hash_with(1, offset, UINT64_MAX), "%s: any file", what);
}

Test(page_hash, shouldNotTakeACountForTheNumberOfAFile)
{
	expect_plain(offsetof(struct seg_header, identity.order_max), "order");
	expect_plain(offsetof(struct seg_header, row_used), "rows in use");
	expect_plain(SEG_RINGS + offsetof(struct slot, message.body_bytes), "bytes");
	expect_plain(SEG_RINGS + SLOT_BYTES + offsetof(struct slot, message.inline_bytes), "body");
	expect_plain(SEG_RINGS + (SLOT_BYTES << ORDER) + ORIGIN_FILE, "bits behind the slots");
	expect_plain(SEG_RINGS + SEG_RING_REGION + ORIGIN_FILE, "a ring that is not there");
	expect_plain(SEG_TABLES + ORIGIN_FILE, "table");
}

Test(page_hash, shouldBeTheSameForAFileThatHasAnotherNumber)
{
	expect_number_of_file(offsetof(struct seg_header, move_target), "first target");
	expect_number_of_file(offsetof(struct seg_header, move_target[SEG_TARGET_COUNT - 1]), "last target");
	expect_number_of_file(SEG_RINGS + ORIGIN_FILE, "origin in the first slot");
	expect_number_of_file(SEG_RINGS + (SLOT_BYTES << ORDER) - SLOT_BYTES + ORIGIN_FILE, "in the last");
}

Test(page_hash, shouldLeaveOutOnlyTheProcessOfARow)
{
	uint64_t row = SEG_ROWS + 3 * sizeof(struct seg_row), key = row + offsetof(struct seg_row, user.high);
	uint64_t high = UINT64_C(1) << 32;

	cr_expect_eq(hash_with(0, row + offsetof(struct seg_row, pid), 77), hash_with(0, row, 0));
	cr_expect_eq(hash_with(0, key, 3 * high + 1), hash_with(0, key, 4 * high + 1));
	cr_expect_neq(hash_with(0, key, 3 * high + 1), hash_with(0, key, 3 * high + 2));
	cr_expect_neq(hash_with(0, row + offsetof(struct seg_row, sent), 1), hash_with(0, row, 0));
	cr_expect_neq(hash_with(0, SEG_TENANTS + offsetof(struct seg_row, pid), 1), hash_with(0, SEG_TENANTS, 0),
		      "a count of a tenant");
}
