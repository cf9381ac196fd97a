/* Scenarios: tables of FIFO queues are replaced while messages come and go. */
#include "tests/interleave/segments/scenarios.h"
#include "tests/interleave/segments/world.h"

#include "shm/tables.h"

static void begin(enum seg_table_kind replaced, struct shape shape)
{
	shape.replaced = replaced;
	shape.tables = shape.tables ? shape.tables : 2;
	shape.capacity = 3;
	shape.is_whole = true;
	shape.fine |= FINE_TABLES;
	world_begin(&shape);
}

/* The group moves to another table. */
void build_fifo_groups_replaced(void)
{
	begin(TABLE_GROUPS, (struct shape){.groups = "a", .fine = FINE_CHAINS});
	before(DRAINER, SEND(1));
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(2), DELETE);
	actor("reaper", REPLACE(TABLE_GROUPS), SWEEP);
	world_ready();
}

/* A token lies in the older table, another is pushed to the newer one. */
void build_fifo_tokens_replaced(void)
{
	begin(TABLE_TOKENS, (struct shape){.groups = "ab", .fine = FINE_TOKENS});
	before(DRAINER, SEND(1));
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(1), RECEIVE(1));
	actor("reaper", REPLACE(TABLE_TOKENS), SWEEP);
	world_ready();
}

/* Two send one id while its table is replaced. */
void build_fifo_ids_replaced(void)
{
	begin(TABLE_IDS, (struct shape){.groups = "a", .ids = "11", .fine = FINE_IDS});
	actor("producer1", SEND(1));
	actor("producer2", SEND(2));
	actor("reaper", REPLACE(TABLE_IDS));
	world_ready();
}

/* The older table goes: its window is over. */
void build_fifo_ids_dropped(void)
{
	begin(TABLE_IDS,
	      (struct shape){.groups = "a", .ids = "111", .tables = 4, .window_ms = 1000, .fine = FINE_IDS});
	before(DRAINER, SEND(1));
	before(DRAINER, LATER);
	actor("producer1", SEND(2));
	actor("producer2", SEND(3));
	actor("reaper", REPLACE(TABLE_IDS), LATER, SWEEP);
	world_ready();
}
