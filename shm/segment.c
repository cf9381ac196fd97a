#include "shm/segment.h"

#include "kmod-free/futex.h"
#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/fifo.h"
#include "shm/rows.h"
#include "shm/seen.h"
#include "shm/tenants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- identity ------------------------------------------------------------------------------------ */

static bool type_is_sound(const struct seg_identity *identity)
{
	bool is_fifo = identity->type == RLQ_FIFO;

	return identity->type <= RLQ_FIFO && ((identity->features & SEG_FEATURE_FIFO) != 0) == is_fifo &&
	       (identity->dedup_max != 0) == is_fifo && identity->dedup_max <= RLQ_DEDUP_MAX;
}

int seg_check_identity(const struct seg_identity *identity, const struct seg_identity *mirror, uint64_t file_bytes,
		       const unsigned char boot_id[16])
{
	if (memcmp(identity->magic, SEG_MAGIC, sizeof(identity->magic)) != 0)
		return RLQ_EDAMAGED;
	if (identity->abi_major != SEG_ABI_MAJOR || (identity->features & ~SEG_FEATURES) != 0)
		return RLQ_EVERSION;
	if (memcmp(identity, mirror, sizeof(*identity)) != 0)
		return RLQ_EDAMAGED;
	if (file_bytes < SEG_FILE_BYTES || identity->order_max < 1 || identity->order_max > RING_ORDER_MAX ||
	    identity->incarnation == 0 || identity->capacity == 0 || identity->durability > RLQ_SYNC ||
	    identity->name[SEG_NAME_MAX] != '\0' || !type_is_sound(identity))
		return RLQ_EDAMAGED;
	return memcmp(identity->boot_id, boot_id, sizeof(identity->boot_id)) == 0 ? 0 : RLQ_EBOOT;
}

/* ---- open ---------------------------------------------------------------------------------------- */

/* Cells lie as slots do, so that each is as far from its slot as any. */
static int cells_map(struct segment *segment, bool writable)
{
	segment->cells = os_map(segment->fd, SEG_CELLS, SEG_CELLS_BYTES, writable);
	if (segment->cells == NULL)
		return -errno;
	segment->inline_bytes = SLOT_BYTES;
	segment->inline_offset = (uintptr_t)segment->cells - (uintptr_t)(segment->base + SEG_RINGS);
	return 0;
}

/* Maps the segment if its identity is sound. The identity is read with a system call first: a file
 * that is too short must not be touched through a mapping. */
static int segment_map(struct segment *segment, const char *file, bool writable)
{
	struct seg_identity identity[2];
	struct stat status;
	int error;

	segment->fd = openat(segment->directory->fd, file, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (segment->fd < 0)
		return -errno;
	if (fstat(segment->fd, &status) < 0)
		return -errno;
	if (pread(segment->fd, identity, sizeof(identity), 0) != (ssize_t)sizeof(identity))
		return RLQ_EDAMAGED;
	error = seg_check_identity(&identity[0], &identity[1], (uint64_t)status.st_size,
				   segment->directory->boot_id);
	if (error)
		return error;
	segment->base = os_map(segment->fd, 0, SEG_MAP_BYTES, writable);
	if (segment->base == NULL)
		return -errno;
	segment->header = (struct seg_header *)segment->base;
	segment->rows = (struct seg_row *)(segment->base + SEG_ROWS);
	segment->capacity = identity[0].capacity;
	segment->capacity_order = identity[0].order_max;
	segment->durability = identity[0].durability;
	segment->inline_bytes = SLOT_INLINE_BYTES;
	segment->inline_offset = offsetof(struct slot, message.inline_bytes);
	segment->dedup_max = identity[0].dedup_max;
	segment->dedup_seed = identity[0].dedup_seed;
	segment->has_marks = seg_has_marks(&identity[0]);

	segment->keeps_deleted = segment->has_marks || identity[0].type == RLQ_FIFO;
	segment->incarnation = identity[0].incarnation;
	segment->file = status.st_ino;
	memcpy(segment->name, identity[0].name, SEG_NAME_MAX);
	return identity[0].type == RLQ_FIFO ? cells_map(segment, writable) : 0;
}

enum access { TO_LOOK, TO_MARK, TO_USE }; /* read only; writable; with a row */

static int segment_open_file(const struct seg_directory *directory, const char *file, enum access access,
			     struct segment **ret_segment)
{
	struct segment *segment = calloc(1, sizeof(*segment));
	int error;

	if (segment == NULL)
		return -ENOMEM;
	segment->directory = directory;
	os_clock_start(&segment->clock);
	error = segment_map(segment, file, access != TO_LOOK);
	if (!error && access == TO_USE)
		error = seg_row_take(segment);
	if (!error && access == TO_USE) {
		error = seg_refresh(segment);
		if (!error)
			seg_leave(segment);
	}
	if (error) {
		seg_close(segment);
		return error;
	}
	*ret_segment = segment;
	return 0;
}

static int segment_open(const struct seg_directory *directory, const char *name, enum access access,
			struct segment **ret_segment)
{
	char file[SEG_NAME_MAX + 8];

	seg_file_name(name, file);
	return segment_open_file(directory, file, access, ret_segment);
}

int seg_open(const struct seg_directory *directory, const char *name, struct segment **ret_segment)
{
	return segment_open(directory, name, TO_USE, ret_segment);
}

int seg_open_file(const struct seg_directory *directory, const char *file, struct segment **ret_segment)
{
	return segment_open_file(directory, file, TO_USE, ret_segment);
}

int seg_open_to_mark(const struct seg_directory *directory, const char *name, struct segment **ret_segment)
{
	return segment_open(directory, name, TO_MARK, ret_segment);
}

int seg_open_to_look(const struct seg_directory *directory, const char *name, struct segment **ret_segment)
{
	return segment_open(directory, name, TO_LOOK, ret_segment);
}

void seg_close(struct segment *segment)
{
	if (segment == NULL)
		return;
	seg_close(segment->peer);
	/* A forked child must not free the row of its parent. */
	if (segment->me && os_liveness_is_own(&segment->directory->liveness)) {
		seg_tenants_flush(segment);
		seen_close(segment);
		seg_row_give_back(segment);
	}
	free(segment->tenants.met);
	os_peer_drop(&segment->journal);
	bodies_unmap(&segment->bodies);
	if (segment->cells)
		os_unmap(segment->cells, SEG_CELLS_BYTES);
	if (segment->base)
		os_unmap(segment->base, SEG_MAP_BYTES);
	if (segment->fd >= 0)
		close(segment->fd);
	free(segment);
}

/* ---- rings of this view ----------------------------------------------------------------------- */

/* Takes region `index` into the view. Its word is checked: the list may be damaged. */
static int ring_open(struct segment *segment, uint32_t index)
{
	struct word128 *region;
	uint64_t low;
	uint32_t order, id;

	if (index >= SEG_RING_COUNT)
		return RLQ_EDAMAGED;
	region = &segment->header->region[index];
	low = load_acquire(&region->low);
	id = (uint32_t)(load_acquire(&region->high) >> 32);
	order = region_order(low);
	if ((low & 15) == REGION_EMPTY || order > segment->capacity_order || id == 0)
		return RLQ_EDAMAGED;
	if (segment->ring_id[index] == id) /* never 0, so the ring is there */
		return segment->ring[index].order == order ? 0 : RLQ_EDAMAGED;
	ring_place(&segment->ring[index], &segment->header->ends[index],
		   segment->base + SEG_RINGS + index * SEG_RING_REGION, order, segment->has_marks);
	segment->cursor[index] = (struct ring_cursor){0};
	segment->ring_id[index] = id;
	return 0;
}

int seg_refresh(struct segment *segment)
{
	for (;;) {
		uint64_t rings = load_seq(&segment->header->rings);
		int error = 0;

		if (rings & RINGS_REMOVED) {
			seg_leave(segment);
			return RLQ_EREMOVED;
		}
		store_seq(&segment->me->view, rings);
		CRASH_POINT(call_entered);
		/* [V1] The view, then the word again: pairs with [V2]. */
		if (load_seq(&segment->header->rings) != rings)
			continue;
		if (rings_count(rings) == 0 || rings_count(rings) > SEG_RING_COUNT)
			error = RLQ_EDAMAGED;
		for (uint32_t i = 0; i < rings_count(rings) && !error; i++)
			error = ring_open(segment, rings_at(rings, i));
		if (error) {
			seg_leave(segment);
			return error;
		}
		segment->rings = rings;
		segment->listed = 0;
		for (uint32_t i = 0; i < rings_count(rings); i++)
			segment->listed |= UINT32_C(1) << rings_at(rings, i);
		error = seg_is_fifo(segment) ? fifo_open(segment) : 0;
		if (error)
			seg_leave(segment);
		return error;
	}
}

/* ---- waking ----------------------------------------------------------------------------------- */

void seg_wake(atomic_u32 *event, uint64_t count)
{
	uint32_t seen = event_advance(event);
	int wanted = count > INT32_MAX ? INT32_MAX : (int)count;

	if (os_futex_wake(event, wanted) < wanted)
		event_quiet(event, seen);
}
