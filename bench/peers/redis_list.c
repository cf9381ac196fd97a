/* What is received moves to a list of the consumer's own, so that a consumer that dies loses nothing (but nobody
 * gets it either, until somebody looks); a delete drops that list. In batches the move is a script of two commands,
 * which is the fastest way there is in Redis: less to write than a pipeline of LMOVEs. */
#include "bench/peers/peer.h"
#include "bench/peers/redis.h"

#ifdef HAS_REDIS

#include <stdio.h>
#include <stdlib.h>

struct client {
	redisContext *redis;
	char held[32]; /* the list of what it received */
};

static const char move_script[] = "local m = redis.call('LPOP', KEYS[1], ARGV[1]) if not m then return {} end "
				  "redis.call('RPUSH', KEYS[2], unpack(m)) return m";
static char move_sha[64];

static const char *start(void)
{
	const char *why = redis_start();
	redisContext *redis;
	redisReply *reply;

	if (why)
		return why;
	redis = redis_open();
	reply = redis_checked(redis, redisCommand(redis, "SCRIPT LOAD %s", move_script));
	snprintf(move_sha, sizeof(move_sha), "%s", reply->str);
	freeReplyObject(reply);
	redisFree(redis);
	return NULL;
}

static void *open_client(uint32_t number)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		peer_fail("redis: no memory");
	client->redis = redis_open();
	snprintf(client->held, sizeof(client->held), "held:%u", number);
	return client;
}

static void close_client(void *context)
{
	struct client *client = context;

	redisFree(client->redis);
	free(client);
}

static void send_all(void *context, const struct bodies *bodies)
{
	struct client *client = context;
	const char *argv[2 + PEER_BATCH_MAX] = {"RPUSH", "queue"};
	size_t bytes[2 + PEER_BATCH_MAX] = {5, 5};

	for (uint32_t i = 0; i < bodies->count; i++) {
		argv[2 + i] = (const char *)bodies->at + (size_t)i * bodies->bytes;
		bytes[2 + i] = bodies->bytes;
	}
	freeReplyObject(redis_checked(client->redis,
				      redisCommandArgv(client->redis, (int)(2 + bodies->count), argv, bytes)));
}

static uint32_t receive(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	redisReply *reply =
		redis_checked(client->redis, redisCommand(client->redis, "BLMOVE queue %s LEFT RIGHT 0.%u",
							  client->held, PEER_WAIT_MS));
	uint32_t got = reply->type == REDIS_REPLY_STRING;

	(void)max;
	if (got)
		*sum += body_number(reply->str, reply->len);
	freeReplyObject(reply);
	return got;
}

static uint32_t turn(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	redisReply *moved;
	uint32_t got;

	redisAppendCommand(client->redis, "DEL %s", client->held);
	if (max > 0)
		redisAppendCommand(client->redis, "EVALSHA %s 2 queue %s %u", move_sha, client->held, max);
	freeReplyObject(redis_next(client->redis));
	if (max == 0)
		return 0;
	moved = redis_next(client->redis);
	got = (uint32_t)moved->elements;
	for (uint32_t i = 0; i < got; i++)
		*sum += body_number(moved->element[i]->str, moved->element[i]->len);
	freeReplyObject(moved);
	return got;
}

const struct peer peer_redis_list = {
	.name = "redis list",
	.pattern = "appendfsync always: RPUSH; BLMOVE to a list of the consumer's (batches: LPOP, RPUSH in a "
		   "script); DEL",
	.start = start,
	.open = open_client,
	.close = close_client,
	.send = send_all,
	.receive = receive,
	.turn = turn,
};

#else

static const char *start(void)
{
	return "built without libhiredis-dev";
}

const struct peer peer_redis_list = {.name = "redis list", .start = start};

#endif
