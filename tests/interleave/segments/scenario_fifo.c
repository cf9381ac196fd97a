/* Scenarios: FIFO queues. Messages are of group a, and each has its own deduplication id, unless a scenario says
 * otherwise. */
#include "tests/interleave/segments/scenarios.h"
#include "tests/interleave/segments/world.h"

/* With room for three, and what their duplicates take up. */
static void begin_as(struct shape shape)
{
	shape.groups = shape.groups ? shape.groups : "a";
	shape.capacity = 3;
	shape.is_whole = true;
	world_begin(&shape);
}

static void begin(unsigned fine)
{
	begin_as((struct shape){.fine = fine});
}

/* ---- send ------------------------------------------------------------------------------------- */

void build_fifo_join(void)
{
	begin(FINE_CHAINS | FINE_TOKENS);
	actor("producer1", SEND(1));
	actor("producer2", SEND(2));
	actor("consumer", RECEIVE(2), DELETE);
	world_ready();
}

/* Two send one id; whoever is told of a message is told of the same one. */
void build_fifo_same(void)
{
	begin_as((struct shape){.ids = "11", .fine = FINE_CHAINS | FINE_IDS});
	actor("producer1", SEND(1));
	actor("producer2", SEND(2));
	actor("consumer", RECEIVE(2), DELETE);
	world_ready();
}

/* The same while another one is ahead: duplicates wait in their slots for it to go. */
void build_fifo_same_behind(void)
{
	int holder;

	begin_as((struct shape){.ids = "122", .fine = FINE_CHAINS | FINE_IDS});
	holder = actor("holder", DELETE);
	actor("producer1", SEND(2));
	actor("producer2", SEND(3));
	before(holder, SEND(1));
	before(holder, RECEIVE(1));
	world_ready();
}

void build_fifo_purge(void)
{
	begin(FINE_CHAINS | FINE_IDS);
	before(DRAINER, SEND(1));
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(2), DELETE);
	actor("purger", PURGE);
	world_ready();
}

/* The first and the second of a group go at once, by two. */
void build_fifo_purge_delete(void)
{
	int holder;

	begin(FINE_CHAINS);
	holder = actor("holder", DELETE);
	actor("purger", PURGE);
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, RECEIVE(2));
	world_ready();
}

/* What is forgotten by a purge can be sent again. */
void build_fifo_purge_same(void)
{
	begin_as((struct shape){.ids = "111", .fine = FINE_CHAINS | FINE_IDS});
	before(DRAINER, SEND(1));
	actor("producer1", SEND(2));
	actor("producer2", SEND(3));
	actor("purger", PURGE);
	world_ready();
}

void build_fifo_removal(void)
{
	begin(FINE_NAMES | FINE_CHAINS);
	before(DRAINER, SEND(1));
	actor("remover", REMOVE);
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(2), DELETE);
	world_ready();
}

/* ---- the head goes ------------------------------------------------------------------------------ */

/* Its only message is deleted while another joins the group. */
void build_fifo_delete(void)
{
	int holder;

	begin(FINE_CHAINS | FINE_TOKENS);
	holder = actor("holder", DELETE);
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(2), DELETE);
	before(holder, SEND(1));
	before(holder, RECEIVE(1));
	world_ready();
}

/* Two hold a message each, deleted in any order, while the lease of the second runs out. */
void build_fifo_expiry(void)
{
	int holder;

	begin(FINE_TIME | FINE_CHAINS | FINE_TOKENS);
	holder = actor("holder", EXTEND, DELETE);
	actor("reaper", REAP);
	actor("consumer", RECEIVE(2), DELETE);
	immortal("clock", TICK);
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, RECEIVE(2));
	world_ready();
}

/* Who receives two loses the first before he has the second; he may then have the first once more, in the same
 * call.
 */
void build_fifo_late(void)
{
	begin(FINE_TIME);
	before(DRAINER, SEND(1));
	before(DRAINER, SEND(2));
	actor("late", RECEIVE(2));
	actor("consumer", REAP, RECEIVE(1));
	immortal("clock", TICK);
	world_ready();
}

void build_fifo_release(void)
{
	int holder;

	begin(FINE_CHAINS | FINE_TOKENS);
	holder = actor("holder", RELEASE, DELETE);
	actor("consumer1", RECEIVE(2), DELETE);
	actor("consumer2", RECEIVE(2));
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, RECEIVE(1));
	world_ready();
}

/* ---- dead letters -------------------------------------------------------------------------------- */

static void use_up(int holder)
{
	before(holder, SEND(1));
	before(holder, RECEIVE(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
}

/* A used-up head is moved while another joins the group. */
static void dlq(unsigned fine)
{
	int holder;

	begin_as((struct shape){.receives_max = 1, .fine = fine});
	holder = actor("receiver", RECEIVE(1));
	actor("producer", SEND(2));
	actor("reaper", SWEEP, SWEEP_DLQ);
	use_up(holder);
	world_ready();
}

/* Two that follow each other are moved, each by another. */
static void dlq_two(unsigned fine)
{
	int holder;

	begin_as((struct shape){.receives_max = 1, .fine = fine});
	holder = actor("receiver1", RECEIVE(1));
	actor("receiver2", RECEIVE(1));
	actor("consumer", RECEIVE_DLQ(2), DELETE);
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, RECEIVE(2));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	world_ready();
}

/* And back, in their order. */
static void redrive(unsigned fine)
{
	begin_as((struct shape){.receives_max = 1, .fine = fine});
	before(DRAINER, SEND(1));
	before(DRAINER, SEND(2));
	before(DRAINER, RECEIVE(2));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	before(DRAINER, RECEIVE(1));
	before(DRAINER, RECEIVE(1));
	actor("redriver1", REDRIVE);
	actor("redriver2", REDRIVE);
	actor("consumer", RECEIVE(2), DELETE);
	world_ready();
}

void build_fifo_dlq(void)
{
	dlq(0);
}

void build_fifo_dlq_fine(void)
{
	dlq(FINE_CHAINS);
}

void build_fifo_dlq_two(void)
{
	dlq_two(0);
}

void build_fifo_dlq_two_fine(void)
{
	dlq_two(FINE_CHAINS);
}

void build_fifo_redrive(void)
{
	redrive(0);
}

void build_fifo_redrive_fine(void)
{
	redrive(FINE_CHAINS);
}

/* ---- attempts ------------------------------------------------------------------------------------ */

/* Who did not hear the answer asks again, while what it had is deleted, or its lease runs out. */
void build_fifo_attempt(void)
{
	int holder;

	begin_as((struct shape){.fine = FINE_TIME, .has_attempts = true});
	holder = actor("holder", DELETE);
	actor("again", ATTEMPT(2), DELETE);
	actor("reaper", REAP);
	immortal("clock", TICK);
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, ATTEMPT(2));
	world_ready();
}

/* One is stopped for longer than his lease while he notes what came; others go on, also by the same id. */
void build_fifo_attempt_late(void)
{
	begin_as((struct shape){.fine = FINE_ATTEMPTS, .has_attempts = true});
	before(DRAINER, SEND(1));
	actor("late", ATTEMPT(1), ATTEMPT(1), DELETE);
	actor("others", TICK, REAP, ATTEMPT(1), TICK, REAP, RECEIVE(1), DELETE);
	world_ready();
}

/* ---- two groups ---------------------------------------------------------------------------------- */

/* One is blocked by a lease: the other goes on. */
void build_fifo_blocked(void)
{
	int holder;

	begin_as((struct shape){.groups = "aab", .fine = FINE_CHAINS | FINE_TOKENS});
	holder = actor("holder", DELETE);
	actor("producer", SEND(3));
	actor("consumer", RECEIVE(2), DELETE, RECEIVE(2));
	before(holder, SEND(1));
	before(holder, SEND(2));
	before(holder, RECEIVE(1));
	world_ready();
}
