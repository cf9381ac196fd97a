/* The command line. */
#include "gateway/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/call.h"

enum {
	EXIT_USAGE = 2,
	THREADS_MAX = 256,
	CONNECTIONS_LEAST = 16,
	CONNECTIONS_MOST = 1000000,
	REQUEST_SECONDS_MAX = 86400
};

static const char help[] =
	"Usage: ringlease-sqs [OPTION]...\n\n"
	"An SQS endpoint on ringlease's queues: AWS SDKs and the AWS CLI use them unmodified, side by side with\n"
	"programs that use the library. Runs in the foreground and logs to stderr.\n\n"
	"Options:\n"
	"  --dir DIR            where the queues are (else $RINGLEASE_DIR, else /dev/shm/ringlease-UID)\n"
	"  --data DIR           hosts the engine that durable queues need, with its journal in DIR, unless one "
	"serves\n"
	"                       the queues already\n"
	"  --listen ADDR:PORT   where to listen (127.0.0.1:9324); port 0 takes any\n"
	"  --durability MODE    of queues that are created without saying so: sync, async or memory (sync)\n"
	"  --credentials FILE   checks signatures with the keys in FILE, and queue policies; without it everybody "
	"who\n"
	"                       can connect may do everything\n"
	"  --account ID, --region NAME\n"
	"                       in ARNs and URLs (000000000000, us-east-1)\n"
	"  --queues FILE        makes the queues in FILE if they are not there: a JSON list of CreateQueue "
	"requests\n"
	"  --relaxed-limits     takes messages up to 64 MiB instead of 1 MiB\n"
	"  --wait-after-delete  refuses a queue of the same name for 60 seconds after DeleteQueue, as AWS does\n"
	"  --tls-cert FILE, --tls-key FILE\n"
	"                       serves HTTPS with this certificate and key (PEM)\n"
	"  --access-log         one line on stderr for each request\n"
	"  --threads N          that serve (16, or two a core if that is more)\n"
	"  --connections N      at most (10000)\n"
	"  --request-seconds N  that a client may take to send one request (300)\n"
	"  --help               print this\n"
	"  --version            print the version\n\n"
	"Ends cleanly at SIGTERM, SIGINT and SIGHUP. Health: GET /health.\n"
	"Exit status: 0 ended by a signal, 1 failed, 2 usage.\n";

static int usage(const char *what, const char *which)
{
	fprintf(stderr, "ringlease-sqs: %s: %s (ringlease-sqs --help lists what there is)\n", what, which);
	return EXIT_USAGE;
}

/* -1: fine, as below. */
static int read_number(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *ret_number)
{
	char what[64], *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && !errno && number >= min && number <= max) {
		*ret_number = (uint32_t)number;
		return -1;
	}
	snprintf(what, sizeof(what), "%s takes a number from %u to %u", name, min, max);
	return usage(what, text);
}

/* ADDR:PORT, [ADDR]:PORT or PORT. */
static int read_listen(const char *text, struct options *options)
{
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	size_t length = colon ? (size_t)(colon - text) : 0;
	uint32_t number = 0;
	int status = read_number("--listen ADDR:PORT", port, 0, UINT16_MAX, &number);

	if (status >= 0)
		return status;
	options->port = (uint16_t)number;
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= sizeof(options->host))
		return usage("--listen: the address is too long", text);
	if (length > 0)
		snprintf(options->host, sizeof(options->host), "%.*s", (int)length, text);
	return -1;
}

static int read_durability(const char *text, struct options *options)
{
	static const char *const names[] = {[RLQ_MEMORY] = "memory", [RLQ_ASYNC] = "async", [RLQ_SYNC] = "sync"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			options->durability = (enum rlq_durability)i;
			return -1;
		}
	return usage("--durability takes sync, async or memory", text);
}

static int read_account(const char *text, struct options *options)
{
	if (*text == '\0' || strlen(text) >= ACCOUNT_TEXT_BYTES || text[strspn(text, "0123456789")])
		return usage("--account takes digits, 12 of them as a rule", text);
	options->account = text;
	return -1;
}

static int read_region(const char *text, struct options *options)
{
	if (*text == '\0' || strlen(text) >= REGION_TEXT_BYTES ||
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return usage("--region takes lower-case letters, digits and hyphens", text);
	options->region = text;
	return -1;
}

enum option_key {
	OPTION_DIR = 1,
	OPTION_DATA,
	OPTION_LISTEN,
	OPTION_DURABILITY,
	OPTION_CREDENTIALS,
	OPTION_ACCOUNT,
	OPTION_REGION,
	OPTION_QUEUES,
	OPTION_RELAXED,
	OPTION_WAIT_AFTER_DELETE,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_ACCESS_LOG,
	OPTION_THREADS,
	OPTION_CONNECTIONS,
	OPTION_REQUEST_SECONDS,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"dir", required_argument, NULL, OPTION_DIR},
	{"data", required_argument, NULL, OPTION_DATA},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"durability", required_argument, NULL, OPTION_DURABILITY},
	{"credentials", required_argument, NULL, OPTION_CREDENTIALS},
	{"account", required_argument, NULL, OPTION_ACCOUNT},
	{"region", required_argument, NULL, OPTION_REGION},
	{"queues", required_argument, NULL, OPTION_QUEUES},
	{"relaxed-limits", no_argument, NULL, OPTION_RELAXED},
	{"wait-after-delete", no_argument, NULL, OPTION_WAIT_AFTER_DELETE},
	{"tls-cert", required_argument, NULL, OPTION_TLS_CERT},
	{"tls-key", required_argument, NULL, OPTION_TLS_KEY},
	{"access-log", no_argument, NULL, OPTION_ACCESS_LOG},
	{"threads", required_argument, NULL, OPTION_THREADS},
	{"connections", required_argument, NULL, OPTION_CONNECTIONS},
	{"request-seconds", required_argument, NULL, OPTION_REQUEST_SECONDS},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

/* -1: go on; else an exit status. */
static int take(enum option_key option, const char *value, struct options *options)
{
	switch (option) {
	case OPTION_DIR:
		options->directory = value;
		return -1;
	case OPTION_DATA:
		options->data = value;
		return -1;
	case OPTION_LISTEN:
		return read_listen(value, options);
	case OPTION_DURABILITY:
		return read_durability(value, options);
	case OPTION_CREDENTIALS:
		options->credentials = value;
		return -1;
	case OPTION_ACCOUNT:
		return read_account(value, options);
	case OPTION_REGION:
		return read_region(value, options);
	case OPTION_QUEUES:
		options->queues = value;
		return -1;
	case OPTION_RELAXED:
		options->relaxed_limits = true;
		return -1;
	case OPTION_WAIT_AFTER_DELETE:
		options->waits_after_delete = true;
		return -1;
	case OPTION_TLS_CERT:
		options->tls_certificate = value;
		return -1;
	case OPTION_TLS_KEY:
		options->tls_key = value;
		return -1;
	case OPTION_ACCESS_LOG:
		options->logs_access = true;
		return -1;
	case OPTION_THREADS:
		return read_number("--threads", value, 1, THREADS_MAX, &options->threads);
	case OPTION_CONNECTIONS:
		return read_number("--connections", value, CONNECTIONS_LEAST, CONNECTIONS_MOST,
				   &options->connections_max);
	case OPTION_REQUEST_SECONDS:
		return read_number("--request-seconds", value, 1, REQUEST_SECONDS_MAX, &options->request_seconds);
	case OPTION_HELP:
		fputs(help, stdout);
		return 0;
	case OPTION_VERSION:
		printf("ringlease-sqs %s\n", rlq_version());
		return 0;
	}
	return EXIT_USAGE;
}

static uint32_t threads_by_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores > 8 ? (uint32_t)(2 * cores < THREADS_MAX ? 2 * cores : THREADS_MAX) : 16;
}

/* What getopt_long lets through: a shortened name breaks when an option is added, and a value that is empty is
 * mostly a variable that nobody has set. */
static int check_word(const char *word, const struct option *option, const char *value)
{
	size_t length = strcspn(word, "=");

	if (length != strlen(option->name) + 2)
		return usage("unknown option", word);
	if (value && *value == '\0')
		return usage("an option has an empty value", option->name);
	return -1;
}

static int read_all(int argc, char **argv, struct options *options)
{
	int option, index, status = -1;

	opterr = 0;
	while (status < 0) {
		int at = optind > 0 ? optind : 1;

		option = getopt_long(argc, argv, ":", long_options, &index);
		if (option == -1)
			break;
		if (option == ':')
			return usage("an option lacks its value", argv[optind - 1]);
		if (option == '?')
			return usage("unknown option", argv[optind - 1]);
		status = check_word(argv[at], &long_options[index], optarg);
		if (status < 0)
			status = take((enum option_key)option, optarg, options);
	}
	if (status < 0 && optind < argc)
		status = usage("unexpected argument", argv[optind]);
	return status;
}

bool command_line_read(int argc, char **argv, struct options *ret_options, int *ret_exit)
{
	struct options options = {.host = "127.0.0.1",
				  .port = 9324,
				  .durability = RLQ_SYNC,
				  .account = "000000000000",
				  .region = "us-east-1",
				  .threads = threads_by_cores(),
				  .connections_max = 10000,
				  .request_seconds = 300 /* 7 MiB at 200 kbit/s */};

	*ret_exit = read_all(argc, argv, &options);
	if (*ret_exit < 0 && (options.tls_certificate == NULL) != (options.tls_key == NULL))
		*ret_exit = usage("needs the other one, too", options.tls_key ? "--tls-key without --tls-cert"
									      : "--tls-cert without --tls-key");
	if (*ret_exit >= 0)
		return false;
	*ret_options = options;
	return true;
}
