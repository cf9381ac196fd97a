/* Deduplication: who is first with an id, whoever helps, dies or comes late. */
#include "tests/interleave/dedup_world.h"
#include "tests/interleave/scenario.h"

enum { CELLS_ORDER = 2 };

/* Two messages of one id. */
void build_dedup_two(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	add_dedup_sender("sender1", 0, 1, DEDUP_NOW, 0);
	add_dedup_sender("sender2", 1, 1, DEDUP_NOW, 0);
	add_dedup_helper("helper", 0);
}

/* And one of another id, which wants the same cells. */
void build_dedup_three(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	add_dedup_sender("sender1", 0, 1, DEDUP_NOW, 0);
	add_dedup_sender("sender2", 1, 1, DEDUP_NOW, 0);
	add_dedup_sender("sender3", 2, 2, DEDUP_NOW, 0);
}

/* The second table comes while the two are at it. */
void build_dedup_append(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	add_dedup_sender("sender1", 0, 1, DEDUP_NOW, 0);
	add_dedup_sender("sender2", 1, 1, DEDUP_NOW, 0);
	add_dedup_helper("helper", 0);
	add_dedup_appender("appender");
}

/* One of them has not heard of the second table, and the first one goes meanwhile. */
void build_dedup_settle(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_BOTH, false);
	add_dedup_sender("sender1", 0, 1, DEDUP_NOW, LIST_OLDER);
	add_dedup_sender("sender2", 1, 1, DEDUP_NOW, 0);
	add_dedup_dropper("dropper");
}

/* The table goes that had the first: who has an old stamp was barred by it, or is late. */
void build_dedup_drop(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_BOTH, false);
	dedup_start_first(0, 1, DEDUP_OLD, true);
	add_dedup_sender("late", 1, 1, DEDUP_OLD + 1, 0);
	add_dedup_helper("helper", 1);
	add_dedup_dropper("dropper");
}

/* The same, with an id that nobody has sent before: its message was inserted, or is late. */
void build_dedup_drop_other(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_BOTH, false);
	dedup_start_first(0, 1, DEDUP_OLD, true);
	add_dedup_sender("late", 1, 2, DEDUP_OLD + 1, LIST_OLDER);
	add_dedup_helper("helper", 1);
	add_dedup_dropper("dropper");
}

/* An owner comes back to a message that was first in the table that goes; another of its id is sent meanwhile. */
void build_dedup_drop_published(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_BOTH, false);
	dedup_start_first(0, 1, DEDUP_OLD, true);
	add_dedup_owner("owner", 0);
	add_dedup_sender("sender", 1, 1, DEDUP_NOW, 0);
	add_dedup_dropper("dropper");
}

/* Twice, for a message is judged by the purges before it alone. */
void build_dedup_purge(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	dedup_start_first(0, 1, DEDUP_NOW, true);
	add_dedup_sender("sender", 1, 1, DEDUP_NOW, 0);
	add_dedup_helper("helper", 1);
	add_dedup_purger("purger1");
	add_dedup_purger("purger2");
}

/* A table goes because its first was forgotten by a purge, of which others have not heard. */
void build_dedup_purge_drop(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_BOTH, false);
	dedup_start_first(0, 1, DEDUP_NOW, true);
	add_dedup_sender("sender", 1, 1, DEDUP_NOW, LIST_OLDER);
	add_dedup_helper("helper", 1);
	add_dedup_purger("purger");
	add_dedup_dropper("dropper");
}

/* The same, and its first comes while it is forgotten: whose owner is late. */
void build_dedup_purge_drop_two(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_BOTH, false);
	add_dedup_sender("sender1", 0, 1, DEDUP_NOW, LIST_OLDER);
	add_dedup_sender("sender2", 1, 1, DEDUP_NOW, LIST_OLDER);
	add_dedup_purger("purger");
	add_dedup_dropper("dropper");
}

/* The first is taken back while others of its id come. */
void build_dedup_void(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	dedup_start_first(0, 1, DEDUP_NOW, true);
	add_dedup_sender("sender", 1, 1, DEDUP_NOW, 0);
	add_dedup_helper("helper", 1);
	add_dedup_voider("voider", 0);
}

void build_dedup_void_two(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	dedup_start_first(0, 1, DEDUP_NOW, true);
	add_dedup_sender("sender1", 1, 1, DEDUP_NOW, 0);
	add_dedup_sender("sender2", 2, 1, DEDUP_NOW, 0);
	add_dedup_voider("voider", 0);
}

/* The owner of the first is dead: two helpers fill its entry and publish it, its slot is freed and used again. */
void build_dedup_free(void)
{
	dedup_world_begin(1, LIST_OLDER, true);
	dedup_start_first(0, 1, DEDUP_NOW, false);
	add_dedup_sender("sender", 1, 1, DEDUP_NOW, 0);
	add_dedup_helper("helper1", 0);
	add_dedup_helper("helper2", 0);
	add_dedup_freer("freer", 0);
}

/* The whole life: sent, helped, freed. */
void build_dedup_life(void)
{
	dedup_world_begin(CELLS_ORDER, LIST_OLDER, false);
	add_dedup_sender("sender1", 0, 1, DEDUP_NOW, 0);
	add_dedup_sender("sender2", 1, 1, DEDUP_NOW, 0);
	add_dedup_helper("helper", 0);
	add_dedup_freer("freer", 0);
}
