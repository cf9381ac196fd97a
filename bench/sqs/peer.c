#include "bench/sqs/peer.h"

#include "bench/sqs/http.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

static const double PATIENCE_S = 30;

static const char *start_ringlease(struct program *program, const struct place *place)
{
	endpoint_start(program, place->path);
	return NULL;
}

/* Starts, with its log beside the queues; NULL, or the last line that it said. */
static const char *start(struct program *program, const char *const *argv, const char *log, uint16_t port)
{
	static char last[256];
	char line[256];
	FILE *said;

	program_start(program, argv, log);
	program->port = port;
	if (program_await(program, PATIENCE_S))
		return NULL;
	program_end(program);
	snprintf(last, sizeof(last), "it does not come up");
	said = fopen(log, "r");
	while (said && fgets(line, sizeof(line), said))
		if (line[0] != '\n')
			snprintf(last, sizeof(last), "it does not come up: %.*s", (int)strcspn(line, "\n"), line);
	if (said)
		fclose(said);
	return last;
}

static bool is_there(const char *pattern)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return false;
	globfree(&found);
	return true;
}

static const char *start_elasticmq(struct program *program, const struct place *place)
{
	static const char jars[] = PEERS_FOLDER "/elasticmq/*";
	char log[PATH_BYTES], port_option[64];
	uint16_t port = port_free();
	const char *const argv[] = {"/usr/bin/env",
				    "java",
				    "-Drest-sqs.bind-hostname=127.0.0.1",
				    port_option,
				    "-Drest-stats.enabled=false",
				    "-cp",
				    jars,
				    "org.elasticmq.server.Main",
				    NULL};

	if (!is_there(PEERS_FOLDER "/elasticmq/elasticmq-server_*.jar"))
		return "not in " PEERS_FOLDER ": scripts/setup-sqs-peers says why";
	snprintf(port_option, sizeof(port_option), "-Drest-sqs.bind-port=%u", port);
	snprintf(log, sizeof(log), "%s/elasticmq.log", place->path);
	return start(program, argv, log, port);
}

static const char *start_moto(struct program *program, const struct place *place)
{
	char log[PATH_BYTES], port_text[8];
	uint16_t port = port_free();
	const char *const argv[] = {PEERS_FOLDER "/moto/bin/moto_server", "-H", "127.0.0.1", "-p", port_text, NULL};

	if (!is_there(argv[0]))
		return "not in " PEERS_FOLDER ": scripts/setup-sqs-peers says why";
	snprintf(port_text, sizeof(port_text), "%u", port);
	snprintf(log, sizeof(log), "%s/moto.log", place->path);
	return start(program, argv, log, port);
}

const struct peer peer_ringlease_sqs = {
	.name = "ringlease-sqs", .is = "--durability memory", .start = start_ringlease};
const struct peer peer_elasticmq = {.name = "elasticmq",
				    .is = "1.7.1, a server process of its own, queues in memory, as it comes",
				    .start = start_elasticmq,
				    .gets_faster = true};
const struct peer peer_moto = {
	.name = "moto",
	.is = "5.2.5, moto_server, queues in memory, as it comes; receives by one connection",
	.start = start_moto,
	.takes_alone = true};
