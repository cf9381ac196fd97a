/* A batch that is sent to q, with its accounts. */
#ifndef TEST_CRASH_BATCH_H
#define TEST_CRASH_BATCH_H

#include "tests/crash/scene.h"

enum { BATCH_MAX = 10, BATCH_BODY = 600 };

struct batch {
	struct rlq_send_entry entry[BATCH_MAX];
	unsigned char body[BATCH_MAX][BATCH_BODY];
	struct tag_ids ids[BATCH_MAX];
	uint32_t tag[BATCH_MAX], count;
	bool is_again[BATCH_MAX];
};

/* A new message; `group`: of a FIFO queue, where delay_ms is 0. */
void batch_add(struct batch *batch, struct scene *scene, uint32_t group, uint32_t bytes, int64_t delay_ms);

/* One that was sent before, or comes before in this batch, with the same ids; not over BATCH_BODY bytes. */
void batch_add_again(struct batch *batch, struct scene *scene, uint32_t tag);

void batch_send(struct batch *batch, struct actor *actor);

#endif
