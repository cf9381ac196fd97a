/* The end: those who live sweep, and everything that is left can be received once; then nothing is left. */
#include "tests/interleave/segments/journal.h"
#include "tests/interleave/segments/judge.h"

#include "shm/extents.h"
#include "shm/message.h"
#include "shm/verify.h"

#include <string.h>

enum { SWEEPS = 4, DRAINS_MAX = 16 };

static bool has_dlq(void)
{
	return header_of(QUEUE)->attribute[ATTRIBUTE_RECEIVES_MAX] != 0;
}

static bool is_there(int queue)
{
	return world.files[queue].named && !(header_of(queue)->rings & RINGS_REMOVED) &&
	       (queue == QUEUE || has_dlq());
}

static void sweep_all(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		world.now_ms += LATER_MS;
		call_sweep(DRAINER, 0);
		if (has_dlq())
			call_sweep_dlq(DRAINER, 0);
	}
}

/* Everybody who was stopped for so long finds that all leases are over, and that others have swept. */
void check_resume(void)
{
	memset(&own[DRAINER], 0, sizeof(own[DRAINER]));
	world.was_late = 1;
	world.now_ms += LATER_MS;
	call_open(DRAINER, 0);
	if (is_there(QUEUE) && !explore_failed())
		sweep_all(2);
	for (int queue = 0; queue < QUEUES; queue++)
		rlq_queue_close(own[DRAINER].handle[queue]);
	memset(&own[DRAINER], 0, sizeof(own[DRAINER]));
}

/* Receives and deletes until nothing comes. */
static void drain(int queue)
{
	for (int tries = 0; tries < DRAINS_MAX; tries++) {
		(queue == QUEUE ? call_receive : call_receive_dlq)(DRAINER, BATCH_MAX);
		if (own[DRAINER].has == 0)
			return;
		call_delete(DRAINER, 0);
	}
	explore_fail("the drain never hears EMPTY", 0);
}

/* What finds the dead-letter queue full waits for the next round. */
static void drain_all(void)
{
	drain(QUEUE);
	for (unsigned i = 1; has_dlq() && i < MESSAGES_MAX; i++) {
		drain(DLQ);
		drain(QUEUE);
		call_sweep(DRAINER, 0);
	}
}

/* ---- nothing is left ---- */

static void check_slots(int queue)
{
	const struct segment *segment = own[DRAINER].handle[queue]->seg;

	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];

		for (uint32_t slot = 0; slot < ring_slot_count(ring); slot++)
			if ((ring->slots[slot].word.low & 15) != SLOT_FREE)
				explore_fail("slot %llu is lost", slot);
	}
	if (rings_count(segment->rings) != 1)
		explore_fail("%llu rings are left", rings_count(segment->rings));
}

static void check_regions(int queue)
{
	const struct seg_header *header = header_of(queue);

	for (uint32_t i = 0; i < SEG_RING_COUNT; i++) {
		uint64_t state = header->region[i].low & 15;

		if (rings_contain(header->rings, i) ? state != REGION_LIVE : state != REGION_EMPTY)
			explore_fail("ring region %llu is not as the list says", i);
		if (i < RINGS_SEEN && !rings_contain(header->rings, i) && world.files[queue].ring_bytes[i] > 0)
			explore_fail("ring region %llu keeps its memory", i);
	}
}

/* Of groups and tokens there is one table in the end. */
static void check_tables(int queue)
{
	const struct seg_header *header = header_of(queue);

	for (uint32_t kind = TABLE_GROUPS; kind <= TABLE_TOKENS; kind++)
		if (rings_count(header->tables[kind]) != 1)
			explore_fail("%llu tables of a kind are left", rings_count(header->tables[kind]));
	for (uint32_t i = 0; i < SEG_TABLE_COUNT; i++) {
		bool is_listed = rings_contain(header->tables[i / TABLES_OF_A_KIND], i % TABLES_OF_A_KIND);

		if ((header->region[SEG_RING_COUNT + i].low & 15) != (is_listed ? REGION_LIVE : REGION_EMPTY))
			explore_fail("table region %llu is not as the list says", i);
		if (!is_listed && world.files[queue].table_bytes[i] > 0)
			explore_fail("table region %llu keeps its memory", i);
	}
}

static void check_blocks(int queue)
{
	for (uint32_t block = 0; block < BLOCKS_SEEN; block++) {
		uint64_t word = *block_word(queue, block);

		if (word != BLOCK_FREE && word != BLOCK_HOLE)
			explore_fail("block %llu is lost", block);
		if (word == BLOCK_FREE && !(world.files[queue].extents >> block / 2 & 1))
			explore_fail("block %llu is said to have memory", block);
	}
}

static void check_rows(int queue)
{
	for (uint32_t i = 1; i < SEG_ROWS_STEP; i++)
		if (row_of(queue, i)->user.low & 1 && (int)row_of(queue, i)->user.high - 1 != DRAINER)
			explore_fail("row %llu is not given back", i);
	if (seg_live(own[DRAINER].handle[queue]->seg) != 0)
		explore_fail("%lld messages are counted, yet there are none",
			     (uint64_t)seg_live(own[DRAINER].handle[queue]->seg));
}

static void say_fault(void *context, const char *text)
{
	static char said[256];

	(void)context;
	strncpy(said, text, sizeof(said) - 1);
	explore_fail(said, 0);
}

static void check_nothing_is_left(int queue)
{
	check_slots(queue);
	check_regions(queue);
	if (world_is_fifo())
		check_tables(queue);
	check_blocks(queue);
	check_rows(queue);
	if (!explore_failed())
		seg_verify(directory_of(DRAINER), world_name(queue), say_fault, NULL);
}

static void check_all_came(void)
{
	for (unsigned i = 1; i < MESSAGES_MAX; i++)
		if (world.accounts[i].exists && !world.accounts[i].deleted)
			explore_fail("message %llu is stranded", i);
	fifo_check_promises();
}

/* ---- the end ---- */

/* Everybody who lives closes its handles, and with them what it read in place. */
static void everybody_leaves(void)
{
	for (int i = 0; i < explore_actor_count(); i++) {
		if (explore_actor(i)->status == ACTOR_DEAD)
			continue;
		act_as(i);
		world.viewed[i] = (struct viewed){0};
		for (int queue = 0; queue < QUEUES; queue++)
			rlq_queue_close(own[i].handle[queue]);
		journal_leave(i);
	}
	act_as(DRAINER);
}

/* Who freed a message that somebody read, and who read it: one of them has freed it for good. */
static void check_held(void)
{
	for (int queue = 0; queue < QUEUES && !world_is_fifo(); queue++) /* there it may be kept by its chain */
		for (uint32_t slot = 0; slot < 2 && !explore_any_death(); slot++)
			if ((slot_in(queue, 0, slot)->word.low & 15) == SLOT_HELD)
				explore_fail("slot %llu is held for nobody", slot);
}

/* At rest the journal says just what is there; `turns` that may take. */
static void check_is_followed(unsigned turns)
{
	if (!world_is_durable() || !journal_is_kept() || explore_failed())
		return;
	while (turns-- > 0)
		journal_play();
	cut_judge_rest();
}

/* Another engine comes, while all that is there lives on. */
static void check_is_taken_over(void)
{
	if (!world_is_durable() || explore_failed())
		return;
	call_journal_start(DRAINER, 0);
	check_is_followed(1);
}

static bool reads_any(void)
{
	for (int i = 0; i < ACTORS_MAX; i++)
		if (world.viewed[i].bytes)
			return true;
	return false;
}

/* The queues go on: a small message and a large one, there and back. */
static void check_works_on(void)
{
	memset(&world.accounts, 0, sizeof(world.accounts));
	memset(&cut, 0, sizeof(cut));
	world.is_over = 1;
	memset(world.leased, 0, sizeof(world.leased));
	call_send(DRAINER, 1);
	if (!world_is_fifo()) /* where it has no block either */
		call_send_big(DRAINER, 2);
	drain(QUEUE);
	if (!world.accounts[1].deleted || (world.accounts[2].exists && !world.accounts[2].deleted))
		explore_fail("the empty queue does not take messages", 0);
}

/* What the dead have left waits for nobody, though others live on. */
static void check_nobody_waits(int queue)
{
	const unsigned waiting =
		1u << SLOT_WRITING | 1u << SLOT_PASSED | 1u << SLOT_MOVING | 1u << SLOT_MOVED | 1u << SLOT_ARRIVING;

	for (uint32_t ring = 0; ring < RINGS_SEEN; ring++)
		for (uint32_t slot = 0; slot < SLOTS_SEEN; slot++)
			if (waiting >> (world.seen[queue][ring][slot].bits.low & 15) & 1)
				explore_fail("slot %llu waits for the dead", slot);
	for (uint32_t ring = 0; ring < SEG_RING_COUNT; ring++)
		if ((header_of(queue)->region[ring].low & 15) == REGION_BUSY)
			explore_fail("ring region %llu waits for the dead", ring);
	for (uint32_t block = 0; block < BLOCKS_SEEN; block++)
		if (block_is_owned(*block_word(queue, block)))
			explore_fail("block %llu waits for the dead", block);
}

/* Nobody was killed or stopped, so each group whose head is READY can be received from at once. */
static void check_turns(void)
{
	for (int queue = 0; queue < QUEUES && is_there(queue); queue++) {
		for (int tries = 0; tries < DRAINS_MAX; tries++) {
			(queue == QUEUE ? call_receive : call_receive_dlq)(DRAINER, BATCH_MAX);
			if (own[DRAINER].has == 0)
				break;
		}
		fifo_check_turns(queue);
	}
}

static bool any_asleep(void)
{
	for (int i = 0; i < explore_actor_count(); i++)
		if (explore_actor(i)->status == ACTOR_ASLEEP)
			return true;
	return false;
}

static void check_removed(void)
{
	everybody_leaves();
	call_finish_removal(DRAINER, 0);
	if (world.files[QUEUE].named)
		explore_fail("the removed queue keeps its name", 0);
}

void check_end(void)
{
	memset(&own[DRAINER], 0, sizeof(own[DRAINER]));
	world.refusals_left = 0;
	written.is_full = false;
	memset(&keepers[KEEPERS - 1], 0, sizeof(keepers[0]));
	if (!reads_any())
		check_held();
	if (!explore_any_death())
		check_is_followed(1);
	if (!is_there(QUEUE)) {
		check_removed();
		return;
	}
	call_open(DRAINER, 0);
	if (explore_failed())
		return;
	if (world_is_fifo() && !explore_any_death() && !world.was_late)
		check_turns();
	sweep_all(SWEEPS);
	for (int queue = 0; queue < QUEUES && !any_asleep(); queue++)
		check_nobody_waits(queue);
	cut_begin(); /* what sweeps have moved on may have been moved before */
	check_is_followed(2);
	check_is_taken_over();
	if (explore_failed()) /* perhaps nobody keeps a journal for those who wait */
		return;
	everybody_leaves();
	sweep_all(1);
	drain_all();
	check_all_came();
	check_is_followed(1);
	sweep_all(SWEEPS);
	for (int queue = 0; queue < QUEUES && !explore_failed(); queue++)
		if (is_there(queue))
			check_nothing_is_left(queue);
	os_check_poison();
	if (!explore_failed())
		check_works_on();
}
