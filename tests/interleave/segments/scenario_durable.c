/* Scenarios: durable queues, and the journal that follows them. */
#include "tests/interleave/segments/scenarios.h"
#include "tests/interleave/segments/world.h"

static int keeper;

/* With a journal that has started, and will make one turn. */
static void begin_as(const struct shape *shape)
{
	world_begin(shape);
	keeper = journal_keeper("journal", TURN);
	before(keeper, START);
}

static void begin_small(enum rlq_durability durability)
{
	begin_as(&(struct shape){.fine = FINE_MARKS, .durability = durability});
}

/* With room for more than one message. */
static void begin(enum rlq_durability durability)
{
	begin_as(&(struct shape){.fine = FINE_MARKS, .durability = durability, .capacity = 3, .is_whole = true});
}

/* All that was done so far is written. */
static void settle(void)
{
	before(keeper, TURN);
}

/* ---- the cut ---- */

/* A message is forwarded while the turn gathers. */
void build_cut_forward(void)
{
	begin(RLQ_ASYNC);
	before(DRAINER, SEND(1));
	settle();
	actor("client", RECEIVE(1), SEND(2), DELETE);
	world_ready();
}

/* The same by two, one behind the other. */
void build_cut_chain(void)
{
	int first;

	begin(RLQ_ASYNC);
	before(DRAINER, SEND(1));
	first = actor("client1", SEND(2), DELETE);
	actor("client2", RECEIVE(1), SEND(3), DELETE);
	before(first, RECEIVE(1));
	world_ready();
}

/* The slot of what was deleted is used again at once. */
void build_cut_again(void)
{
	int client;

	begin_small(RLQ_ASYNC);
	before(DRAINER, SEND(1));
	settle();
	client = actor("client", DELETE, SEND(2), RECEIVE(1), DELETE, SEND(3), RECEIVE(1), DELETE);
	before(client, RECEIVE(1));
	world_ready();
}

void build_cut_purge(void)
{
	begin(RLQ_ASYNC);
	before(DRAINER, SEND(1));
	actor("purger", PURGE);
	actor("producer", SEND(2));
	world_ready();
}

void build_cut_held(void)
{
	int reader;

	begin_as(&(struct shape){.fine = FINE_MARKS | FINE_HOLDS, .durability = RLQ_ASYNC});
	before(DRAINER, SEND(1));
	reader = actor("reader", LET_GO);
	actor("consumer", RECEIVE(1), DELETE);
	before(reader, RECEIVE_HELD(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	settle();
	world_ready();
}

/* ---- moves ---- */

static void use_up(void)
{
	begin_as(&(struct shape){.fine = FINE_MARKS, .durability = RLQ_ASYNC, .receives_max = 1});
	before(DRAINER, SEND(1));
	before(DRAINER, RECEIVE(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	settle();
}

void build_cut_move(void)
{
	use_up();
	actor("mover", RECEIVE(1));
	actor("consumer", RECEIVE_DLQ(1), DELETE);
	world_ready();
}

/* The mover may be killed anywhere. */
void build_cut_move_finished(void)
{
	use_up();
	actor("mover", RECEIVE(1));
	immortal("reaper", SWEEP, SWEEP_DLQ);
	world_ready();
}

/* Who finishes it may be. */
void build_cut_move_helped(void)
{
	use_up();
	immortal("mover", RECEIVE(1));
	actor("reaper", SWEEP);
	world_ready();
}

/* Sent and moved while the turn gathers. */
void build_cut_move_new(void)
{
	begin_as(&(struct shape){.fine = FINE_MARKS, .durability = RLQ_ASYNC, .receives_max = 1});
	actor("client", SEND(1), RECEIVE(1), TICK, REAP, RECEIVE(1));
	world_ready();
}

void build_cut_redrive(void)
{
	use_up();
	before(DRAINER, RECEIVE(1));
	settle();
	actor("redriver", REDRIVE);
	actor("consumer", RECEIVE(1), DELETE);
	world_ready();
}

/* ---- sync ---- */

void build_sync_send(void)
{
	begin_small(RLQ_SYNC);
	actor("producer", SEND(1));
	actor("consumer", RECEIVE(1), DELETE);
	world_ready();
}

/* Slots are set aside for a batch; another one's send may claim there. */
void build_sync_batch(void)
{
	begin(RLQ_SYNC);
	actor("producer", SEND_TWO(1));
	actor("other", SEND(3));
	world_ready();
}

void build_sync_delete(void)
{
	int holder;

	begin(RLQ_SYNC);
	before(DRAINER, SEND(1));
	holder = actor("holder", DELETE);
	actor("producer", SEND(2));
	before(holder, RECEIVE(1));
	world_ready();
}

/* ---- the journal itself is killed ---- */

void build_taken_over(void)
{
	begin(RLQ_ASYNC);
	before(DRAINER, SEND(1));
	immortal("client", RECEIVE(1), SEND(2), DELETE);
	journal_keeper("successor", START, TURN);
	world_ready();
}

void build_taken_over_sync(void)
{
	begin_small(RLQ_SYNC);
	immortal("producer", SEND(1));
	immortal("consumer", RECEIVE(1), DELETE);
	journal_keeper("successor", START, TURN);
	world_ready();
}

/* ---- no room: whoever waits takes its message back ---- */

/* One turn leaves it out, the next ones have room for it. */
static void begin_full(void)
{
	world_begin(&(struct shape){.fine = FINE_MARKS, .durability = RLQ_SYNC});
	keeper = journal_keeper("journal", TURN, DISK_ROOM, TURN, TURN);
	before(keeper, START);
	before(keeper, DISK_FULL);
}

void build_taken_back(void)
{
	begin_full();
	actor("producer", SEND(1));
	actor("consumer", SWEEP, RECEIVE(1));
	world_ready();
}

/* Its slot has another's message when it comes to take its own back. */
void build_taken_back_late(void)
{
	world_begin(&(struct shape){.fine = FINE_MARKS, .durability = RLQ_SYNC});
	keeper = journal_keeper("journal", TURN, TURN, TURN, TURN);
	before(keeper, START);
	actor("late", SEND(1));
	actor("other", RECEIVE(1), DELETE, SEND(2), RECEIVE(1), DELETE, SEND(3));
	world_ready();
}

/* The journal is killed, and the next one has no room at first. */
void build_taken_back_over(void)
{
	begin_full();
	immortal("producer", SEND(1));
	journal_keeper("successor", START, DISK_ROOM, TURN, TURN);
	world_ready();
}
