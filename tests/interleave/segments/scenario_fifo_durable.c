/* Scenarios: durable FIFO queues. */
#include "tests/interleave/segments/scenarios.h"
#include "tests/interleave/segments/world.h"

static int keeper;

static void begin(enum rlq_durability durability, const char *ids, unsigned fine)
{
	world_begin(&(struct shape){.groups = "a",
				    .ids = ids,
				    .fine = fine,
				    .durability = durability,
				    .capacity = 3,
				    .is_whole = true});
}

/* A duplicate is answered when the first one is durable, and not before. */
void build_fifo_sync_same(void)
{
	begin(RLQ_SYNC, "11", FINE_MARKS | FINE_IDS);
	keeper = journal_keeper("journal", TURN);
	before(keeper, START);
	actor("producer1", SEND(1));
	actor("producer2", SEND(2));
	world_ready();
}

/* There is no room for the first one: it is taken back, and its duplicate is none. */
void build_fifo_taken_back(void)
{
	begin(RLQ_SYNC, "11", FINE_IDS);
	keeper = journal_keeper("journal", TURN, DISK_ROOM, TURN, TURN);
	before(keeper, START);
	before(keeper, DISK_FULL);
	actor("producer1", SEND(1));
	actor("producer2", SEND(2));
	world_ready();
}

/* The same with another one behind it in its group, and who receives that. */
void build_fifo_taken_back_ahead(void)
{
	begin(RLQ_SYNC, NULL, 0);
	keeper = journal_keeper("journal", TURN, DISK_ROOM, TURN, TURN);
	before(keeper, START);
	before(keeper, DISK_FULL);
	actor("producer1", SEND(1));
	actor("producer2", SEND(2));
	actor("consumer", RECEIVE(2));
	world_ready();
}

/* Who makes it the head publishes it for its producer, beside a turn. */
void build_fifo_cut_helped(void)
{
	int holder;

	begin(RLQ_ASYNC, NULL, FINE_MARKS);
	keeper = journal_keeper("journal", TURN);
	before(keeper, START);
	holder = actor("holder", DELETE);
	actor("producer", SEND(2));
	before(holder, SEND(1));
	before(holder, RECEIVE(1));
	before(keeper, TURN);
	world_ready();
}

/* The head is deleted while a turn gathers: its slot goes when its id is written, and not before. */
void build_fifo_cut_delete(void)
{
	int holder;

	begin(RLQ_ASYNC, NULL, FINE_MARKS | FINE_CHAINS);
	keeper = journal_keeper("journal", TURN);
	before(keeper, START);
	holder = actor("holder", DELETE, SEND(3));
	actor("consumer", RECEIVE(1), DELETE);
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, RECEIVE(1));
	world_ready();
}
