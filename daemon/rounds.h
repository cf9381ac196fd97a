/* The engine's rounds: a bounded piece of work for each queue it serves, and the sleep until something is due. */
#ifndef ENGINE_ROUNDS_H
#define ENGINE_ROUNDS_H

#include <stdint.h>

struct rlq_engine;

/* Returns when the next one is due, boot clock. */
uint64_t rounds_turn(struct rlq_engine *engine);

/* Says when we will be awake again, and sleeps until then, or until the bell rings. */
void rounds_sleep(struct rlq_engine *engine, uint64_t until_ms);

#endif
