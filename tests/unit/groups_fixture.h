/* Tables of cells and two small rings of slots in private memory, and what a queue does with them. */
#ifndef TEST_GROUPS_FIXTURE_H
#define TEST_GROUPS_FIXTURE_H

#include "ring/groups.h"

enum { GROUPS_RINGS = 2, GROUPS_SLOTS = 64, GROUP = 5 };

struct groups_test {
	struct slot slots[GROUPS_RINGS][GROUPS_SLOTS];
	struct ring rings[GROUPS_RINGS];
	atomic_u64 sequence, list;
	struct groups view;
};
extern struct groups_test test;

void groups_test_make(void);
void groups_test_free(void);
/* With one table of sixteen cells. */
void groups_test_begin(void);
/* Appends a table to the view and the list. */
void groups_test_append(uint32_t order);
/* Takes the oldest out of both. */
void groups_test_retire(void);

/* Claims a free slot for a message of this group: its link; 0: there is none. */
uint64_t groups_test_claim(uint64_t group);
/* The same, and joins. */
uint64_t groups_test_send(uint64_t group);
void groups_test_free_slot(uint64_t link);
/* Pops the head and frees its slot: its link; 0: the group has no messages. */
uint64_t groups_test_consume(uint64_t group);

/* The link of the group's first message; 0: it has none. */
uint64_t groups_test_head(uint64_t group);

/* What a kill leaves, in the first cell of the path: between a join and the tail (the second of two messages); amid
 * the pop of the last. */
uint64_t groups_test_leave_tail_behind(uint64_t group);
uint64_t groups_test_leave_closed(uint64_t group);

struct slot *groups_test_slot(uint64_t link);
struct fifo_links *groups_test_links(uint64_t link);
/* A cell of a table of the view. */
struct word128 *groups_test_cell(uint32_t table, uint64_t index);

#endif
