/* FIFO groups under the explorer: a few slots, three tables of two cells, and the accounts kept beside them, which
 * follow the chains after every step. */
#ifndef INTERLEAVE_GROUPS_WORLD_H
#define INTERLEAVE_GROUPS_WORLD_H

#include "ring/groups.h"
#include "ring/ready.h"
#include "tests/interleave/explore.h"

enum {
	CHAIN_SLOTS = 4,
	CHAIN_LAPS = 2,
	MESSAGE_NUMBERS = CHAIN_SLOTS * CHAIN_LAPS,
	CELL_TABLES = 3,
	CELLS_EACH = 2,
	GROUP_NUMBERS = 2,
	TOKEN_ORDER = 2,
	CHAIN_EMPTY = MESSAGE_NUMBERS, /* its bit in `heads`: the group had no messages */
};

struct chain {
	uint8_t message[CHAIN_SLOTS + 1]; /* by number: slot + CHAIN_SLOTS * lap */
	uint8_t count;
	uint8_t padding[2];
};

struct groups_world {
	struct slot slots[CHAIN_SLOTS];
	struct word128 cells[CELL_TABLES][CELLS_EACH];
	atomic_u64 list, sequence;
	atomic_u64 tokens[1 << TOKEN_ORDER];
	/* accounts */
	struct chain chains[GROUP_NUMBERS];
	uint64_t last_sequence[GROUP_NUMBERS];
	uint8_t sealed[CELL_TABLES][CELLS_EACH];
	uint8_t joined[MESSAGE_NUMBERS], popped[MESSAGE_NUMBERS], first[MESSAGE_NUMBERS];
	uint16_t heads[ACTORS_MAX + 1][GROUP_NUMBERS]; /* seen since this actor's call began */
	uint8_t padding[6];
};

extern struct groups_world groups_world;
extern struct ready groups_ready;
extern struct groups groups_views[];
extern uint64_t groups_newest; /* the last of the lists */

/* Both begin in the first cell of a table. */
static inline uint64_t group_hash(unsigned group)
{
	return 2 * (uint64_t)group + 2;
}

/* The list's values: which tables it has, from the oldest, as a scenario says. */
void groups_begin(const char *const lists[], uint64_t list);
/* With tokens: who makes a head READY pushes one, and at the end there is one for each. */
extern bool groups_have_tokens;
/* Each access is a step of its own. */
void groups_tear(void);

/* Start states. A message of `slot` that has joined, by an old call; HELD or LEASED or READY. */
void start_joined(unsigned group, uint32_t slot, enum slot_state state);
/* The last join has not moved the tail of cell 0 of the oldest table. */
void start_lagging(uint32_t slot);

/* groups_monitor.c */
void groups_monitor(void);
unsigned message_number(uint64_t link);
uint64_t link_now(uint32_t slot);
bool chain_has(unsigned group, unsigned message);

/* roles_groups.c */
/* Joins its message, claimed from the start, and publishes it. `list`: of the view that it begins with. */
int add_joiner(const char *name, unsigned group, uint32_t slot, uint64_t list);
/* The same, and deletes it. */
int add_courier(const char *name, unsigned group, uint32_t slot, uint64_t list);
/* Deletes the leased message; then, if `to_group` is not negative, uses its slot for a message of that group. */
int add_deleter(const char *name, unsigned group, uint32_t slot, int to_group);
/* Makes a leased message READY. */
int add_expirer(const char *name, unsigned group, uint32_t slot);
/* Takes the oldest table of this list out if it is done; a settler settles all that is to go before. */
int add_retirer(const char *name, uint64_t list);
int add_settler(const char *name, uint64_t list);
/* Appends the next table, and settles. */
int add_appender(const char *name, uint64_t list);
/* Frees what is in this slot if it may. */
int add_sweeper(const char *name, uint32_t slot, uint64_t list);
/* Asks the same of a message that is in its chain all the time. */
int add_asker(const char *name, uint32_t slot, uint64_t list);
/* Looks for the head. */
int add_looker(const char *name, unsigned group, uint64_t list);
/* What is gone is popped, a head that is READY gets its token. */
void look_after(int actor, unsigned group);
/* What they are made of. */
const struct groups *groups_view_now(void);
bool groups_find_head(int actor, unsigned group, uint64_t list, uint64_t *ret_head);
/* `*ret_next`: the head then, 0 for none. */
#define HEAD_UNKNOWN UINT64_MAX
bool groups_pop_head(unsigned group, uint64_t head, uint64_t list, uint64_t *ret_next);
void groups_sweep(uint32_t slot, const struct groups *view);
bool groups_owner_is_dead(uint32_t slot);

/* groups_end.c */
void groups_at_end(void);

#endif
