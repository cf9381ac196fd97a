/* Scenarios: what happens to messages. */
#include "tests/interleave/segments/scenarios.h"
#include "tests/interleave/segments/world.h"

/* ---- to the dead-letter queue, and back ---- */

/* Message 1 has been received as often as it may be, and its lease is over; `holder` was its last. */
static void use_up(int holder)
{
	before(DRAINER, SEND(1));
	before(holder, RECEIVE(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
}

void build_dlq_move(void)
{
	int holder;

	world_begin(&(struct shape){.receives_max = 1});
	holder = actor("holder", DELETE);
	actor("receiver", RECEIVE(1));
	actor("reaper", SWEEP, SWEEP_DLQ);
	use_up(holder);
	world_ready();
}

void build_dlq_two_receivers(void)
{
	int holder;

	world_begin(&(struct shape){.receives_max = 1});
	holder = actor("holder", DELETE);
	actor("receiver1", RECEIVE(1));
	actor("receiver2", RECEIVE(1));
	use_up(holder);
	world_ready();
}

void build_dlq_overdue(void)
{
	int holder;

	world_begin(&(struct shape){.receives_max = 1});
	holder = actor("holder", DELETE);
	actor("reaper1", SWEEP);
	actor("reaper2", SWEEP_DLQ, SWEEP);
	use_up(holder);
	before(DRAINER, LATER);
	world_ready();
}

/* The mover may be killed anywhere; two finish or undo at once, from either side. */
void build_dlq_two_finish(void)
{
	int mover;

	world_begin(&(struct shape){.receives_max = 1});
	mover = actor("mover", RECEIVE(1));
	immortal("reaper1", SWEEP, SWEEP_DLQ);
	immortal("reaper2", SWEEP_DLQ, SWEEP);
	use_up(mover);
	world_ready();
}

/* The copy is received and deleted while others finish. */
void build_dlq_received(void)
{
	int mover;

	world_begin(&(struct shape){.receives_max = 1});
	mover = actor("mover", RECEIVE(1));
	immortal("reaper", SWEEP, SWEEP_DLQ);
	immortal("consumer", RECEIVE_DLQ(1), DELETE);
	use_up(mover);
	world_ready();
}

/* One mover may be killed with a copy half made, while another moves the message elsewhere. */
void build_dlq_second_mover(void)
{
	int mover;

	world_begin(&(struct shape){.receives_max = 1, .capacity = 3, .is_whole = true});
	mover = actor("mover1", RECEIVE(1));
	immortal("mover2", SWEEP, SWEEP);
	immortal("reaper", SWEEP_DLQ);
	use_up(mover);
	world_ready();
}

void build_dlq_full(void)
{
	int holder;

	world_begin(&(struct shape){.receives_max = 1});
	holder = actor("holder", DELETE);
	actor("receiver", RECEIVE(1));
	actor("reaper", SWEEP);
	use_up(DRAINER);
	before(DRAINER, RECEIVE(1));
	before(DRAINER, SEND(2));
	before(holder, RECEIVE(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	world_ready();
}

static void begin_in_dlq(void)
{
	world_begin(&(struct shape){.receives_max = 1});
	use_up(DRAINER);
	before(DRAINER, RECEIVE(1));
}

void build_redrive(void)
{
	begin_in_dlq();
	actor("redriver", REDRIVE);
	actor("consumer", RECEIVE_DLQ(1), DELETE);
	actor("reaper", SWEEP_DLQ, SWEEP);
	world_ready();
}

void build_redrive_two(void)
{
	begin_in_dlq();
	actor("redriver1", REDRIVE);
	actor("redriver2", REDRIVE);
	actor("consumer", RECEIVE(1), DELETE);
	world_ready();
}

/* ---- purge and remove ---- */

void build_purge(void)
{
	world_begin(&(struct shape){0});
	before(DRAINER, SEND(1));
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(1), DELETE);
	actor("purger", PURGE);
	world_ready();
}

void build_purge_move(void)
{
	int holder;

	world_begin(&(struct shape){.receives_max = 1});
	holder = actor("mover", RECEIVE(1));
	actor("purger", PURGE);
	actor("reaper", SWEEP_DLQ, SWEEP);
	use_up(holder);
	world_ready();
}

void build_removal(void)
{
	world_begin(&(struct shape){.fine = FINE_NAMES});
	before(DRAINER, SEND(1));
	actor("remover", REMOVE);
	actor("producer", SEND(2));
	actor("consumer", RECEIVE(1), DELETE);
	latecomer("opener", OPEN, SEND(3));
	world_ready();
}

/* ---- time ---- */

void build_extend(void)
{
	int holder;

	world_begin(&(struct shape){.fine = FINE_TIME});
	holder = actor("holder", EXTEND, DELETE);
	actor("reaper", REAP);
	actor("consumer", RECEIVE(1), DELETE);
	immortal("clock", TICK);
	before(DRAINER, SEND(1));
	before(holder, RECEIVE(1));
	world_ready();
}

void build_release(void)
{
	int holder;

	world_begin(&(struct shape){.fine = FINE_TIME});
	holder = actor("holder", RELEASE, DELETE);
	actor("reaper", SWEEP);
	actor("consumer", RECEIVE(1), DELETE);
	immortal("clock", TICK);
	before(DRAINER, SEND(1));
	before(holder, RECEIVE(1));
	world_ready();
}

/* ---- readers in place ---- */

void build_held(void)
{
	world_begin(&(struct shape){.fine = FINE_HOLDS | FINE_TIME});
	before(DRAINER, SEND(1));
	actor("reader", RECEIVE_HELD(1), LET_GO);
	actor("consumer", RECEIVE(1), DELETE);
	actor("reaper", REAP);
	immortal("clock", TICK);
	world_ready();
}

void build_held_freed(void)
{
	int reader;

	world_begin(&(struct shape){.fine = FINE_HOLDS});
	before(DRAINER, SEND(1));
	reader = actor("reader", LET_GO);
	actor("consumer", RECEIVE(1), DELETE);
	actor("producer", SEND(2));
	actor("reaper", SWEEP);
	before(reader, RECEIVE_HELD(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	world_ready();
}

/* What is read in place is moved away, the mover is killed, and it is purged. */
void build_held_moved(void)
{
	int reader;

	world_begin(&(struct shape){.fine = FINE_HOLDS, .receives_max = 1});
	before(DRAINER, SEND(1));
	reader = actor("reader", LET_GO);
	actor("mover", RECEIVE(1));
	immortal("reaper", SWEEP);
	immortal("purger", PURGE, SEND(2));
	before(reader, RECEIVE_HELD(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	world_ready();
}

/* Two read one message, by leases of their own; one deletes it. */
void build_held_twice(void)
{
	int reader;

	world_begin(&(struct shape){.fine = FINE_HOLDS});
	before(DRAINER, SEND(1));
	reader = actor("reader1", LET_GO);
	actor("reader2", RECEIVE_HELD(1), DELETE);
	actor("reaper", SWEEP);
	before(reader, RECEIVE_HELD(1));
	before(DRAINER, TICK);
	before(DRAINER, REAP);
	world_ready();
}

/* The slot is used again while somebody who has leased it copies. */
void build_late_copy(void)
{
	world_begin(&(struct shape){.fine = FINE_TIME | FINE_BODIES});
	before(DRAINER, SEND(1));
	actor("late", RECEIVE(1), DELETE);
	immortal("clock", TICK, REAP);
	immortal("consumer", RECEIVE(1), DELETE, RECEIVE(1), DELETE);
	immortal("producer", SEND(2), SEND(3));
	world_ready();
}

/* ---- rows ---- */

/* A dead one's row is freed and taken by another while a slot still names it. */
void build_rows(void)
{
	world_begin(&(struct shape){.fine = FINE_ROWS});
	latecomer("producer", OPEN, SEND(1));
	immortal("reaper", SWEEP);
	add_script_late("opener", (const struct op[]){OPEN, SEND(2), {0}}, false);
	world_ready();
}

/* ---- batches ---- */

void build_batches(void)
{
	world_begin(&(struct shape){.capacity = 3, .is_whole = true});
	actor("producer", SEND_TWO(1));
	actor("consumer", RECEIVE(2), DELETE);
	actor("reaper", SWEEP);
	world_ready();
}

/* With steps between all accesses to the ring's hints, and to rows. */
void build_dlq_fine(void)
{
	int mover;

	world_begin(&(struct shape){.receives_max = 1, .fine = FINE_HINTS | FINE_ROWS});
	mover = actor("mover", RECEIVE(1));
	immortal("reaper1", SWEEP, SWEEP_DLQ);
	immortal("reaper2", SWEEP_DLQ, SWEEP);
	use_up(mover);
	world_ready();
}
