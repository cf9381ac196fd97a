#include "tests/interleave/scenario.h"
#include "tests/interleave/world.h"

enum { SOON = 10, NOT_SOON = 500 };

/* ---- laps ----------------------------------------------------------------------------------------- */

static void one_slot(void)
{
	world_begin(0, true);
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 2, DELETES);
}

static void one_slot_laps(void)
{
	world_begin(0, true);
	add_producer("producer", 1, 2);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
}

static void one_slot_laps_long(void)
{
	world_begin(0, true);
	add_producer("producer", 1, 3);
	add_consumer("consumer1", 2, DELETES);
	add_consumer("consumer2", 1, DELETES);
}

static void two_producers(void)
{
	world_begin(1, true);
	add_producer("producer1", 1, 2);
	add_producer("producer2", 3, 1);
	add_consumer("consumer", 2, DELETES);
}

static void two_producers_long(void)
{
	world_begin(1, true);
	add_producer("producer1", 1, 2);
	add_producer("producer2", 3, 2);
	add_consumer("consumer", 2, DELETES);
}

static void two_consumers(void)
{
	world_begin(1, true);
	add_producer("producer", 1, 2);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
}

/* ---- old leases and marks --------------------------------------------------------------------------- */

/* Slot 0 leased since lap 0, everything else received and deleted: its holder deletes late. */
static void begin_with_old_lease(void)
{
	world_begin(1, true);
	start_leased(0, 0, 7, NOT_SOON);
	start_freed(1, 1);
	start_ends(2);
}

static void old_lease(void)
{
	begin_with_old_lease();
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 1, DELETES);
	add_holder("holder", 0, DELETES);
}

static void old_lease_long(void)
{
	begin_with_old_lease();
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 2, DELETES);
	add_holder("holder", 0, DELETES);
}

/* One producer began to claim before another went round a full ring twice, and head was helped along. */
static void help_late(void)
{
	world_begin(0, true);
	start_leased(0, 0, 7, NOT_SOON);
	start_ends(1);
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 2);
	add_holder("holder", 0, DELETES);
}

static void begin_with_marks(void)
{
	world_begin(2, true);
	start_leased(0, 0, 6, NOT_SOON);
	start_leased(1, 0, 7, NOT_SOON);
	start_marked(0);
	start_marked(1);
	start_freed(2, 1);
	start_freed(3, 1);
	start_ends(4);
}

static void marks(void)
{
	begin_with_marks();
	add_producer("producer", 1, 2);
	add_consumer("consumer", 2, DELETES);
	add_holder("holder", 1, DELETES);
}

static void marks_long(void)
{
	begin_with_marks();
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 2, DELETES);
	add_holder("holder", 1, DELETES);
}

/* Slot 1's mark is stale for a moment: its holder frees it while one producer claims it and another
 * moves the tail on, so that the consumer may jump over the claim. */
static void marks_race(void)
{
	begin_with_marks();
	ring.ends->tail = 5;
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 1, DELETES);
	add_holder("holder", 1, DELETES);
}

/* The one who freed slot 1 was killed before it cleared the mark: the slot is not lost by that. */
static void stale_mark(void)
{
	begin_with_old_lease();
	start_marked(0);
	start_marked(1);
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 1, DELETES);
}

/* Slot 1 is freed and claimed while a producer that saw the old lease is about to mark it. */
static void marks_late(void)
{
	world_begin(2, true);
	start_leased(0, 0, 6, NOT_SOON);
	start_leased(1, 0, 7, NOT_SOON);
	start_marked(0);
	start_freed(2, 1);
	start_freed(3, 1);
	start_ends(4);
	ring.ends->tail = 5;
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 1, DELETES);
	add_holder("holder", 1, DELETES);
}

/* The first producer meets the old lease of slot 1 a second time, a lap later, while it is freed and sent
 * to by the second one, which began a lap ago. */
static void begin_with_old_marks(void)
{
	world_begin(1, true);
	start_leased(0, 0, 6, NOT_SOON);
	start_leased(1, 0, 7, NOT_SOON);
	start_marked(0);
	start_ends(2);
	ring.ends->tail = 3;
}

static void marks_again(void)
{
	begin_with_old_marks();
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 1, DELETES);
	add_holder("holder", 1, DELETES);
}

/* ---- time ----------------------------------------------------------------------------------------- */

static void delayed(void)
{
	world_begin(1, false);
	add_delaying_producer("producer", 1, 1);
	add_consumer("consumer", 1, DELETES);
	add_clock(1);
	add_reaper("reaper", 1);
}

static void begin_with_lease(void)
{
	world_begin(0, false);
	start_leased(0, 0, 7, SOON);
	start_ends(1);
}

static void expiry_delete(void)
{
	begin_with_lease();
	add_holder("late", 0, DELETES);
	add_consumer("consumer", 2, DELETES);
	add_clock(1);
	add_reaper("reaper", 1);
}

static void expiry_extend(void)
{
	begin_with_lease();
	add_holder("late", 0, EXTENDS);
	add_consumer("consumer", 1, DELETES);
	add_clock(2);
	add_reaper("reaper", 2);
}

static void expiry_twice(void)
{
	begin_with_lease();
	add_holder("late", 0, DELETES);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, FORGETS);
	add_clock(2);
	add_reaper("reaper", 2);
}

static void expiry_lap(void)
{
	begin_with_lease();
	add_holder("late", 0, DELETES);
	add_consumer("consumer", 2, DELETES);
	add_producer("producer", 1, 1);
	add_clock(1);
	add_reaper("reaper", 1);
}

static void release(void)
{
	world_begin(1, true);
	add_producer("producer", 1, 2);
	add_consumer("consumer1", 2, RELEASES);
	add_consumer("consumer2", 1, DELETES);
}

/* Every fourth take begins at the head; it must not forget the bits. */
static void redelivery_fourth(void)
{
	int consumer;

	world_begin(1, true);
	start_ready_again(0, 0, 7);
	start_ends(2);
	add_producer("producer", 1, 1);
	consumer = add_consumer("consumer", 2, DELETES);
	world.actors[consumer].cursor.turn = RING_HEAD_EVERY - 1;
}

static void forgotten(void)
{
	world_begin(1, false);
	add_producer("producer", 1, 1);
	add_consumer("consumer", 1, FORGETS);
	add_clock(1);
	add_hint_reaper("reaper", 2);
}

static void redelivery(void)
{
	world_begin(1, true);
	start_ready_again(0, 0, 6);
	start_ready_again(1, 0, 7);
	start_ends(2);
	add_producer("producer", 1, 1);
	add_consumer("consumer1", 2, DELETES);
	add_consumer("consumer2", 2, DELETES);
}

/* ---- deaths --------------------------------------------------------------------------------------- */

static void death(void)
{
	world_begin(1, true);
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer", 2, DELETES);
	add_reaper("reaper", 1);
}

static void death_old_lease(void)
{
	begin_with_old_lease();
	add_producer("producer", 1, 2);
	add_consumer("consumer", 2, DELETES);
	add_holder("holder", 0, DELETES);
}

static void death_expiry(void)
{
	begin_with_lease();
	add_holder("late", 0, DELETES);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
	add_clock(1);
	add_reaper("reaper", 1);
}

static void everybody(void)
{
	world_begin(1, true);
	add_producer("producer1", 1, 1);
	add_producer("producer2", 2, 1);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
	add_reaper("reaper", 1);
}

/* ---- torn reads: the halves of a word are read at different times ------------------------------------ */

static void torn_laps(void)
{
	one_slot_laps();
	tear_words();
}

static void torn_marks(void)
{
	marks_again();
	tear_words();
}

static void torn_delete(void)
{
	expiry_delete();
	tear_words();
}

static void torn_extend(void)
{
	expiry_extend();
	tear_words();
}

static void torn_next_lap(void)
{
	expiry_lap();
	tear_words();
}

static void torn_release(void)
{
	release();
	tear_words();
}

static void torn_delay(void)
{
	delayed();
	tear_words();
}

/* ---- sleep ---------------------------------------------------------------------------------------- */

static void sleep_one(void)
{
	world_begin(1, true);
	add_sender("sender1", 1, 1);
	add_sender("sender2", 2, 1);
	add_sleeper("sleeper", 2);
}

static void sleep_two(void)
{
	world_begin(1, true);
	add_sender("sender", 1, 2);
	add_sleeper("sleeper1", 1);
	add_sleeper("sleeper2", 1);
}

/* The kernel wakes the watch first. */
static void sleep_watch(void)
{
	world_begin(1, true);
	add_watch("watch", 1);
	add_sender("sender", 1, 1);
	add_sleeper("sleeper", 1);
}

static void sleep_watches(void)
{
	world_begin(1, true);
	add_watch("watch1", 2);
	add_watch("watch2", 1);
	add_sender("sender", 1, 1);
	add_sleeper("sleeper", 1);
}

static void sleep_old_lease(void)
{
	begin_with_old_lease();
	add_sender("sender", 1, 2);
	add_sleeper("sleeper", 2);
	add_holder("holder", 0, DELETES);
}

static void sleep_old_lease_two(void)
{
	begin_with_old_lease();
	add_sender("sender1", 1, 1);
	add_sender("sender2", 2, 1);
	add_sleeper("sleeper1", 1);
	add_sleeper("sleeper2", 1);
}

/* Who marks too late may find no room, and then wakes nobody for a message of its own. */
static void sleep_marks(void)
{
	begin_with_old_marks();
	add_sender("sender1", 1, 1);
	add_sender("sender2", 2, 1);
	add_sleeper("sleeper", 1);
	add_holder("holder", 1, DELETES);
}

#define FREE_WALK SWITCHES_FREE

const struct scenario scenarios[] = {
	{"one_slot", "2 producers, 1 consumer", one_slot, 0, 0, FREE_WALK, false, 0},
	{"one_slot_laps", "2 messages, 2 consumers", one_slot_laps, 0, 0, FREE_WALK, false, 0},
	{"two_producers", "2 + 1 messages, 1 consumer", two_producers, 1, 0, 4, false, 0},
	{"two_consumers", "2 messages, 2 consumers", two_consumers, 1, 0, FREE_WALK, false, 0},
	{"old_lease", "an old lease is deleted late", old_lease, 1, 0, 4, false, 0},
	{"help_late", "a claim two laps late", help_late, 0, 0, FREE_WALK, false, 0},
	{"marks", "marked slots, one is freed late", marks, 2, 0, FREE_WALK, false, 0},
	{"marks_race", "a stale mark", marks_race, 2, 0, FREE_WALK, false, 0},
	{"marks_late", "a mark set late", marks_late, 2, 0, FREE_WALK, false, 0},
	{"marks_again", "a mark set a lap too late", marks_again, 1, 0, 3, false, 0},
	{"stale_mark", "a mark over a free slot", stale_mark, 1, 0, FREE_WALK, false, 0},
	{"delayed", "a delay ends", delayed, 1, 0, FREE_WALK, false, 0},
	{"expiry_delete", "late delete against expiry", expiry_delete, 0, 0, FREE_WALK, false, 0},
	{"expiry_extend", "late extension against expiry", expiry_extend, 0, 0, FREE_WALK, false, 0},
	{"expiry_twice", "two expiries, late delete", expiry_twice, 0, 0, FREE_WALK, false, 0},
	{"expiry_lap", "late delete against the slot's next message", expiry_lap, 0, 0, FREE_WALK, false, 0},
	{"release", "a lease given back", release, 1, 0, FREE_WALK, false, 0},
	{"redelivery", "two messages behind head", redelivery, 1, 0, 4, false, 0},
	{"death_marks", "a kill at any step, marked slots", marks, 2, 1, FREE_WALK, false, 0},
	{"death_delayed", "a kill at any step, a delay ends", delayed, 1, 1, FREE_WALK, false, 0},
	{"redelivery_fourth", "bits are seen by every take", redelivery_fourth, 1, 0, FREE_WALK, false, 0},
	{"forgotten", "a lease ends, reaped by its hint", forgotten, 1, 0, FREE_WALK, false, 0},
	{"death", "a kill at any step, reaper at work", death, 1, 1, 2, false, 0},
	{"death_old_lease", "a kill at any step, old lease", death_old_lease, 1, 1, FREE_WALK, false, 0},
	{"death_expiry", "a kill at any step, lease ends", death_expiry, 0, 1, FREE_WALK, false, 0},
	{"everybody", "2 producers, 2 consumers, reaper, a kill", everybody, 1, 1, 2, false, 0},
	{"sleep_one", "2 senders, a sleeping consumer", sleep_one, 1, 0, FREE_WALK, false, 0},
	{"sleep_two", "2 messages, 2 sleeping consumers", sleep_two, 1, 0, 4, false, 0},
	{"sleep_death", "the same, one is killed", sleep_two, 1, 1, 3, false, 0},
	{"sleep_watch", "a watch that nobody comes back to, a sleeping consumer", sleep_watch, 1, 0, FREE_WALK,
	 false, 0},
	{"sleep_watches", "2 such, a sleeping consumer", sleep_watches, 1, 0, 2, false, 0},
	{"sleep_old_lease", "an old lease is deleted late", sleep_old_lease, 1, 0, FREE_WALK, false, 0},
	{"sleep_marks", "a mark set too late, a sleeping consumer", sleep_marks, 1, 0, 3, false, 0},
	{"sleep_marks_wide", "the same", sleep_marks, 1, 0, 4, true, 0},
	{"sleep_old_lease_two", "an old lease, 2 senders, 2 sleepers", sleep_old_lease_two, 1, 0, 3, true, 0},
	{"bitmap", "a bit that stays set is found", build_bitmap, 6, 0, FREE_WALK, false, 0},
	{"bitmap_strict", "what was set before is seen", build_bitmap_strict, 6, 0, FREE_WALK, false, 0},
	{"bitmap_levels", "the same over three levels", build_bitmap_levels, 12, 0, FREE_WALK, false, 0},
	{"due", "the hint is never later than a lease", build_due, 7, 0, FREE_WALK, false, 0},
	{"due_death", "the same, a consumer is killed", build_due_death, 7, 1, FREE_WALK, false, 0},
	{"aside", "a noisy message is passed, 2 consumers", build_aside, 1, 0, FREE_WALK, false, 0},
	{"aside_lap", "the same, and its slot's next lap", build_aside_lap, 0, 0, 3, false, 0},
	{"aside_unagreed", "one consumer does not find it noisy", build_aside_unagreed, 1, 0, FREE_WALK, false, 0},
	{"aside_again", "what came back is put aside, and released", build_aside_again, 1, 0, FREE_WALK, false, 0},
	{"aside_death", "a kill at any step, reaper at work", build_aside_death, 1, 1, 2, false, 0},
	{"aside_sleep", "2 messages, 2 sleeping consumers", build_aside_sleep, 1, 0, 3, false, 0},
	{"aside_sleep_again", "the same with one that came back", build_aside_sleep_again, 1, 0, 4, false, 0},
	{"journal_marks", "a mark set before is taken", build_marks, 13, 0, FREE_WALK, false, 0},
	{"journal_marks_death", "the same, a setter is killed", build_marks_death, 13, 1, FREE_WALK, false, 0},
	{"journal_marks_levels", "the same over two summaries", build_marks_levels, 13, 0, FREE_WALK, false, 0},
	{"journal_send", "an engine follows 2 producers", build_journal_send, 1, 0, 4, false, 0},
	{"journal_pending", "nobody receives before the engine", build_journal_pending, 1, 0, FREE_WALK, false, 0},
	{"journal_pending_passed", "the same, passed and late", build_journal_pending_passed, 1, 0, 2, false, 0},
	{"journal_pending_run", "the same, slots set aside", build_journal_pending_run, 1, 0, 1, false, 0},
	{"journal_pending_delayed", "and a delay ends", build_journal_pending_delayed, 0, 0, FREE_WALK, false, 0},
	{"journal_next_lap", "a journaled message is deleted", build_journal_next_lap, 0, 0, FREE_WALK, false, 0},
	{"journal_lease", "receive counts are followed", build_journal_lease, 0, 0, 3, false, 0},
	{"journal_delay", "a delay ends, an engine follows", build_journal_delay, 0, 0, FREE_WALK, false, 0},
	{"journal_release", "given back with a delay", build_journal_release, 0, 0, FREE_WALK, false, 0},
	{"journal_death", "a kill, an engine follows", build_journal_next_lap, 0, 1, FREE_WALK, false, 0},
	{"journal_death_two", "the same, 2 producers", build_journal_send, 1, 1, 3, false, 0},
	{"journal_death_delayed", "the same, a delay ends", build_journal_pending_delayed, 0, 1, 4, false, 0},
	{"torn_laps", "torn reads, 2 messages, 2 consumers", torn_laps, 0, 0, 3, false, 0},
	{"torn_marks", "torn reads, marked slots", torn_marks, 1, 0, 3, false, 0},
	{"torn_delete", "torn reads, late delete against expiry", torn_delete, 0, 0, FREE_WALK, false, 0},
	{"torn_extend", "torn reads, late extension against expiry", torn_extend, 0, 0, FREE_WALK, false, 0},
	{"torn_next_lap", "torn reads, late delete against the next message", torn_next_lap, 0, 0, 3, false, 0},
	{"torn_release", "torn reads, a lease given back", torn_release, 1, 0, 3, false, 0},
	{"torn_delay", "torn reads, a kill at any step, a delay ends", torn_delay, 1, 1, FREE_WALK, false, 0},
	{"aside_death_long", "a kill at any step, reaper at work", build_aside_death, 1, 1, 4, true, 0},
	{"aside_sleep_long", "2 messages, 2 sleeping consumers", build_aside_sleep, 1, 0, 4, true, 0},
	{"dedup_two", "2 messages of one id, a helper", build_dedup_two, 2, 0, FREE_WALK, false, 0},
	{"dedup_three", "and one of another id", build_dedup_three, 2, 0, FREE_WALK, false, 0},
	{"dedup_append", "a newer table comes", build_dedup_append, 2, 0, FREE_WALK, false, 0},
	{"dedup_settle", "an older table goes, an old view", build_dedup_settle, 2, 0, FREE_WALK, false, 0},
	{"dedup_drop", "the table of the first goes", build_dedup_drop, 2, 0, FREE_WALK, false, 0},
	{"dedup_drop_other", "the table goes, a late sender", build_dedup_drop_other, 2, 0, FREE_WALK, false, 0},
	{"dedup_drop_published", "the table goes, its owner is late", build_dedup_drop_published, 2, 0, FREE_WALK,
	 false, 0},
	{"dedup_purge", "2 purges meanwhile", build_dedup_purge, 2, 0, FREE_WALK, false, 0},
	{"dedup_purge_drop", "a purge, and the table goes", build_dedup_purge_drop, 2, 0, FREE_WALK, false, 0},
	{"dedup_purge_drop_two", "the same, 2 messages of one id", build_dedup_purge_drop_two, 2, 0, FREE_WALK,
	 false, 0},
	{"dedup_death_purge", "a kill, a purge, the table goes", build_dedup_purge_drop, 1, 1, FREE_WALK, false, 0},
	{"dedup_void", "the first is taken back, a helper", build_dedup_void, 2, 0, FREE_WALK, false, 0},
	{"dedup_void_two", "the same, 2 more of its id", build_dedup_void_two, 2, 0, FREE_WALK, false, 0},
	{"dedup_free", "an entry is filled, its slot is freed", build_dedup_free, 1, 0, FREE_WALK, false, 0},
	{"dedup_life", "sent, helped, freed", build_dedup_life, 2, 0, FREE_WALK, false, 0},
	{"dedup_death", "2 messages of one id, a kill", build_dedup_two, 2, 1, FREE_WALK, false, 0},
	{"dedup_death_append", "a kill, a newer table comes", build_dedup_append, 2, 1, FREE_WALK, false, 0},
	{"dedup_death_settle", "a kill, an older table goes", build_dedup_settle, 2, 1, FREE_WALK, false, 0},
	{"dedup_death_drop", "a kill, the table goes", build_dedup_drop_other, 2, 1, FREE_WALK, false, 0},
	{"dedup_death_void", "a kill, the first is taken back", build_dedup_void, 2, 1, FREE_WALK, false, 0},
	{"dedup_death_free", "a kill, an entry is filled", build_dedup_free, 1, 1, FREE_WALK, false, 0},
	{"join_join", "2 join an empty group", build_join_join, 1, 0, FREE_WALK, false, 0},
	{"join_three", "3 join an empty group, a kill", build_join_three, 1, 1, FREE_WALK, false, 0},
	{"join_pop", "a join against the pop of the last, a kill", build_join_pop, 1, 1, FREE_WALK, false, 0},
	{"join_pop_stop", "the same, a long stop", build_join_pop, 1, 0, FREE_WALK, false, 1},
	{"join_pop_two", "a join against two pops", build_join_pop_two, 1, 1, FREE_WALK, false, 0},
	{"join_pop_lagging", "the same, and a tail that lags", build_join_pop_lagging, 1, 1, FREE_WALK, false, 0},
	{"join_ends", "a group begins and ends meanwhile", build_join_ends, 1, 0, FREE_WALK, false, 0},
	{"join_reuse", "the slot goes to another group", build_join_reuse, 1, 0, FREE_WALK, false, 0},
	{"look_reuse", "the same, somebody looks", build_look_reuse, 1, 0, FREE_WALK, false, 0},
	{"collide", "2 groups on a path", build_collide, 1, 1, FREE_WALK, false, 0},
	{"collide_begin", "2 groups begin on a path", build_collide_begin, 1, 0, FREE_WALK, false, 0},
	{"collide_full", "a path wears out", build_collide_full, 1, 0, FREE_WALK, false, 0},
	{"move_join", "a group moves, 2 join", build_move_join, 1, 1, FREE_WALK, false, 0},
	{"move_pop", "a group moves, ends, begins again", build_move_pop, 1, 1, FREE_WALK, false, 0},
	{"move_pop_join", "a group moves, a join, a pop", build_move_pop_join, 1, 0, FREE_WALK, false, 0},
	{"move_twice", "2 movers, a pop, it begins again", build_move_twice, 1, 0, FREE_WALK, false, 0},
	{"move_twice_stop", "the same, a long stop", build_move_twice, 1, 0, 2, false, 1},
	{"move_far", "the new table goes as well", build_move_far, 1, 0, 3, false, 0},
	{"move_reuse", "a group moves, its slot is another's", build_move_reuse, 1, 0, FREE_WALK, false, 0},
	{"stale_begin", "an old view begins a group", build_stale_begin, 1, 1, FREE_WALK, false, 0},
	{"settle_empty", "an empty table goes", build_settle_empty, 1, 1, FREE_WALK, false, 0},
	{"stale_look", "an old view looks", build_stale_look, 1, 0, FREE_WALK, false, 0},
	{"append_look", "a table is appended, an old view looks", build_append_look, 1, 0, FREE_WALK, false, 0},
	{"sweep_held", "a sweep and a pop", build_sweep_held, 1, 0, FREE_WALK, false, 0},
	{"ask_reuse", "a sweep asks, slots are used again", build_ask_reuse, 1, 0, FREE_WALK, false, 0},
	{"sweep_dead", "2 join, a kill, a sweep", build_sweep_dead, 1, 1, FREE_WALK, false, 0},
	{"ready_second", "the second READY, the first deleted", build_ready_second, 1, 0, FREE_WALK, false, 0},
	{"ready_joined", "the same, it has just joined", build_ready_joined, 1, 0, FREE_WALK, false, 0},
	{"tokens", "2 push, 2 pop, a kill", build_tokens, 1, 1, 4, false, 0},
	{"tokens_full", "more tokens than cells", build_tokens_full, 1, 1, 4, false, 0},
	{"tokens_asked", "READY while an old token is there", build_tokens_asked, 1, 0, FREE_WALK, false, 0},
	{"tokens_sleep", "a consumer sleeps when there is none", build_tokens_sleep, 1, 0, FREE_WALK, false, 0},
	{"tokens_long", "2 push, 2 pop, a kill", build_tokens, 1, 1, 7, true, 0},
	{"tokens_full_long", "more tokens than cells", build_tokens_full, 1, 1, 7, true, 0},
	{"move_far_long", "the new table goes as well, a kill", build_move_far, 1, 1, FREE_WALK, true, 0},
	{"move_pop_join_long", "a move, a join, a pop, a kill", build_move_pop_join, 1, 1, FREE_WALK, true, 0},
	{"move_twice_long", "2 movers, a pop, a kill", build_move_twice, 1, 1, FREE_WALK, true, 0},
	{"move_twice_stop_long", "2 movers, a pop, a long stop", build_move_twice, 1, 0, FREE_WALK, true, 1},
	{"collide_full_long", "a path wears out, a kill", build_collide_full, 1, 1, FREE_WALK, true, 0},
	{"move_reuse_long", "a move, its slot is another's, a kill", build_move_reuse, 1, 1, FREE_WALK, true, 0},
	{"journal_lease_long", "receive counts are followed", build_journal_lease, 0, 0, FREE_WALK, true, 0},
	{"journal_run_long", "slots set aside", build_journal_pending_run, 1, 0, 2, true, 0},
	{"journal_passed_long", "passed and late", build_journal_pending_passed, 1, 0, 3, true, 0},
	{"journal_death_long", "a kill, 2 producers", build_journal_send, 1, 1, 4, true, 0},
	{"one_slot_laps_long", "3 messages, 2 consumers", one_slot_laps_long, 0, 0, FREE_WALK, true, 0},
	{"redelivery_free", "two messages behind head", redelivery, 1, 0, FREE_WALK, true, 0},
	{"sleep_two_free", "2 messages, 2 sleeping consumers", sleep_two, 1, 0, FREE_WALK, true, 0},
	{"death_long", "a kill at any step, reaper at work", death, 1, 1, 4, true, 0},
	{"everybody_long", "2 producers, 2 consumers, reaper, a kill", everybody, 1, 1, 3, true, 0},
	{"two_producers_free", "2 + 1 messages, 1 consumer", two_producers, 1, 0, FREE_WALK, true, 0},
	{"old_lease_free", "an old lease is deleted late", old_lease, 1, 0, FREE_WALK, true, 0},
	{"two_producers_long", "2 + 2 messages, 1 consumer", two_producers_long, 1, 0, FREE_WALK, true, 0},
	{"old_lease_long", "an old lease, 2 takes", old_lease_long, 1, 0, FREE_WALK, true, 0},
	{"marks_long", "marked slots, 2 producers", marks_long, 2, 0, FREE_WALK, true, 0},
	{0},
};
