/* A Redis server that flushes before each answer, and connections to it; for both ways to queue in it. */
#ifndef BENCH_PEERS_REDIS_H
#define BENCH_PEERS_REDIS_H

#if __has_include(<hiredis/hiredis.h>)

#define HAS_REDIS 1

#include <hiredis/hiredis.h>

/* Starts it when called first. NULL, or why it is not there. */
const char *redis_start(void);
redisContext *redis_open(void);
/* Ends the program on an error. */
redisReply *redis_checked(redisContext *redis, redisReply *reply);
redisReply *redis_next(redisContext *redis);

#endif

#endif
