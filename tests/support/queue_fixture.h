/* Queues in a directory of their own under a clock that only the test moves. Where something cannot be
 * set up, the test ends. Works in Criterion and in plain tests. */
#ifndef TEST_QUEUE_FIXTURE_H
#define TEST_QUEUE_FIXTURE_H

#include "ringlease.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	LEASE_SLACK_MS = 2, /* a lease or delay ends so much later than asked */
	SWEEP_MS = 1000,    /* clients sweep at most that often */
};

/* Makes the directory, fakes the clock, opens the directory. */
void queues_begin(void);
/* Closes handles made here and the directory, and removes it. */
void queues_end(void);

struct rlq_directory *queues_directory(void);
const char *queues_path(void);

/* Both clocks go on. In all processes of the test. */
void time_passes(int64_t ms);
uint64_t boot_now(void);
uint64_t wall_now(void);

/* Creates a queue and opens a handle, closed by queues_end. `attributes` NULL: defaults. */
struct rlq_queue *queue_make(const char *name, const struct rlq_queue_attributes *attributes);
/* Another handle of it. */
struct rlq_queue *queue_again(const char *name);
/* With that capacity, else defaults. */
struct rlq_queue *queue_of(const char *name, uint64_t capacity);
/* `name` with its DLQ "dlq", made before, and a visibility timeout of 1 s. */
struct rlq_queue *queue_with_dlq(const char *name, uint32_t receives_max, struct rlq_queue **ret_dlq);
/* FIFO, with a visibility timeout of 1 s; `dlq`, if any, was made before, and gets what was received twice. */
struct rlq_queue *fifo_make(const char *name, const char *dlq, bool content_dedup);

/* Sends a text; ends the test if that fails. */
void send_text(struct rlq_queue *queue, const char *text);
int send_delayed(struct rlq_queue *queue, const char *text, int64_t delay_ms);
/* Receives up to `max` at once (no wait); the count or a code. */
int receive_now(struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max);
int receive_for(struct rlq_queue *queue, struct rlq_message *ret_message, int64_t visibility_ms);
int receive_in_place(struct rlq_queue *queue, struct rlq_message *ret_message);
/* Receives just one; ends the test if none comes. Its pointers live until the next receive. */
struct rlq_message receive_one(struct rlq_queue *queue);
bool body_is(const struct rlq_message *message, const char *text);

struct rlq_queue_stat stat_of(struct rlq_queue *queue);
/* Bodies of a whole queue received and deleted, joined by blanks; static memory. */
const char *drain(struct rlq_queue *queue);

/* Number of faults that verify finds in a queue; prints each. */
int faults_of(const char *name);

/* Runs a full sweep of the queue, as the engine would, whatever the clock says. */
void sweep_now(struct rlq_queue *queue);
/* Ends the leases and delays that are over, as an engine would that is prompt. */
void reap_now(struct rlq_queue *queue);

/* Somebody is about to sleep until there is room (`whom` producers) or a message (consumers); then `act` must wake
 * him. Under a clock that the test moves, a real sleeper looks every millisecond by himself. */
#define CHECK_WAKES(whom, queue, act)                                                                              \
	do {                                                                                                       \
		event_prepare(&(queue)->seg->header->whom);                                                        \
		act;                                                                                               \
		CHECK(!event_has_sleepers(&(queue)->seg->header->whom));                                           \
	} while (0)

/* Runs `act` in a child that then dies of SIGKILL, holding what it holds; waits for it. */
void die_doing(void (*act)(void *context), void *context);

#endif
