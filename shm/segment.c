#include "shm/segment.h"

#include "kmod-free/futex.h"
#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "ring/crashpoint.h"
#include "ring/event.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/fifo.h"
#include "shm/regions.h"
#include "shm/rows.h"
#include "shm/seen.h"
#include "shm/tenants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum access { TO_LOOK, TO_MARK, TO_USE }; /* read only; writable; with a row */
static int segment_open_file(const struct seg_directory *directory, const char *file, enum access access,
			     struct segment **ret_segment);

/* ---- create ----------------------------------------------------------------------------------- */

/* The smallest ring that holds `capacity` messages at 7/8. */
static uint32_t order_for(uint64_t capacity)
{
	uint32_t order = 1;

	while (order < RING_ORDER_MAX && (UINT64_C(7) << order) / 8 < capacity)
		order++;
	return order;
}

static void identity_fill(struct seg_identity *identity, const struct seg_directory *directory,
			  const struct seg_recipe *recipe, uint64_t wall_ms)
{
	*identity = (struct seg_identity){
		.abi_major = SEG_ABI_MAJOR,
		.abi_minor = SEG_ABI_MINOR,
		.header_bytes = sizeof(struct seg_header),
		.features = recipe->type == RLQ_FIFO ? SEG_FEATURE_FIFO : 0,
		.created_ms = wall_ms,
		.capacity = recipe->capacity,
		.order_max = order_for(recipe->capacity),
		.placement = recipe->placement,
		.placement_node = recipe->placement_node,
		.mode = recipe->mode,
		.group = recipe->group,
		.durability = recipe->durability,
		.type = recipe->type,
		.dedup_max = recipe->dedup_max,
	};
	memcpy(identity->magic, SEG_MAGIC, sizeof(identity->magic));
	memcpy(identity->boot_id, directory->boot_id, sizeof(identity->boot_id));
	strncpy(identity->name, recipe->name, SEG_NAME_MAX);
	do
		os_random(&identity->incarnation, sizeof(identity->incarnation));
	while (identity->incarnation == 0);
	if (recipe->type == RLQ_FIFO)
		identity->dedup_seed = recipe->dedup_seed ? recipe->dedup_seed : identity->incarnation;
}

static void attributes_fill(struct seg_header *header, const struct seg_recipe *recipe)
{
	struct os_clock clock;

	os_clock_start(&clock);
	os_clock_read(&clock);
	for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
		store_relaxed(&header->attribute[i], recipe->attribute[i]); /* nobody sees it yet */
		CRASH_POINT(create_filled);
	}
	store_relaxed(&header->attribute[ATTRIBUTE_MODIFIED_MS], clock.wall_ms);
	CRASH_POINT(create_filled);
	store_relaxed(&header->attribute[ATTRIBUTE_DLQ], recipe->dlq[0] ? 1 : 0);
	memcpy(header->dlq_name[0], recipe->dlq, sizeof(header->dlq_name[0]));
	CRASH_POINT(create_filled);
}

static void header_fill(struct seg_header *header, const struct seg_recipe *recipe)
{
	attributes_fill(header, recipe);
	store_relaxed(&header->row_high, watermark_pack(SEG_ROWS_STEP - 1));
	CRASH_POINT(create_filled);
}

/* The first ring is simply written: the segment has no name yet. */
static void first_ring_fill(struct seg_header *header, uint32_t order)
{
	header->region[0].low = REGION_LIVE | region_order_pack(order);
	header->region[0].high = UINT64_C(1) << 32;
	header->ring_next = 2;
	header->rings = rings_make(1, 1, 0);
}

/* The first table of a kind, likewise. */
static int first_table_fill(struct seg_header *header, int fd, enum seg_table_kind kind, uint64_t window_ms,
			    uint64_t boot_ms)
{
	uint32_t index = table_region(kind, 0);
	int error = os_file_allocate(fd, region_offset(index), table_bytes(index, TABLE_ORDER_FIRST));
	struct dedup_table table;

	header->region[index].low = REGION_LIVE | region_order_pack(TABLE_ORDER_FIRST);
	header->region[index].high = (header->ring_next++) << 32;
	header->tables[kind] = rings_make(1, 1, 0);
	if (error || kind != TABLE_IDS)
		return error;
	dedup_table_place(&table, (unsigned char *)header + region_offset(index), TABLE_ORDER_FIRST);
	dedup_begin(&(struct dedup){.window_ms = window_ms}, &table, boot_ms);
	return 0;
}

static int tables_fill(struct seg_header *header, int fd, uint64_t window_ms, uint64_t boot_ms)
{
	int error = 0;

	for (int kind = 0; kind < SEG_TABLE_KINDS && !error; kind++)
		error = first_table_fill(header, fd, (enum seg_table_kind)kind, window_ms, boot_ms);
	return error;
}

/* The policy belongs to the file, so it comes before the first allocation. */
static int cells_fill(int fd, const struct seg_recipe *recipe, uint32_t order)
{
	unsigned char *cells = os_map(fd, SEG_CELLS, SEG_CELLS_BYTES, true);
	int error;

	if (cells == NULL)
		return -errno;
	error = os_numa_place(cells, SEG_CELLS_BYTES, (enum os_numa_policy)recipe->placement,
			      recipe->placement_node);
	if (!error)
		error = os_file_allocate(fd, SEG_CELLS, (uint64_t)SLOT_BYTES << order);
	os_unmap(cells, SEG_CELLS_BYTES);
	return error;
}

/* What a FIFO queue has more. */
static int fifo_fill(struct seg_header *header, int fd, const struct seg_recipe *recipe, uint32_t order,
		     uint64_t boot_ms)
{
	int error = tables_fill(header, fd, recipe->attribute[ATTRIBUTE_DEDUP_WINDOW_MS], boot_ms);

	return error ? error : cells_fill(fd, recipe, order);
}

static int segment_fill(const struct seg_directory *directory, int fd, const struct seg_recipe *recipe)
{
	unsigned char *base = os_map(fd, 0, SEG_MAP_BYTES, true);
	struct seg_header *header = (struct seg_header *)base;
	uint32_t order = recipe->order_first ? recipe->order_first : SEG_ORDER_FIRST;
	struct os_clock clock;
	int error;

	if (base == NULL)
		return -errno;
	if (order > order_for(recipe->capacity))
		order = order_for(recipe->capacity);
	/* As cells_fill(). */
	error = os_numa_place(base, SEG_MAP_BYTES, (enum os_numa_policy)recipe->placement, recipe->placement_node);
	if (!error)
		error = os_file_allocate(fd, 0, SEG_ROWS + SEG_ROWS_STEP * sizeof(struct seg_row));
	if (!error) {
		os_clock_start(&clock);
		os_clock_read(&clock);
		identity_fill(&header->identity, directory, recipe, clock.wall_ms);
		header->mirror = header->identity;
		error = os_file_allocate(fd, SEG_RINGS, ring_bytes(order, seg_has_marks(&header->identity)));
	}
	if (!error) {
		header_fill(header, recipe);
		first_ring_fill(header, order);
	}
	if (!error && recipe->type == RLQ_FIFO)
		error = fifo_fill(header, fd, recipe, order, clock.boot_ms);
	os_unmap(base, SEG_MAP_BYTES);
	return error;
}

/* Builds it without a name and links it as `file`. */
static int create_as(const struct seg_directory *directory, const struct seg_recipe *recipe, const char *file)
{
	char hidden[64];
	int fd, error;

	fd = os_file_build(directory->fd, recipe->mode, hidden);
	if (fd < 0)
		return fd;
	error = os_file_resize(fd, SEG_FILE_BYTES);
	if (!error)
		error = segment_fill(directory, fd, recipe);
	if (!error && recipe->group != UINT32_MAX && fchown(fd, (uid_t)-1, recipe->group) < 0)
		error = -errno;
	if (!error)
		error = os_file_link(directory->fd, fd, hidden, file);
	if (error && hidden[0])
		unlinkat(directory->fd, hidden, 0);
	close(fd);
	return error;
}

int seg_create(const struct seg_directory *directory, const struct seg_recipe *recipe)
{
	char file[SEG_NAME_MAX + 8];

	seg_file_name(recipe->name, file);
	seg_finish_removal(directory, recipe->name);
	if (faccessat(directory->fd, file, F_OK, 0) == 0)
		return -EEXIST;
	return create_as(directory, recipe, file);
}

/* A segment that is filled before anybody can open it by its name. */
static void draft_name(const char *queue, char *ret_file)
{
	snprintf(ret_file, SEG_NAME_MAX + 16, ".restore-%s", queue);
}

int seg_draft_create(const struct seg_directory *directory, const struct seg_recipe *recipe,
		     struct segment **ret_segment)
{
	char file[SEG_NAME_MAX + 16];
	int error;

	draft_name(recipe->name, file);
	unlinkat(directory->fd, file, 0); /* of who was killed restoring */
	error = create_as(directory, recipe, file);
	return error ? error : segment_open_file(directory, file, TO_USE, ret_segment);
}

int seg_draft_publish(const struct seg_directory *directory, const char *name)
{
	char draft[SEG_NAME_MAX + 16], file[SEG_NAME_MAX + 8];

	draft_name(name, draft);
	seg_file_name(name, file);
	return renameat2(directory->fd, draft, directory->fd, file, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

void seg_draft_define(struct segment *segment, const struct seg_recipe *recipe)
{
	attributes_fill(segment->header, recipe);
}

void seg_draft_remove(const struct seg_directory *directory, const char *name)
{
	char draft[SEG_NAME_MAX + 16];

	draft_name(name, draft);
	unlinkat(directory->fd, draft, 0);
}

/* ---- open ------------------------------------------------------------------------------------- */

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

/* Is that still the file of this name? */
static bool names_file(const struct seg_directory *directory, const char *file, int fd)
{
	struct stat named, ours;

	return fstatat(directory->fd, file, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &ours) == 0 &&
	       named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

/* Takes the name away from the file behind `fd`. Removers of one file take turns by a lock, so that none
 * takes the name from a queue that was made anew under it meanwhile. */
static int take_name(const struct seg_directory *directory, const char *file, int fd)
{
	int error = 0;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return RLQ_EBUSY;
	if (!names_file(directory, file, fd))
		error = -ENOENT;
	else if (unlinkat(directory->fd, file, 0) < 0)
		error = -errno;
	flock(fd, LOCK_UN);
	return error;
}

/* The same for what cannot be opened as a segment, being damaged or of another boot. */
static int take_name_unopened(const struct seg_directory *directory, const char *file)
{
	int fd = openat(directory->fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW), error;

	if (fd < 0) /* nothing that could be a queue, or be made anew as one under us */
		return unlinkat(directory->fd, file, 0) < 0 ? -errno : 0;
	error = take_name(directory, file, fd);
	close(fd);
	return error;
}

/* The journal must have it before the name goes: else a restart would bring the queue back. */
static int settle_removal(const struct segment *segment)
{
	return segment->durability ? seg_wait_durable(segment->directory) : 0;
}

static int remove_queue(const struct seg_directory *directory, const char *name, bool asks_journal)
{
	struct segment *segment;
	char file[SEG_NAME_MAX + 8];
	/* Without a row: there may be none left. */
	int error = segment_open(directory, name, TO_MARK, &segment);

	seg_file_name(name, file);
	if (error == -ENOENT || error == -EACCES)
		return error;
	if (error)
		return take_name_unopened(directory, file);
	error = asks_journal && segment->durability ? seg_journal_state(directory) : 0;
	if (error) {
		seg_close(segment);
		return error;
	}
	fetch_or_seq(&segment->header->rings, RINGS_REMOVED);
	CRASH_POINT(remove_marked);
	seg_notify_room(segment);
	error = asks_journal ? settle_removal(segment) : 0;
	if (!error)
		error = take_name(directory, file, segment->fd);
	seg_close(segment);
	return error;
}

int seg_remove(const struct seg_directory *directory, const char *name)
{
	return remove_queue(directory, name, true);
}

int seg_withdraw(const struct seg_directory *directory, const char *name)
{
	return remove_queue(directory, name, false);
}

void seg_finish_removal(const struct seg_directory *directory, const char *name)
{
	struct segment *segment;
	char file[SEG_NAME_MAX + 8];

	seg_file_name(name, file);
	if (segment_open(directory, name, TO_MARK, &segment) != 0)
		return;
	if (load_seq(&segment->header->rings) & RINGS_REMOVED && !settle_removal(segment))
		take_name(directory, file, segment->fd);
	seg_close(segment);
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
