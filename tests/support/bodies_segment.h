/* A segment with nothing but a header, rows and body regions, for tests of shm/bodies.c. Several
 * handles may share one; with `maps` also the mappings, which is what ThreadSanitizer needs. */
#ifndef TEST_BODIES_SEGMENT_H
#define TEST_BODIES_SEGMENT_H

#ifndef _GNU_SOURCE
#error "build with -D_GNU_SOURCE"
#endif

#include "kmod-free/memory.h"
#include "shm/extents.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first handle, in row 1. NULL where there is no memfd. Rows and header are shared with forked
 * children. */
static inline struct segment *bodies_segment_make(void)
{
	size_t rows = SEG_ROW_COUNT * sizeof(struct seg_row);
	struct segment *segment = calloc(1, sizeof(*segment));
	unsigned char *memory =
		mmap(NULL, SEG_HEADER_BYTES + rows, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (segment == NULL || memory == MAP_FAILED)
		return NULL;
	segment->header = (struct seg_header *)(void *)memory;
	segment->rows = (struct seg_row *)(void *)(memory + SEG_HEADER_BYTES);
	segment->fd = memfd_create("bodies", MFD_CLOEXEC);
	if (segment->fd < 0 || os_file_resize(segment->fd, SEG_FILE_BYTES) != 0)
		return NULL;
	segment->row = 1;
	segment->serial = 1;
	segment->me = &segment->rows[1];
	store_relaxed(&segment->me->user.low, 1 << 1 | 1);
	store_relaxed(&segment->header->row_high, watermark_pack(SEG_ROW_COUNT - 1));
	return segment;
}

/* Another handle of it, in a row of its own. */
static inline struct segment *bodies_segment_join(const struct segment *first, uint32_t row, bool maps)
{
	struct segment *segment = malloc(sizeof(*segment));

	if (segment == NULL)
		return NULL;
	*segment = *first;
	segment->row = row;
	segment->me = &segment->rows[row];
	store_relaxed(&segment->me->user.low, 1 << 1 | 1);
	if (!maps)
		memset(&segment->bodies, 0, sizeof(segment->bodies));
	return segment;
}

#endif
