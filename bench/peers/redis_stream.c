/* A stream with a consumer group: as with ringlease each message has an id, counts its deliveries, can be claimed
 * when its consumer is late, and is deleted by itself. */
#include "bench/peers/peer.h"
#include "bench/peers/redis.h"

#ifdef HAS_REDIS

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 44, ARGUMENTS_MAX = 3 + PEER_BATCH_MAX };

struct client {
	redisContext *redis;
	char name[32];
	char held[PEER_BATCH_MAX][ID_BYTES];
	uint32_t held_count;
};

static const char *start(void)
{
	const char *why = redis_start();
	redisContext *redis;

	if (why)
		return why;
	redis = redis_open();
	freeReplyObject(redis_checked(redis, redisCommand(redis, "XGROUP CREATE stream all 0 MKSTREAM")));
	redisFree(redis);
	return NULL;
}

static void *open_client(uint32_t number)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		peer_fail("redis: no memory");
	client->redis = redis_open();
	snprintf(client->name, sizeof(client->name), "%u", number);
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

	for (uint32_t i = 0; i < bodies->count; i++)
		redisAppendCommand(client->redis, "XADD stream * b %b", bodies->at + (size_t)i * bodies->bytes,
				   (size_t)bodies->bytes);
	for (uint32_t i = 0; i < bodies->count; i++)
		freeReplyObject(redis_next(client->redis));
}

/* [[stream, [[id, [name, body]], ...]]], or nil. */
static void keep(struct client *client, const redisReply *reply, uint64_t *sum)
{
	const redisReply *messages;

	client->held_count = 0;
	if (reply->type == REDIS_REPLY_NIL)
		return;
	messages = reply->element[0]->element[1];
	for (size_t i = 0; i < messages->elements; i++) {
		const redisReply *id = messages->element[i]->element[0];
		const redisReply *body = messages->element[i]->element[1]->element[1];

		snprintf(client->held[i], ID_BYTES, "%s", id->str);
		*sum += body_number(body->str, body->len);
	}
	client->held_count = (uint32_t)messages->elements;
}

static uint32_t receive(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	redisReply *reply = redis_checked(client->redis,
					  redisCommand(client->redis,
						       "XREADGROUP GROUP all %s COUNT %u BLOCK %u STREAMS stream >",
						       client->name, max, PEER_WAIT_MS));

	keep(client, reply, sum);
	freeReplyObject(reply);
	return client->held_count;
}

static void ask_with_ids(struct client *client, const char *command, const char *group)
{
	const char *argv[ARGUMENTS_MAX] = {command, "stream"};
	int count = 2;

	if (group)
		argv[count++] = group;
	for (uint32_t i = 0; i < client->held_count; i++)
		argv[count++] = client->held[i];
	redisAppendCommandArgv(client->redis, count, argv, NULL);
}

static uint32_t turn(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	redisReply *reply;

	ask_with_ids(client, "XACK", "all");
	ask_with_ids(client, "XDEL", NULL);
	if (max > 0)
		redisAppendCommand(client->redis, "XREADGROUP GROUP all %s COUNT %u STREAMS stream >", client->name,
				   max);
	freeReplyObject(redis_next(client->redis));
	freeReplyObject(redis_next(client->redis));
	client->held_count = 0;
	if (max > 0) {
		reply = redis_next(client->redis);
		keep(client, reply, sum);
		freeReplyObject(reply);
	}
	return client->held_count;
}

const struct peer peer_redis_stream = {
	.name = "redis stream",
	.pattern = "appendfsync always: XADD; XREADGROUP; XACK, XDEL; pipelined",
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

const struct peer peer_redis_stream = {.name = "redis stream", .start = start};

#endif
