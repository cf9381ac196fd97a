/* What is done to a queue and its DLQ, one operation after another: drawn from a seed, printed a line each, and
 * read back from such lines. Every operation means something whatever stands before it, so that any part of a
 * script is a script; messages keep the numbers of their sends. */
#ifndef MODEL_SCRIPT_H
#define MODEL_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { OPERATIONS_MAX = 256, NUMBERS_MAX = OPERATIONS_MAX + 1, RECEIVE_MAX = 10, GROUPS_MAX = 4, IDS_MAX = 5 };

enum place { QUEUE, DLQ, PLACES };

/* Of both queues, but for receives_max and capacity: the DLQ has none, and room for all. */
struct setting {
	bool is_fifo;
	bool scope_is_group; /* of deduplication */
	bool is_prompt;	     /* what time ends is noticed at once, as by an engine; else by who looks for it */
	int capacity;
	int receives_max; /* 0: no DLQ */
	int64_t visibility_ms, delay_ms, window_ms;
};

enum operation_kind { SEND, RECEIVE, DELETE, EXTEND, RELEASE, PURGE, TIME, OPERATION_KINDS };

struct operation {
	enum operation_kind kind;
	enum place place; /* RECEIVE, PURGE */
	int number;	  /* SEND: of the message. DELETE, EXTEND, RELEASE: by a receipt of which message */
	int before;	  /* 0: by its last receipt, 1: by the one before, ... */
	int group, id;	  /* SEND: 0 is none */
	int attempt;	  /* RECEIVE: 0 is none */
	int max;	  /* RECEIVE */
	int64_t ms;	  /* SEND: delay. RECEIVE: visibility timeout; -1 is the queue's. EXTEND, RELEASE, TIME */
};

struct script {
	struct setting setting;
	struct operation operation[OPERATIONS_MAX];
	int count;
};

/* Of up to `count_max` operations; the same seed draws the same. */
void script_draw(struct script *ret_script, bool is_fifo, int count_max, uint64_t seed);

void script_print(const struct script *script, FILE *out);
/* False: the line of number `*ret_line` is none. */
bool script_read(struct script *ret_script, FILE *in, int *ret_line);

#endif
