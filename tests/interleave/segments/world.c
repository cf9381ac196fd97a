#include "tests/interleave/segments/journal.h"

#include "shm/extents.h"
#include "shm/move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct world world;
unsigned char *map_base[QUEUES], *body_base[QUEUES];
struct body_region body_places[QUEUES];

static struct shape shape;
static uint32_t rows_seen[QUEUES]; /* that can come into use */
static const struct op *scripts[ACTORS_MAX];
static struct op script_ops[ACTORS_MAX][OPS_MAX + 1];
static int lent_to = DRAINER;

static const struct explore_model model = {
	.after_step = monitor_access,
	.touch = os_touch,
	.resume = check_resume,
	.over = guard_check,
	.at_end = check_end,
	.show = show_word,
};

/* ---- where things are ---- */

int acting(void)
{
	return explore_current() < ACTORS_MAX ? explore_current() : lent_to;
}

void act_as(int who)
{
	lent_to = who;
}

/* ---- which accesses are steps ---- */

static bool is_fine(unsigned fine)
{
	return shape.fine & fine;
}

bool world_is_durable(void)
{
	return shape.durability != RLQ_MEMORY;
}

bool world_is_sync(void)
{
	return shape.durability == RLQ_SYNC;
}

size_t world_ring_bytes(uint32_t order)
{
	return ring_bytes(order, world_is_durable());
}

static bool header_is_joined(size_t offset)
{
	if (offset == offsetof(struct seg_header, rings))
		return !is_fine(FINE_VIEWS | FINE_NAMES);
	if (offset == offsetof(struct seg_header, viewers))
		return !is_fine(FINE_HOLDS);
	if (offset == offsetof(struct seg_header, move_target))
		return false;
	if (offset >= offsetof(struct seg_header, region) && offset < offsetof(struct seg_header, ends))
		return !is_fine(FINE_VIEWS) || offset % 16 != 0;
	if (offset >= offsetof(struct seg_header, ends) && offset < offsetof(struct seg_header, bodies))
		return !is_fine(FINE_HINTS);
	return true;
}

static bool row_is_joined(int queue, size_t offset)
{
	size_t row = offset / sizeof(struct seg_row), at = offset % sizeof(struct seg_row);

	if (row > rows_seen[queue])
		return true;
	if (at == offsetof(struct seg_row, user))
		return !is_fine(FINE_ROWS);
	if (at == offsetof(struct seg_row, view))
		return !is_fine(FINE_VIEWS);
	if (at >= offsetof(struct seg_row, holds))
		return !is_fine(FINE_HOLDS) ||
		       at >= offsetof(struct seg_row, holds) + HOLDS_SEEN * sizeof(uint64_t);
	return true;
}

/* Of a slot only the low half: the high one is read right after it, and written with it. */
static bool ring_is_joined(int queue, size_t offset)
{
	size_t ring = offset / SEG_RING_REGION, at = offset % SEG_RING_REGION;
	uint32_t order = region_order(header_of(queue)->region[ring].low);

	if (at >= ring_bytes(order, false))
		return !is_fine(FINE_MARKS);
	if (at >> order >= sizeof(struct slot))
		return !is_fine(FINE_HINTS);
	at %= sizeof(struct slot);
	return at != 0 && (!is_fine(FINE_BODIES) || at != offsetof(struct slot, message.inline_bytes));
}

static bool map_is_joined(int queue, size_t offset)
{
	if (offset < SEG_ROWS)
		return header_is_joined(offset);
	if (offset < SEG_RINGS)
		return row_is_joined(queue, offset - SEG_ROWS);
	return ring_is_joined(queue, offset - SEG_RINGS);
}

static bool body_is_joined(int queue, const unsigned char *at)
{
	if (at >= body_places[queue].data)
		return !is_fine(FINE_BODIES);
	return at >= (unsigned char *)(body_places[queue].table + BLOCKS_SEEN) && !is_fine(FINE_HINTS);
}

static bool turn_is_joined(size_t offset)
{
	return offset < offsetof(struct seg_engine_page, turn_begun) ||
	       offset >= offsetof(struct seg_engine_page, durable);
}

static bool is_joined(const void *address)
{
	const unsigned char *at = address;

	if (at >= (unsigned char *)&engine_page && at < (unsigned char *)(&engine_page + 1))
		return !world_is_durable() || turn_is_joined((size_t)(at - (unsigned char *)&engine_page));
	if (address == &written.end_step)
		return false;
	if (address == &world.now_ms)
		return !is_fine(FINE_TIME);
	if (address == &world.life)
		return !explore_knows_death();
	if (address == &world.memory)
		return !is_fine(FINE_VIEWS);
	if (address == &name_step)
		return !is_fine(FINE_NAMES);
	for (int queue = 0; queue < QUEUES; queue++) {
		if (at >= map_base[queue] && at < map_base[queue] + SEG_MAP_BYTES)
			return map_is_joined(queue, (size_t)(at - map_base[queue]));
		if (at >= body_base[queue] && at < body_base[queue] + SEG_BODY_REGION)
			return body_is_joined(queue, at);
	}
	return true; /* nobody else's */
}

/* ---- building a scenario ---- */

static unsigned char *reserve(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		perror("interleave: address space for a queue");
		exit(1);
	}
	return memory;
}

/* Once, and at fixed places from then on. The geometry of class 0 is asked of the product. */
static void map_queues(void)
{
	for (int queue = 0; queue < QUEUES && map_base[QUEUES - 1] == NULL; queue++) {
		map_base[queue] = reserve(SEG_MAP_BYTES);
		body_base[queue] = reserve(SEG_BODY_REGION);
	}
}

static void wipe_bits(const struct bitmap *map)
{
	for (uint32_t level = 0; level < map->levels; level++)
		memset((void *)map->level[level], 0, 2 * sizeof(uint64_t));
}

static void wipe(int queue)
{
	struct segment looker = {.header = header_of(queue), .fd = FIRST_FD + queue};
	struct body_region *region = region_open(&looker, 0);

	body_places[queue] = *region;
	memset(map_base[queue], 0, SEG_RINGS);
	memset((void *)region->table, 0, 2 * BLOCKS_SEEN * sizeof(uint64_t));
	wipe_bits(&region->free);
	wipe_bits(&region->holes);
}

static void create(const char *name, const char *dlq)
{
	struct seg_recipe recipe = {
		.name = name,
		.capacity = shape.capacity ? shape.capacity : 1,
		.attribute = {[ATTRIBUTE_VISIBILITY_MS] = LEASE_MS,
			      [ATTRIBUTE_RETENTION_MS] = (uint64_t)RLQ_RETENTION_MAX_MS,
			      [ATTRIBUTE_BYTES_MAX] = RLQ_BODY_DEFAULT_MAX,
			      [ATTRIBUTE_RECEIVES_MAX] = dlq[0] ? shape.receives_max : 0,
			      [ATTRIBUTE_OVERDUE_MS] = OVERDUE_MS},
		.mode = 0600,
		.durability = shape.durability,
		.group = UINT32_MAX,
		.order_first = shape.is_whole ? 2 : 1,
	};

	strcpy(recipe.dlq, dlq);
	if (seg_create(directory_of(DRAINER), &recipe) != 0)
		explore_fail("a queue could not be created", 0);
}

static void open_handles(int who)
{
	int was = lent_to;

	act_as(who);
	call_open(who, 0);
	act_as(was);
}

void world_begin(const struct shape *of)
{
	explore_begin(&model);
	memset(&world, 0, sizeof(world));
	memset(own, 0, sizeof(own));
	shape = *of;
	if (shape.rings == 0)
		shape.rings = 1;
	world.now_ms = 1000;
	map_queues();
	wipe(QUEUE);
	wipe(DLQ);
	os_begin();
	act_as(DRAINER);
	create("q", shape.receives_max ? "d" : "");
	if (shape.receives_max)
		create("d", "");
	for (int i = 0; i < MESSAGES_MAX; i++)
		world.accounts[i].holder = world.accounts[i].deleted_by = NOBODY;
	monitor_begin();
	journal_begin();
	open_handles(DRAINER);
}

static void turn(int who)
{
	const struct op *op = &scripts[who][own[who].at++];

	explore_doing(who, op->name);
	cut_call_begins(who);
	op->call(who, op->argument);
	monitor_returned();
	cut_call_returns(who);
	if (scripts[who][own[who].at].call == NULL)
		explore_finish(who);
}

int add_script(const char *name, const struct op *ops, bool is_mortal)
{
	int who = add_script_late(name, ops, is_mortal);

	open_handles(who);
	return who;
}

int add_script_late(const char *name, const struct op *ops, bool is_mortal)
{
	int who = explore_add_actor(name, turn, is_mortal);

	scripts[who] = script_ops[who];
	for (int i = 0;; i++) {
		if (i > OPS_MAX) {
			fprintf(stderr, "interleave: the script of %s is too long\n", name);
			exit(1);
		}
		script_ops[who][i] = ops[i];
		if (ops[i].call == NULL)
			break;
	}
	return who;
}

void before_call(int who, struct op op)
{
	act_as(who);
	op.call(who, op.argument);
	cut_call_returns(who);
	act_as(DRAINER);
	monitor_step();
}

static void remember_bits(const struct bitmap *map)
{
	for (uint32_t level = 0; level < map->levels; level++)
		explore_remember((void *)map->level[level], sizeof(uint64_t));
}

static void remember_queue(int queue)
{
	struct seg_header *header = header_of(queue);

	explore_remember((void *)&header->wanted,
			 offsetof(struct seg_header, region) - offsetof(struct seg_header, wanted));
	explore_remember((void *)header->region, shape.rings * sizeof(header->region[0]));
	for (uint32_t i = 0; i < shape.rings; i++) {
		explore_remember((void *)&header->ends[i].tail, sizeof(uint64_t));
		explore_remember((void *)&header->ends[i].head, sizeof(uint64_t));
		explore_remember(ring_memory(queue, i), world_ring_bytes(shape.capacity > 1 ? 2 : 1));
	}
	explore_remember(header->bodies, sizeof(uint64_t) * 3);
	explore_remember((void *)body_places[queue].table, BLOCKS_SEEN * sizeof(uint64_t));
	remember_bits(&body_places[queue].free);
	remember_bits(&body_places[queue].holes);
	for (uint32_t i = 0; i < BLOCKS_SEEN; i++)
		explore_remember(block_bytes(queue, i), BLOCK_SEEN_BYTES);
	for (uint32_t i = 1; i <= rows_seen[queue]; i++)
		explore_remember(row_of(queue, i), offsetof(struct seg_row, holds) + HOLDS_SEEN * sizeof(uint64_t));
}

void world_ready(void)
{
	/* The one who set up leaves. */
	for (int queue = 0; queue < QUEUES; queue++)
		if (own[DRAINER].handle[queue])
			rlq_queue_close(own[DRAINER].handle[queue]);
	memset(&own[DRAINER], 0, sizeof(own[DRAINER]));
	world.refusals_left = shape.may_lack_memory;
	explore_join(is_joined);
	/* Each actor has a handle on each, and a way to d, and for a while one to look for a move's other half. */
	rows_seen[QUEUE] = (uint32_t)explore_actor_count() * (shape.receives_max ? 2 : 1) + 2;
	rows_seen[DLQ] = (uint32_t)explore_actor_count() * 3 + 3;
	explore_remember(&world, sizeof(world));
	remember_queue(QUEUE);
	if (shape.receives_max)
		remember_queue(DLQ);
	if (world_is_durable()) {
		cut_begin();
		journal_remember();
	}
	for (int i = 0; i < explore_actor_count(); i++)
		own_remember(i, shape.rings);
	monitor_begin();
	guard_begin();
}
