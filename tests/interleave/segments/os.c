/* The rest of kmod-free/: memory that is given and taken away under watch, life and death by the explorer, a
 * clock that stands still. */
#include "kmod-free/clock.h"
#include "kmod-free/futex.h"
#include "kmod-free/liveness.h"
#include "kmod-free/memory.h"
#include "kmod-free/numa.h"
#include "tests/interleave/segments/journal.h"

#include <errno.h>
#include <string.h>

enum { RING_ORDER_SEEN = 2 };
#define WALL_MS UINT64_C(1800000000000)

/* ---- memory ---- */

static size_t ring_bytes_seen(void)
{
	return world_ring_bytes(RING_ORDER_SEEN);
}

static bool is_poison(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != POISON)
			return false;
	return true;
}

static void ring_check(int queue, uint32_t ring)
{
	uint32_t from = world.files[queue].ring_bytes[ring];

	if (from < ring_bytes_seen() && !is_poison(ring_memory(queue, ring) + from, ring_bytes_seen() - from))
		explore_fail("ring region %llu was written to without having memory", ring);
}

static void table_check(int queue, uint32_t table)
{
	uint32_t from = world.files[queue].table_bytes[table];
	size_t bytes = world_table_bytes(table);

	if (from < bytes && !is_poison(table_memory(queue, table) + from, bytes - from))
		explore_fail("table %llu was written to without having memory", table);
}

static void extent_check(int queue, uint32_t extent)
{
	for (uint32_t block = extent * 2; block < extent * 2 + 2; block++)
		if (!(world.files[queue].extents >> extent & 1) &&
		    !is_poison(block_bytes(queue, block), BLOCK_SEEN_BYTES))
			explore_fail("block %llu was written to without having memory", block);
}

void os_check_poison(void)
{
	for (int queue = 0; queue < QUEUES; queue++) {
		for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
			ring_check(queue, ring);
		for (uint32_t table = 0; table < SEG_TABLE_COUNT; table++)
			table_check(queue, table);
		for (uint32_t extent = 0; extent < BLOCKS_SEEN / 2; extent++)
			extent_check(queue, extent);
	}
}

static bool touches, touched;

bool os_touched(void)
{
	return touched;
}

static bool ring_touch(int queue, uint64_t offset)
{
	uint64_t ring = offset / SEG_RING_REGION, at = offset % SEG_RING_REGION;

	if (ring >= RINGS_SEEN || at >= world.files[queue].ring_bytes[ring])
		explore_fail("ring region %llu is touched without having memory", ring);
	return at < SLOTS_SEEN * sizeof(struct slot);
}

static void table_touch(int queue, uint64_t offset)
{
	uint64_t table = offset / SEG_TABLE_REGION;

	if (offset % SEG_TABLE_REGION >= world.files[queue].table_bytes[table])
		explore_fail("table %llu is touched without having memory", table);
}

static void block_touch(int queue, uint64_t extent)
{
	if (!(world.files[queue].extents >> extent & 1))
		explore_fail("extent %llu is touched without having memory", extent);
}

void os_touch(const void *address)
{
	const unsigned char *at = address;

	touched = touches;
	touches = false;
	for (int queue = 0; queue < QUEUES; queue++) {
		if (at >= map_base[queue] + SEG_TABLES && at < map_base[queue] + SEG_MAP_BYTES)
			table_touch(queue, (uint64_t)(at - map_base[queue]) - SEG_TABLES);
		else if (at >= map_base[queue] + SEG_RINGS && at < map_base[queue] + SEG_TABLES)
			touches = ring_touch(queue, (uint64_t)(at - map_base[queue]) - SEG_RINGS);
		else if (at >= body_places[queue].data && at < block_bytes(queue, BLOCKS_SEEN))
			block_touch(queue, (uint64_t)(at - body_places[queue].data) / BODY_EXTENT_BYTES);
		else if (at >= body_base[queue] && at < (unsigned char *)(body_places[queue].table + BLOCKS_SEEN))
			touches = true;
	}
}

void os_begin(void)
{
	for (int queue = 0; queue < QUEUES; queue++) {
		for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
			memset(ring_memory(queue, ring), POISON, ring_bytes_seen());
		for (uint32_t table = 0; table < SEG_TABLE_COUNT; table++)
			memset(table_memory(queue, table), POISON, world_table_bytes(table));
		for (uint32_t block = 0; block < BLOCKS_SEEN; block++)
			memset(block_bytes(queue, block), POISON, BLOCK_SEEN_BYTES);
	}
}

static void ring_give(int queue, uint32_t ring, uint32_t bytes)
{
	uint32_t *have = &world.files[queue].ring_bytes[ring];

	ring_check(queue, ring);
	if (bytes > ring_bytes_seen())
		explore_fail("ring region %llu is too large for this scenario", ring);
	else if (bytes > *have)
		memset(ring_memory(queue, ring) + *have, 0, bytes - *have);
	if (bytes > *have)
		*have = bytes;
}

static void table_give(int queue, uint32_t table, uint32_t bytes)
{
	uint32_t *have = &world.files[queue].table_bytes[table];

	table_check(queue, table);
	if (bytes > world_table_bytes(table))
		explore_fail("table %llu is too large for this scenario", table);
	else if (bytes > *have)
		memset(table_memory(queue, table) + *have, 0, bytes - *have), *have = bytes;
}

static void table_take(int queue, uint32_t table)
{
	table_check(queue, table);
	memset(table_memory(queue, table), POISON, world_table_bytes(table));
	world.files[queue].table_bytes[table] = 0;
}

static void extent_give(int queue, uint32_t extent)
{
	if (world.files[queue].extents >> extent & 1)
		return;
	extent_check(queue, extent);
	world.files[queue].extents |= (uint8_t)(1u << extent);
	for (uint32_t block = extent * 2; block < extent * 2 + 2; block++)
		memset(block_bytes(queue, block), 0, BLOCK_SEEN_BYTES);
}

/* The extent that an offset in the file is the start of; -1: none, but a table or bitmap. */
static int64_t extent_at(int queue, uint64_t offset)
{
	uint64_t data = SEG_BODIES + (uint64_t)(body_places[queue].data - body_base[queue]);

	return offset < data || offset >= SEG_BODIES + SEG_BODY_REGION
		       ? -1
		       : (int64_t)((offset - data) / BODY_EXTENT_BYTES);
}

static bool is_refused(void)
{
	if (world.refusals_left == 0 || explore_choose(2) == 0)
		return false;
	world.refusals_left--;
	return true;
}

int os_file_allocate(int fd, uint64_t offset, uint64_t bytes)
{
	int queue = fd - FIRST_FD;
	int64_t extent = extent_at(queue, offset);

	explore_step(&world.memory);
	if (is_refused())
		return -ENOSPC;
	if (offset >= SEG_TABLES && offset < SEG_MAP_BYTES)
		table_give(queue, (uint32_t)((offset - SEG_TABLES) / SEG_TABLE_REGION), (uint32_t)bytes);
	else if (offset >= SEG_RINGS && offset < SEG_TABLES)
		ring_give(queue, (uint32_t)((offset - SEG_RINGS) / SEG_RING_REGION), (uint32_t)bytes);
	else if (extent >= BLOCKS_SEEN / 2)
		explore_fail("more blocks than this scenario has", 0);
	else if (extent >= 0)
		extent_give(queue, (uint32_t)extent);
	return 0;
}

int os_map_allocate(int fd, uint64_t offset, unsigned char *memory, uint64_t bytes, bool *huge)
{
	(void)memory, (void)huge;
	return os_file_allocate(fd, offset, bytes);
}

int os_file_punch(int fd, uint64_t offset, uint64_t bytes)
{
	int queue = fd - FIRST_FD;
	int64_t extent = extent_at(queue, offset);

	(void)bytes;
	explore_step(&world.memory); /* others may go on before it is done */
	if (offset >= SEG_TABLES && offset < SEG_MAP_BYTES) {
		table_take(queue, (uint32_t)((offset - SEG_TABLES) / SEG_TABLE_REGION));
	} else if (offset >= SEG_RINGS && offset < SEG_TABLES) {
		uint64_t ring = (offset - SEG_RINGS) / SEG_RING_REGION;

		ring_check(queue, (uint32_t)ring);
		memset(ring_memory(queue, (uint32_t)ring), POISON, ring_bytes_seen());
		world.files[queue].ring_bytes[ring] = 0;
	} else if (extent >= 0) {
		memset(block_bytes(queue, (uint32_t)extent * 2), POISON, BLOCK_SEEN_BYTES);
		memset(block_bytes(queue, (uint32_t)extent * 2 + 1), POISON, BLOCK_SEEN_BYTES);
		world.files[queue].extents &= (uint8_t) ~(1u << extent);
	}
	return 0;
}

void *os_map(int fd, uint64_t offset, size_t bytes, bool writable)
{
	(void)bytes, (void)writable;
	if (offset == 0)
		return map_base[fd - FIRST_FD];
	if (offset == SEG_CELLS)
		return cell_base[fd - FIRST_FD];
	return offset == SEG_BODIES ? body_base[fd - FIRST_FD] : NULL;
}

void os_unmap(void *memory, size_t bytes)
{
	(void)memory, (void)bytes;
}

void os_map_populate(void *memory, size_t bytes)
{
	(void)memory, (void)bytes;
}

uint64_t os_file_memory(int fd)
{
	(void)fd;
	return 0;
}

/* Numbers that differ between actors, and queues. */
void os_random(void *ret_bytes, size_t bytes)
{
	uint64_t number = (uint64_t)acting() * 2 + world.files[QUEUE].named + 1;

	memset(ret_bytes, 0, bytes);
	memcpy(ret_bytes, &number, bytes < sizeof(number) ? bytes : sizeof(number));
}

int os_numa_place(void *memory, size_t bytes, enum os_numa_policy policy, uint32_t node)
{
	(void)memory, (void)bytes, (void)policy, (void)node;
	return 0;
}

int os_numa_where(void *memory, size_t bytes)
{
	(void)memory, (void)bytes;
	return -1;
}

bool os_numa_is_interleaved(const void *memory)
{
	(void)memory;
	return false;
}

bool os_numa_policy_of(void *memory, enum os_numa_policy *ret_policy, uint32_t *ret_node)
{
	(void)memory, (void)ret_policy, (void)ret_node;
	return false;
}

/* ---- life, time, order, sleep ---- */

static const int the_pid = 1;
const int *os_process_pid = &the_pid;

enum os_life os_liveness_ask(const struct os_liveness *self, uint64_t key)
{
	(void)self;
	explore_step(&world.life);
	return key >= 1 && key <= ACTORS_MAX && explore_actor((int)key - 1)->status == ACTOR_DEAD ? OS_DEAD
												  : OS_ALIVE;
}

enum os_life os_liveness_ask_again(const struct os_liveness *self, struct os_peer *peer, uint64_t key)
{
	(void)peer;
	return os_liveness_ask(self, key);
}

void os_peer_drop(struct os_peer *peer)
{
	(void)peer;
}

void os_clock_start(struct os_clock *clock)
{
	*clock = (struct os_clock){0};
}

void os_clock_read(struct os_clock *clock)
{
	explore_step(&world.now_ms);
	*clock = (struct os_clock){.boot_ms = world.now_ms, .wall_ms = WALL_MS + world.now_ms};
}

uint64_t os_boot_ms(void)
{
	return world.now_ms;
}

static bool waits_for_turn(const _Atomic uint32_t *word)
{
	return word == &engine_page.durable[0] || word == &engine_page.durable[1];
}

/* Whom the sleeper waits for may have come already. Sleeps do not end by time: that would only try again. */
int os_futex_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t until_ms)
{
	(void)until_ms;
	explore_step(word);
	if (*word == expected && waits_for_turn(word) && explore_current() == ACTORS_MAX)
		journal_play();
	if (*word != expected || explore_current() == ACTORS_MAX)
		return -EAGAIN;
	if (waits_for_turn(word))
		journal_judge_wait();
	own[acting()].asleep_on = word;
	explore_sleep(acting());
	return 0;
}

int os_futex_wake(const _Atomic uint32_t *word, int count)
{
	int woken = 0;

	explore_step(word);
	for (int i = 0; i < explore_actor_count() && woken < count; i++) {
		if (explore_actor(i)->status != ACTOR_ASLEEP || own[i].asleep_on != word)
			continue;
		explore_wake(i);
		woken++;
	}
	return woken;
}
