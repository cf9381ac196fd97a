/* Histories written down by hand, and what the checker says of them. */
#ifndef TEST_HISTORY_CASES_H
#define TEST_HISTORY_CASES_H

#include "tests/support/history.h"

enum { MS = 1000000 };

extern struct history told; /* of two logs */
extern unsigned told_passed, told_failed;
extern void (*write_sound)(void); /* writes a history without a fault anew */

struct history_event send_event(uint64_t id, enum history_outcome outcome);
/* Each takes a millisecond; a lease lasts 30. */
struct history_event receive_event(uint64_t id, uint32_t count, int64_t start_ms);
struct history_event delete_event(uint64_t id, uint32_t count, int64_t start_ms, enum history_outcome outcome);

/* To the end of log 0 or 1. */
void add(uint32_t log, struct history_event event);

/* The history as it is now has at least one fault, and it begins so; NULL: it has none. Then the sound one is there
 * again. */
void expect(const char *test, const char *fault);

void find_fifo_faults(void);

#endif
