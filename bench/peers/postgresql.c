/* PostgreSQL as a queue. A consumer deletes the rows it takes, past those that others have locked, and reads them;
 * the commit is its delete, the end of its transaction gives them back. So a cycle waits for two flushes, as
 * ringlease's does; an UPDATE that marks rows as taken would be a third. */
#include "bench/peers/peer.h"

#if __has_include(<libpq-fe.h>)

#include "bench/peers/server.h"
#include "bench/team.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTEA_OID = 17, POLL_US = 1000 };

struct client {
	PGconn *base;
	bool in_transaction;
	char array[20 + PEER_BATCH_MAX * (4 + PEER_BODY_MAX)];
};

static struct server server;
static char connection[SERVER_PATH_MAX + 64];

static const char *const statements[][2] = {
	{"send", "INSERT INTO queue (body) VALUES ($1)"},
	{"send_many", "INSERT INTO queue (body) SELECT unnest($1::bytea[])"},
	{"begin", "BEGIN"},
	{"take", "DELETE FROM queue WHERE ctid = ANY (ARRAY (SELECT ctid FROM queue ORDER BY id LIMIT $1::int "
		 "FOR UPDATE SKIP LOCKED)) RETURNING body"},
	{"commit", "COMMIT"},
};

/* ---- the server ------------------------------------------------------------------------------- */

static bool start_server(const char *program)
{
	char initdb[SERVER_PATH_MAX + 8], data[SERVER_PATH_MAX + 8];

	snprintf(initdb, sizeof(initdb), "%.*sinitdb", (int)(strrchr(program, '/') + 1 - program), program);
	snprintf(data, sizeof(data), "%s/data", server.folder);
	if (!server_run(&server, (const char *const[]){initdb, "-D", data, "-U", "bench", "-A", "trust", "-E",
						       "UTF8", "--locale=C", "--no-sync", NULL}))
		return false;
	/* The end of this process is an immediate shutdown. What is set here are the defaults, but for the memory.
	 */
	server_start(&server,
		     (const char *const[]){program, "-D", data, "-k", server.folder, "-c",
					   "listen_addresses=", "-c", "fsync=on", "-c", "synchronous_commit=on",
					   "-c", "full_page_writes=on", "-c", "shared_buffers=256MB", NULL},
		     SIGQUIT);
	return true;
}

static void command(PGconn *base, const char *text)
{
	PGresult *result = PQexec(base, text);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		peer_fail("postgresql: %s: %s", text, PQerrorMessage(base));
	PQclear(result);
}

static void command_alone(const char *text)
{
	PGconn *base = PQconnectdb(connection);

	command(base, text);
	PQfinish(base);
}

static bool answers(void)
{
	PGconn *base = PQconnectdb(connection);
	bool good = PQstatus(base) == CONNECTION_OK;

	PQfinish(base);
	return good;
}

static const char *start(void)
{
	char program[SERVER_PATH_MAX];
	double since = seconds_now();

	if (!server_prepare(&server, "postgresql") ||
	    !server_find(&server, "usr/lib/postgresql/*/bin/postgres", program) || !start_server(program))
		return server.why;
	snprintf(connection, sizeof(connection), "host=%s user=bench dbname=postgres", server.folder);
	while (!answers())
		if (!server_await(&server, since))
			return server.why;
	command_alone("SET client_min_messages = error");
	command_alone(
		"CREATE TABLE queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)");
	return NULL;
}

/* No run pays for the dead rows of the one before. */
static void rest(void)
{
	command_alone("TRUNCATE queue");
}

/* ---- clients ---------------------------------------------------------------------------------- */

static void *open_client(uint32_t number)
{
	struct client *client = calloc(1, sizeof(*client));

	(void)number;
	if (!client)
		peer_fail("postgresql: no memory");
	client->base = PQconnectdb(connection);
	if (PQstatus(client->base) != CONNECTION_OK)
		peer_fail("postgresql: %s", PQerrorMessage(client->base));
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		PQclear(PQprepare(client->base, statements[i][0], statements[i][1], 0, NULL));
	PQenterPipelineMode(client->base);
	return client;
}

static void close_client(void *context)
{
	struct client *client = context;

	PQfinish(client->base);
	free(client);
}

static void ask(struct client *client, const char *statement, const char *value, int bytes)
{
	int format = bytes > 0;

	if (!PQsendQueryPrepared(client->base, statement, value != NULL, &value, &bytes, &format, 1))
		peer_fail("postgresql: %s: %s", statement, PQerrorMessage(client->base));
}

static void ask_no_more(struct client *client)
{
	if (!PQpipelineSync(client->base))
		peer_fail("postgresql: %s", PQerrorMessage(client->base));
}

static PGresult *answer(struct client *client, ExecStatusType expected)
{
	PGresult *result = PQgetResult(client->base);

	if (PQresultStatus(result) != expected)
		peer_fail("postgresql: %s", PQerrorMessage(client->base));
	if (expected != PGRES_PIPELINE_SYNC && PQgetResult(client->base) != NULL)
		peer_fail("postgresql: more than one answer");
	return result;
}

static void answered(struct client *client, ExecStatusType expected)
{
	PQclear(answer(client, expected));
}

static char *put_32(char *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

/* In the server's binary form: dimensions, "has NULL", type; length and first index; elements. */
static int build_array(struct client *client, const struct bodies *bodies)
{
	char *at = client->array;
	const uint32_t head[] = {1, 0, BYTEA_OID, bodies->count, 1};

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		at = put_32(at, head[i]);
	for (uint32_t i = 0; i < bodies->count; i++) {
		at = put_32(at, bodies->bytes);
		memcpy(at, bodies->at + (size_t)i * bodies->bytes, bodies->bytes);
		at += bodies->bytes;
	}
	return (int)(at - client->array);
}

static void send_all(void *context, const struct bodies *bodies)
{
	struct client *client = context;

	if (bodies->count == 1)
		ask(client, "send", (const char *)bodies->at, (int)bodies->bytes);
	else
		ask(client, "send_many", client->array, build_array(client, bodies));
	ask_no_more(client);
	answered(client, PGRES_COMMAND_OK);
	answered(client, PGRES_PIPELINE_SYNC);
}

static void ask_for(struct client *client, uint32_t max)
{
	char limit[16];

	snprintf(limit, sizeof(limit), "%u", max);
	if (!client->in_transaction)
		ask(client, "begin", NULL, 0);
	ask(client, "take", limit, 0);
}

static uint32_t taken(struct client *client, uint64_t *sum)
{
	PGresult *result;
	uint32_t got;

	if (!client->in_transaction)
		answered(client, PGRES_COMMAND_OK);
	client->in_transaction = true;
	result = answer(client, PGRES_TUPLES_OK);
	got = (uint32_t)PQntuples(result);
	for (uint32_t i = 0; i < got; i++)
		*sum += body_number(PQgetvalue(result, (int)i, 0), (size_t)PQgetlength(result, (int)i, 0));
	PQclear(result);
	return got;
}

/* Commits what it holds, and takes more. */
static uint32_t turn(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	uint32_t got = 0;

	ask(client, "commit", NULL, 0);
	client->in_transaction = false;
	if (max > 0)
		ask_for(client, max);
	ask_no_more(client);
	answered(client, PGRES_COMMAND_OK);
	if (max > 0)
		got = taken(client, sum);
	answered(client, PGRES_PIPELINE_SYNC);
	return got;
}

/* Only polling waits: a NOTIFY at each send would cost the producers more. */
static uint32_t receive(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	uint32_t got = 0;

	for (uint32_t i = 0; got == 0 && i < PEER_WAIT_MS; i++) {
		if (i > 0)
			usleep(POLL_US);
		ask_for(client, max);
		ask_no_more(client);
		got = taken(client, sum);
		answered(client, PGRES_PIPELINE_SYNC);
	}
	return got;
}

const struct peer peer_postgresql = {
	.name = "postgresql",
	.pattern = "synchronous_commit, fsync on: INSERT; DELETE .. FOR UPDATE SKIP LOCKED .. RETURNING; COMMIT",
	.start = start,
	.rest = rest,
	.open = open_client,
	.close = close_client,
	.send = send_all,
	.receive = receive,
	.turn = turn,
};

#else

static const char *start(void)
{
	return "built without libpq-dev";
}

const struct peer peer_postgresql = {.name = "postgresql", .start = start};

#endif
