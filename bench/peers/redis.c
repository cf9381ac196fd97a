#include "bench/peers/redis.h"

#ifdef HAS_REDIS

#include "bench/peers/peer.h"
#include "bench/peers/server.h"
#include "bench/team.h"

#include <signal.h>
#include <stdio.h>

static struct server server;
static char socket_path[SERVER_PATH_MAX + 8];

redisReply *redis_checked(redisContext *redis, redisReply *reply)
{
	if (!reply)
		peer_fail("redis: %s", redis->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		peer_fail("redis: %s", reply->str);
	return reply;
}

redisReply *redis_next(redisContext *redis)
{
	void *reply = NULL;

	return redis_checked(redis, redisGetReply(redis, &reply) == REDIS_OK ? reply : NULL);
}

static bool answers(void)
{
	redisContext *redis = redisConnectUnix(socket_path);
	bool good = redis && redis->err == 0;

	redisFree(redis);
	return good;
}

static bool start_server(void)
{
	char program[SERVER_PATH_MAX];
	double since = seconds_now();

	if (!server_prepare(&server, "redis") || !server_find(&server, "usr/bin/redis-server", program))
		return false;
	snprintf(socket_path, sizeof(socket_path), "%s/socket", server.folder);
	server_start(&server,
		     (const char *const[]){program, "--port", "0", "--unixsocket", socket_path, "--dir",
					   server.folder, "--save", "", "--appendonly", "yes", "--appendfsync",
					   "always", "--auto-aof-rewrite-percentage", "0", NULL},
		     SIGTERM);
	while (!answers())
		if (!server_await(&server, since))
			return false;
	return true;
}

const char *redis_start(void)
{
	static bool was_tried, runs;

	if (!was_tried)
		runs = start_server();
	was_tried = true;
	return runs ? NULL : server.why;
}

redisContext *redis_open(void)
{
	redisContext *redis = redisConnectUnix(socket_path);

	if (!redis || redis->err)
		peer_fail("redis: cannot connect to %s", socket_path);
	return redis;
}

#endif
