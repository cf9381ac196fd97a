/* FIFO groups: chains, paths, tables that go. Both groups begin in the same cell; a table has two. */
#include "tests/interleave/groups_world.h"
#include "tests/interleave/scenario.h"

/* Lists of tables, as they follow each other. */
static const char *const one_table[] = {"A", "AB", NULL};
static const char *const two_tables[] = {"A", "AB", "B", NULL};
static const char *const three_tables[] = {"A", "AB", "ABC", "BC", NULL};

enum { G, H };

/* ---- chains ---------------------------------------------------------------------------------------- */

void build_join_join(void)
{
	groups_begin(one_table, 0);
	add_joiner("producer1", G, 0, 0);
	add_joiner("producer2", G, 1, 0);
}

void build_join_three(void)
{
	groups_begin(one_table, 0);
	add_joiner("producer1", G, 0, 0);
	add_joiner("producer2", G, 1, 0);
	add_joiner("producer3", G, 2, 0);
}

void build_join_pop(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	add_joiner("producer", G, 1, 0);
	add_deleter("consumer", G, 0, -1);
}

void build_join_pop_two(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	start_joined(G, 1, SLOT_LEASED);
	add_joiner("producer", G, 2, 0);
	add_deleter("consumer1", G, 0, -1);
	add_deleter("consumer2", G, 1, -1);
}

void build_join_pop_lagging(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	start_joined(G, 1, SLOT_LEASED);
	start_lagging(0);
	add_joiner("producer", G, 2, 0);
	add_deleter("consumer", G, 0, -1);
}

/* The group begins and ends while others are about to join it. */
void build_join_ends(void)
{
	groups_begin(one_table, 0);
	add_joiner("producer", G, 0, 0);
	add_courier("courier", G, 1, 0);
}

/* The slot of the last is used for another group at once. */
void build_join_reuse(void)
{
	groups_begin(one_table, 0);
	groups_tear();
	start_joined(G, 0, SLOT_LEASED);
	add_joiner("producer", G, 1, 0);
	add_deleter("consumer", G, 0, H);
}

void build_look_reuse(void)
{
	groups_begin(one_table, 0);
	groups_tear();
	start_joined(G, 0, SLOT_LEASED);
	add_looker("looker", H, 0);
	add_deleter("consumer", G, 0, H);
}

/* ---- paths ------------------------------------------------------------------------------------------ */

void build_collide(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	add_joiner("producer1", H, 1, 0);
	add_joiner("producer2", H, 2, 0);
	add_deleter("consumer", G, 0, -1);
}

void build_collide_begin(void)
{
	groups_begin(one_table, 0);
	add_joiner("producer1", G, 0, 0);
	add_joiner("producer2", H, 1, 0);
	add_joiner("producer3", G, 2, 0);
}

/* A group that has ended leaves a sealed cell behind; then there is none left. */
void build_collide_full(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	start_joined(H, 1, SLOT_LEASED);
	add_deleter("consumer1", G, 0, G);
	add_deleter("consumer2", H, 1, -1);
	add_joiner("producer", G, 2, 0);
}

/* ---- tables that go --------------------------------------------------------------------------------- */

static void begin_move(void)
{
	groups_begin(two_tables, 0);
	start_joined(G, 0, SLOT_LEASED);
	groups_world.list = 1;
}

void build_move_join(void)
{
	begin_move();
	add_settler("settler", 1);
	add_joiner("producer1", G, 1, 1);
	add_joiner("producer2", G, 2, 0);
}

void build_move_pop(void)
{
	begin_move();
	add_settler("settler", 1);
	add_deleter("consumer", G, 0, G);
}

void build_move_pop_join(void)
{
	begin_move();
	add_settler("settler", 1);
	add_deleter("consumer", G, 0, -1);
	add_joiner("producer", G, 1, 0);
}

void build_move_twice(void)
{
	begin_move();
	add_settler("settler1", 1);
	add_settler("settler2", 1);
	add_deleter("consumer", G, 0, G);
}

/* The new cell's table goes as well, before everybody has heard that the old cell is empty. */
void build_move_far(void)
{
	groups_begin(three_tables, 0);
	start_joined(G, 0, SLOT_LEASED);
	groups_world.list = 2;
	add_settler("settler1", 1);
	add_settler("settler2", 2);
	add_deleter("consumer", G, 0, G);
}

/* The slot of the one that was moved is used for the other group. */
void build_move_reuse(void)
{
	begin_move();
	groups_tear();
	add_settler("settler", 1);
	add_deleter("consumer", G, 0, H);
}

void build_stale_begin(void)
{
	groups_begin(two_tables, 0);
	groups_world.list = 1;
	add_settler("settler", 1);
	add_joiner("producer1", G, 0, 0);
	add_joiner("producer2", G, 1, 1);
}

/* A table without groups goes, unless the old view's is faster. */
void build_settle_empty(void)
{
	groups_begin(two_tables, 0);
	groups_world.list = 1;
	add_settler("settler", 1);
	add_retirer("retirer", 1);
	add_joiner("producer", G, 0, 0);
}

void build_stale_look(void)
{
	begin_move();
	add_settler("settler", 1);
	add_looker("looker1", G, 0);
	add_looker("looker2", G, 1);
}

void build_append_look(void)
{
	groups_begin(two_tables, 0);
	start_joined(G, 0, SLOT_LEASED);
	add_appender("appender", 0);
	add_looker("looker", G, 0);
	add_joiner("producer", H, 1, 0);
}

/* ---- the sweep ------------------------------------------------------------------------------------- */

void build_sweep_held(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	start_joined(G, 1, SLOT_HELD);
	add_deleter("consumer", G, 0, G);
	add_sweeper("sweeper", 1, 0);
}

/* The slots of those before it are used again. */
void build_ask_reuse(void)
{
	groups_begin(one_table, 0);
	groups_tear();
	start_joined(G, 0, SLOT_LEASED);
	start_joined(G, 1, SLOT_LEASED);
	add_deleter("consumer", G, 0, H);
	add_asker("asker", 1, 0);
}

void build_sweep_dead(void)
{
	groups_begin(one_table, 0);
	start_joined(G, 0, SLOT_LEASED);
	add_joiner("producer1", G, 1, 0);
	add_joiner("producer2", G, 2, 0);
	add_sweeper("sweeper", 1, 0);
}

/* ---- who can be served ------------------------------------------------------------------------------ */

/* Deleting the first against the end of the second's lease. */
void build_ready_second(void)
{
	groups_begin(one_table, 0);
	groups_have_tokens = true;
	start_joined(G, 0, SLOT_LEASED);
	start_joined(G, 1, SLOT_LEASED);
	add_deleter("consumer", G, 0, -1);
	add_expirer("reaper", G, 1);
}

void build_ready_joined(void)
{
	groups_begin(one_table, 0);
	groups_have_tokens = true;
	start_joined(G, 0, SLOT_LEASED);
	add_deleter("consumer", G, 0, -1);
	add_joiner("producer", G, 1, 0);
}
