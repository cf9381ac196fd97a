/* The processes of stress_kill: producers, consumers, an engine. Each works until it is told to end or
 * killed, and writes what it does into its log. */
#ifndef TEST_KILL_ROLES_H
#define TEST_KILL_ROLES_H

#include "ringlease.h"
#include "tests/support/history.h"
#include "tests/support/tmpdir.h"

#include <stdbool.h>

enum {
	ROLE_PRODUCERS = 2,
	ROLE_CONSUMERS = 3, /* one of them of the DLQ, now and then */
	ROLE_WORKERS = ROLE_PRODUCERS + ROLE_CONSUMERS,
	ROLE_ENGINE = ROLE_WORKERS,
	ROLE_COUNT,
	ROLE_RECEIVES_MAX = 4,
	ROLE_VISIBILITY_MAX_MS = 40,
	ROLE_BODY_MAX = 70000,
	ROLE_GROUPS = 5,
	ROLE_SHARED_IDS = 50,
};

/* Shared by all. */
struct stage {
	char directory[TMPDIR_BYTES];
	uint32_t is_ending;
	bool is_fifo;	/* of this round: queues of their own */
	uint32_t round; /* deduplication ids are used again within one only */
	uint64_t seed;
	struct history_log *log[ROLE_COUNT + 1]; /* the last one of who drains */
	uint32_t log_at_start[ROLE_COUNT];
	char failure[512];
};

struct role {
	struct stage *stage;
	uint32_t number; /* below ROLE_COUNT */
	uint64_t random;
};

/* The handles of a process. */
struct desk {
	struct stage *stage;
	struct history_log *log;
	struct rlq_directory *directory;
	struct rlq_queue *q, *dlq;
	uint64_t random;
	uint32_t number;
};

/* Queue names, for FIFO rounds with ".fifo" behind them. */
const char *stage_queue(bool is_dlq, bool is_fifo);

/* Runs the role's process. */
void role_main(void *role);

void desk_open(struct stage *stage, uint32_t number, uint64_t random, struct desk *ret_desk);

/* Receives up to `max` from q or the DLQ, logs and checks them. */
int desk_receive(struct desk *desk, bool is_dlq, struct rlq_message *ret_messages, size_t max,
		 const struct rlq_receive_options *options);
/* Deletes what was just received. */
void desk_delete(struct desk *desk, bool is_dlq, const struct rlq_message *message);

_Noreturn __attribute__((format(printf, 2, 3))) void stage_fail(struct stage *stage, const char *format, ...);

#endif
