#include "tests/interleave/segments/journal.h"

#include "shm/extents.h"
#include "shm/move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct world world;
unsigned char *map_base[QUEUES], *body_base[QUEUES], *cell_base[QUEUES];
struct body_region body_places[QUEUES];
uint32_t rows_seen[QUEUES];
struct shape world_shaped;

enum { IDS_MAX = 8, DAY_MS = 86400000 };

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

const char *world_name(int queue)
{
	static const char *const names[2][QUEUES] = {{"q", "d"}, {"q.fifo", "d.fifo"}};

	return names[world_is_fifo()][queue];
}

size_t world_table_bytes(uint32_t table)
{
	bool is_replaced = table_is_replaced(table) && world_shape()->tables > 1;

	if (!world_is_fifo() || table % TABLES_OF_A_KIND >= (is_replaced ? world_shape()->tables : 1))
		return 0;
	return table_bytes(SEG_RING_COUNT + table, is_replaced ? TABLE_ORDER_SEEN : TABLE_ORDER_FIRST);
}

size_t world_ring_bytes(uint32_t order)
{
	return ring_bytes(order, world_is_durable());
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
		cell_base[queue] = reserve(SEG_CELLS_BYTES);
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
		.capacity = world_shape()->capacity ? world_shape()->capacity : 1,
		.attribute = {[ATTRIBUTE_VISIBILITY_MS] = LEASE_MS,
			      [ATTRIBUTE_RETENTION_MS] = (uint64_t)RLQ_RETENTION_MAX_MS,
			      [ATTRIBUTE_BYTES_MAX] = RLQ_BODY_DEFAULT_MAX,
			      [ATTRIBUTE_RECEIVES_MAX] = dlq[0] ? world_shape()->receives_max : 0,
			      [ATTRIBUTE_OVERDUE_MS] = OVERDUE_MS,
			      [ATTRIBUTE_DEDUP_WINDOW_MS] = world_shape()->window_ms},
		.mode = 0600,
		.durability = world_shape()->durability,
		.group = UINT32_MAX,
		.type = world_shape()->groups ? RLQ_FIFO : RLQ_STANDARD,
		.dedup_max = world_shape()->groups ? IDS_MAX : 0,
		.order_first = world_shape()->is_whole ? 2 : 1,
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
	world_shaped = *of;
	if (world_shaped.rings == 0)
		world_shaped.rings = 1;
	if (world_shaped.tables == 0)
		world_shaped.tables = 1;
	if (world_shaped.window_ms == 0)
		world_shaped.window_ms = DAY_MS;
	world.now_ms = 1000;
	map_queues();
	wipe(QUEUE);
	wipe(DLQ);
	os_begin();
	act_as(DRAINER);
	create(world_name(QUEUE), world_shape()->receives_max ? world_name(DLQ) : "");
	if (world_shape()->receives_max)
		create(world_name(DLQ), "");
	for (int i = 0; i < MESSAGES_MAX; i++)
		world.accounts[i].holder = world.accounts[i].deleted_by = world.accounts[i].partner = NOBODY;
	monitor_begin();
	journal_begin();
	open_handles(DRAINER);
}

static void turn(int who)
{
	const struct op *op = &scripts[who][own[who].at++];

	explore_doing(who, op->name);
	world.began_ms[who] = world.now_ms;
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
	world.began_ms[who] = world.now_ms;
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

static void remember_fifo(int queue)
{
	struct seg_header *header = header_of(queue);

	explore_remember((void *)header->tables,
			 offsetof(struct seg_header, attempt) - offsetof(struct seg_header, tables));
	if (world_shape()->has_attempts)
		explore_remember((void *)header->attempt, sizeof(header->attempt));
	for (uint32_t i = 0; i < SEG_TABLE_COUNT; i++)
		if (world_table_bytes(i) > 0) {
			explore_remember((void *)&header->region[SEG_RING_COUNT + i], sizeof(header->region[0]));
			explore_remember(table_memory(queue, i), world_table_bytes(i));
		}
	for (uint32_t ring = 0; ring < world_shape()->rings; ring++)
		for (uint32_t slot = 0; slot < (world_shape()->capacity > 1 ? 4 : 2); slot++)
			explore_remember(cell_of_slot(queue, slot_in(queue, ring, slot)), CELL_SEEN_BYTES);
}

static void remember_queue(int queue)
{
	struct seg_header *header = header_of(queue);

	explore_remember((void *)&header->wanted,
			 offsetof(struct seg_header, region) - offsetof(struct seg_header, wanted));
	explore_remember((void *)header->region, world_shape()->rings * sizeof(header->region[0]));
	for (uint32_t i = 0; i < world_shape()->rings; i++) {
		explore_remember((void *)&header->ends[i].tail, sizeof(uint64_t));
		explore_remember((void *)&header->ends[i].head, sizeof(uint64_t));
		explore_remember(ring_memory(queue, i), world_ring_bytes(world_shape()->capacity > 1 ? 2 : 1));
	}
	explore_remember(header->bodies, sizeof(uint64_t) * 3);
	explore_remember((void *)body_places[queue].table, BLOCKS_SEEN * sizeof(uint64_t));
	remember_bits(&body_places[queue].free);
	remember_bits(&body_places[queue].holes);
	for (uint32_t i = 0; i < BLOCKS_SEEN; i++)
		explore_remember(block_bytes(queue, i), BLOCK_SEEN_BYTES);
	if (world_is_fifo())
		remember_fifo(queue);
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
	world.refusals_left = world_shape()->may_lack_memory;
	explore_join(step_is_joined);
	/* Each actor has a handle on each, and a way to d, and for a while one to look for a move's other half. */
	rows_seen[QUEUE] = (uint32_t)explore_actor_count() * (world_shape()->receives_max ? 2 : 1) + 2;
	rows_seen[DLQ] = (uint32_t)explore_actor_count() * 3 + 3;
	explore_remember(&world, sizeof(world));
	remember_queue(QUEUE);
	if (world_shape()->receives_max)
		remember_queue(DLQ);
	if (world_is_durable()) {
		cut_begin();
		journal_remember();
	}
	for (int i = 0; i < explore_actor_count(); i++)
		own_remember(i, world_shape()->rings);
	monitor_begin();
	guard_begin();
}
