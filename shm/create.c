#include "shm/create.h"

#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/regions.h"
#include "shm/removal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- what it begins with -------------------------------------------------------------------------- */

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
		.created_ms = recipe->created_ms ? recipe->created_ms : wall_ms,
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
	if (recipe->attribute[ATTRIBUTE_MODIFIED_MS] == 0)
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

/* ---- its name ------------------------------------------------------------------------------------- */

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

/* ---- drafts --------------------------------------------------------------------------------------- */

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
	return error ? error : seg_open_file(directory, file, ret_segment);
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
