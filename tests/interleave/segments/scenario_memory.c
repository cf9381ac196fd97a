/* Scenarios: rings and blocks, and the memory behind them. */
#include "tests/interleave/segments/scenarios.h"
#include "tests/interleave/segments/world.h"

/* ---- rings ---- */

void build_grow(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3});
	before(DRAINER, SEND(1));
	actor("producer1", SEND(2));
	actor("producer2", SEND(3));
	actor("reaper", RETIRE);
	world_ready();
}

/* The older ring runs empty; some handles still know nothing but it. */
void build_retire(void)
{
	int holder;

	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3});
	holder = actor("holder", DELETE);
	actor("producer", SEND(3));
	actor("reaper", RETIRE, RETIRE);
	before(DRAINER, SEND(1));
	before(holder, RECEIVE(1));
	before(DRAINER, SEND(2));
	world_ready();
}

/* A producer that has begun in the only ring finds it grown, emptied and about to go. */
void build_retire_entered(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3});
	actor("producer", SEND(3));
	actor("others", SEND(1), SEND(2), RECEIVE(1), DELETE, RETIRE, RETIRE);
	world_ready();
}

/* A consumer begins with a list that is older by two changes. */
void build_retire_refreshed(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3});
	actor("consumer", RECEIVE(1), DELETE);
	actor("reaper", RETIRE, RETIRE);
	before(DRAINER, SEND(1));
	before(DRAINER, SEND(2));
	before(DRAINER, RECEIVE(1));
	before(DRAINER, DELETE);
	world_ready();
}

/* The same by a handle that is just being opened: nothing has shown its view before. */
void build_retire_opened(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3});
	latecomer("consumer", OPEN, RECEIVE(1), DELETE);
	actor("reaper", RETIRE, RETIRE);
	before(DRAINER, SEND(1));
	before(DRAINER, SEND(2));
	before(DRAINER, RECEIVE(1));
	before(DRAINER, DELETE);
	world_ready();
}

void build_retire_two(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3});
	actor("producer", SEND(3));
	actor("reaper1", RETIRE);
	actor("reaper2", RETIRE);
	before(DRAINER, SEND(1));
	before(DRAINER, SEND(2));
	before(DRAINER, RECEIVE(1));
	before(DRAINER, DELETE);
	world_ready();
}

/* ---- blocks ---- */

void build_blocks(void)
{
	world_begin(&(struct shape){0});
	actor("producer1", SEND_BIG(1));
	actor("producer2", SEND_BIG(2));
	actor("reaper", SWEEP);
	world_ready();
}

/* With every hint a step: a bit may be set too late. */
void build_blocks_hints(void)
{
	world_begin(&(struct shape){.fine = FINE_HINTS, .capacity = 3, .is_whole = true});
	before(DRAINER, SEND_BIG(1));
	before(DRAINER, RECEIVE(1));
	before(DRAINER, DELETE);
	actor("producer1", SEND_BIG(2));
	actor("producer2", SEND_BIG(3));
	actor("reaper", SWEEP);
	world_ready();
}

void build_blocks_again(void)
{
	int holder;

	world_begin(&(struct shape){0});
	holder = actor("holder", DELETE);
	actor("producer", SEND_BIG(2));
	actor("reaper", SWEEP);
	before(DRAINER, SEND_BIG(1));
	before(holder, RECEIVE(1));
	world_ready();
}

/* A block is copied from, though its message is purged and its memory may go. */
void build_blocks_given_back(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS | FINE_BODIES});
	before(DRAINER, SEND_BIG(1));
	actor("consumer", RECEIVE(1));
	actor("purger", PURGE, GIVE_BACK);
	actor("producer", SEND_BIG(2));
	world_ready();
}

/* Two take the blocks of an extent, one frees what it finds and takes their memory away. */
void build_blocks_closed(void)
{
	world_begin(&(struct shape){.fine = FINE_BODIES});
	before(DRAINER, SEND_BIG(1));
	before(DRAINER, RECEIVE(1));
	before(DRAINER, DELETE);
	actor("producer1", SEND_BIG(2));
	actor("producer2", SEND_BIG(3));
	actor("purger", PURGE, GIVE_BACK);
	world_ready();
}

/* There may be no memory for a ring, or for an extent. */
void build_grow_refused(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .capacity = 3, .rings = 3, .may_lack_memory = true});
	before(DRAINER, SEND(1));
	actor("producer1", SEND(2));
	actor("producer2", SEND(3));
	world_ready();
}

void build_blocks_refused(void)
{
	world_begin(&(struct shape){.fine = FINE_VIEWS, .may_lack_memory = true});
	actor("producer", SEND_BIG(1));
	actor("consumer", RECEIVE(1), DELETE);
	actor("miser", GIVE_BACK);
	world_ready();
}
