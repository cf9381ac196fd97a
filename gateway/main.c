/* ringlease-sqs: puts the parts together, and ends them in turn. */
#include "gateway/declare.h"
#include "gateway/engine_host.h"
#include "gateway/gateway.h"
#include "gateway/json_memory.h"
#include "gateway/moves.h"
#include "gateway/notes.h"
#include "gateway/options.h"
#include "gateway/security.h"
#include "gateway/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ringlease-engine.h>

enum {
	IDLE_SECONDS = 60,
	WORKERS_MAX = 64,
	HEADER_BYTES_MAX = 32 * 1024, /* and the memory of each connection */
	/* A body of 1 MiB may have six times as many bytes in JSON; and what is around it. */
	BODY_BYTES_MAX = 7 * 1024 * 1024,
	PEM_BYTES_MAX = 1024 * 1024,
	DESCRIPTORS_BESIDE = 1024, /* of queues, of the journal */
	STOPPED = -1,		   /* a status: by a signal, before it served */
};

struct program {
	struct options options;
	sigset_t stops; /* the signals that end it */
	struct gateway gateway;
	struct engine_host *engine;
	struct server *server;
	char *certificate, *key;
};

__attribute__((format(printf, 1, 2))) static int say(const char *format, ...)
{
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fprintf(stderr, "ringlease-sqs: %s\n", line);
	return EXIT_FAILURE;
}

/* ---- the engine --------------------------------------------------------------------------------- */

static int find_engine(struct program *program)
{
	const struct options *options = &program->options;
	const char *directory = rlq_directory_path(program->gateway.directory);
	int error;

	if (options->data) { /* where another one serves, it stands by */
		error = engine_host_open(directory, options->data, &program->stops, &program->engine);
		if (error == -EINTR)
			return STOPPED;
		return error ? say("the engine does not start: %s", rlq_strerror(error)) : 0;
	}
	if (rlq_directory_has_engine(program->gateway.directory) || options->durability == RLQ_MEMORY)
		return 0;
	return say(
		"no engine serves %s, and queues are to be durable: start ringleased, or give --data DIR to host "
		"the engine here, or --durability memory",
		directory);
}

/* Where notes on durable queues are: beside their journal. */
static int open_notes(struct program *program)
{
	const char *directory = rlq_directory_path(program->gateway.directory);
	char path[4096];
	const char *data = program->options.data;

	if (data == NULL && rlq_journal_path(directory, path, sizeof(path)) == 0)
		data = path;
	program->gateway.notes = notes_open(directory, data);
	return program->gateway.notes ? 0 : say("out of memory");
}

/* ---- security ----------------------------------------------------------------------------------- */

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(PEM_BYTES_MAX + 1) : NULL;
	size_t bytes = text ? fread(text, 1, PEM_BYTES_MAX, file) : 0;

	if (text)
		text[bytes] = '\0';
	if (file)
		fclose(file);
	return text;
}

static int read_tls(struct program *program)
{
	if (program->options.tls_key == NULL)
		return 0;
	program->certificate = read_file(program->options.tls_certificate);
	if (program->certificate == NULL)
		return say("cannot read %s: %s", program->options.tls_certificate, strerror(errno));
	program->key = read_file(program->options.tls_key);
	if (program->key == NULL)
		return say("cannot read %s: %s", program->options.tls_key, strerror(errno));
	return 0;
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* Said once it serves. */
static void say_who_may(const struct options *options)
{
	if (options->credentials)
		return;
	say("signatures are not checked: whoever can connect may do everything (--credentials FILE checks them)");
	if (!is_loopback(options->host))
		say("warning: %s can be reached from other machines", options->host);
}

static int read_credentials(struct program *program)
{
	const char *path = program->options.credentials;
	char fault[CREDENTIALS_TEXT_BYTES];

	if (path == NULL)
		return 0;
	program->gateway.credentials = credentials_open(path, program->gateway.account, fault);
	if (program->gateway.credentials == NULL)
		return say("%s: %s", path, fault);
	if (credentials_warning(program->gateway.credentials, fault))
		say("warning: %s", fault);
	return 0;
}

/* ---- start and end ------------------------------------------------------------------------------ */

/* Each connection is a descriptor, each open queue too. */
static void raise_descriptors(uint32_t connections)
{
	struct rlimit limit;
	rlim_t wanted = connections + DESCRIPTORS_BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		say("warning: only %llu descriptors are allowed (ulimit -n), for up to %u connections",
		    (unsigned long long)limit.rlim_cur, connections);
}

static int serve(struct program *program)
{
	const struct options *options = &program->options;
	const struct server_options server = {
		.host = options->host,
		.port = options->port,
		.threads = options->threads,
		.workers_max = WORKERS_MAX,
		.connections_max = options->connections_max,
		.idle_seconds = IDLE_SECONDS,
		.request_seconds = options->request_seconds,
		.body_bytes_max =
			options->relaxed_limits ? (size_t)6 * RLQ_BODY_MAX + BODY_BYTES_MAX : BODY_BYTES_MAX,
		.header_bytes_max = HEADER_BYTES_MAX,
		.tls_certificate = program->certificate,
		.tls_key = program->key,
		.logs_access = options->logs_access,
	};
	char fault[256];

	if (server_open(&program->gateway, &server, &program->server, fault) != 0)
		return say("%s", fault);
	say_who_may(options);
	say("listening on %s", server_url(program->server));
	return 0;
}

static int start(struct program *program)
{
	const struct options *options = &program->options;
	struct gateway *gateway = &program->gateway;
	int error = rlq_directory_open(options->directory, &gateway->directory), status;

	if (error)
		return say("cannot open the directory of queues: %s", rlq_strerror(error));
	snprintf(gateway->account, sizeof(gateway->account), "%s", options->account);
	snprintf(gateway->region, sizeof(gateway->region), "%s", options->region);
	gateway->durability = options->durability;
	gateway->relaxed_limits = options->relaxed_limits;
	gateway->waits_after_delete = options->waits_after_delete;
	raise_descriptors(options->connections_max);
	status = find_engine(program);
	if (status == 0)
		status = open_notes(program);
	if (status == 0)
		status = read_tls(program);
	if (status == 0)
		status = read_credentials(program);
	if (status)
		return status;
	gateway->moves = moves_open(gateway->directory, gateway->notes);
	if (gateway->moves == NULL)
		return say("out of memory");
	status = options->queues ? declare_queues(gateway, options->queues) : 0;
	return status ? status : serve(program);
}

static void stop(struct program *program)
{
	server_close(program->server);
	moves_close(program->gateway.moves);
	notes_close(program->gateway.notes);
	credentials_close(program->gateway.credentials);
	engine_host_close(program->engine);
	rlq_directory_close(program->gateway.directory);
	free(program->certificate);
	free(program->key);
}

/* Before any thread is there: all inherit it, and none but this one hears of them. */
static void block_stops(sigset_t *ret_stops)
{
	sigemptyset(ret_stops);
	sigaddset(ret_stops, SIGTERM);
	sigaddset(ret_stops, SIGINT);
	sigaddset(ret_stops, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_stops, NULL);
}

int main(int argc, char **argv)
{
	struct program program = {0};
	int status, signal_number;

	if (!command_line_read(argc, argv, &program.options, &status))
		return status;
	block_stops(&program.stops);
	signal(SIGPIPE, SIG_IGN);
	json_memory_keep();
	status = start(&program);
	if (status == 0)
		sigwait(&program.stops, &signal_number);
	stop(&program);
	return status == STOPPED ? EXIT_SUCCESS : status;
}
