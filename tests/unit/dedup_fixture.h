/* Tables of ids and a ring of slots in private memory, and what a queue does with them. */
#ifndef TEST_DEDUP_FIXTURE_H
#define TEST_DEDUP_FIXTURE_H

#include "ring/dedup.h"

enum { SLOTS_ORDER = 12, SLOTS = 1 << SLOTS_ORDER, WINDOW = 5000, IDS_MAX = 300, START = 1000000 };

/* Of one test. */
extern struct dedup dedup;
extern struct dedup_marks marks;
extern struct dedup_quota quota;
extern atomic_u64 sequence;
extern uint64_t now; /* boot clock; begins at START */

/* For a suite: with one table, of the smallest size. */
void dedup_test_begin(void);

/* Appends a table to the view. */
void dedup_test_append(uint32_t order);
/* Takes the oldest out of it. */
void dedup_test_drop_oldest(void);

/* Claims a slot and joins: a message that is to be decided. */
struct dedup_message dedup_test_join(uint64_t key, uint64_t boot_ms);
void dedup_test_publish(const struct dedup_message *message, const struct dedup_answer *answer);
void dedup_test_set_state(uint64_t link, enum slot_state state);
void dedup_test_free_slot(uint64_t link);

/* Does a look say that the key was never seen? */
bool dedup_test_lacks(const struct dedup *view, uint64_t key);

/* A whole send; what it was. Its slot is freed unless it is the first. */
enum dedup_result dedup_test_send(uint64_t key);
enum dedup_result dedup_test_send_at(uint64_t key, uint64_t boot_ms, struct dedup_message *ret_message,
				     struct dedup_answer *ret);

/* All of the older tables, with the help that they ask for. */
void dedup_test_settle(struct dedup_settling *settling);
/* Takes ids until that is the answer: how many it took. */
unsigned dedup_test_reserve_until(enum dedup_result end);

#endif
