/* Tables of cells and two small rings of slots in private memory, and what a queue does with them. */
#ifndef TEST_GROUPS_FIXTURE_H
#define TEST_GROUPS_FIXTURE_H

#include "ring/groups.h"

enum { GROUPS_RINGS = 2, GROUPS_SLOTS = 64 };

struct groups_test {
	struct slot slots[GROUPS_RINGS][GROUPS_SLOTS];
	struct ring rings[GROUPS_RINGS];
	atomic_u64 sequence, list;
	struct groups view;
};

void groups_test_make(struct groups_test *test);
void groups_test_free(struct groups_test *test);
/* Appends a table to the view and the list. */
void groups_test_append(struct groups_test *test, uint32_t order);
/* Takes the oldest out of both. */
void groups_test_retire(struct groups_test *test);

/* Claims a free slot for a message of this group: its link; 0: there is none. */
uint64_t groups_test_claim(struct groups_test *test, uint64_t group);
/* The same, and joins. */
uint64_t groups_test_send(struct groups_test *test, uint64_t group);
void groups_test_free_slot(struct groups_test *test, uint64_t link);
/* Pops the head and frees its slot: its link; 0: the group has no messages. */
uint64_t groups_test_consume(struct groups_test *test, uint64_t group);

/* What a kill leaves, in the first cell of the path: between a join and the tail (the second of two messages); amid
 * the pop of the last. */
uint64_t groups_test_leave_tail_behind(struct groups_test *test, uint64_t group);
uint64_t groups_test_leave_closed(struct groups_test *test, uint64_t group);

struct slot *groups_test_slot(struct groups_test *test, uint64_t link);
struct fifo_links *groups_test_links(struct groups_test *test, uint64_t link);
/* A cell of a table of the view. */
struct word128 *groups_test_cell(struct groups_test *test, uint32_t table, uint64_t index);

#endif
