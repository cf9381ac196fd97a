/* ringleased: a thin main around the engine. Serves one directory of queues in the foreground, logs to
 * stderr, ends at SIGTERM, SIGINT or SIGHUP. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ringlease-engine.h>

enum { EXIT_USAGE = 2, OLD_KEYS_MAX = 15 };

/* The engine that the signal handler stops; set before the handler is. */
static struct rlq_engine *running;

/* One write for a line: lines of several threads or processes do not mix. */
static void log_line(void *context, const char *text)
{
	struct timespec now;
	struct tm utc;
	char stamp[32] = "", line[1024];
	int length;

	(void)context;
	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	length = snprintf(line, sizeof(line), "%s.%03ldZ ringleased: %s\n", stamp, now.tv_nsec / 1000000, text);
	if (length >= (int)sizeof(line)) {
		length = (int)sizeof(line) - 1;
		line[length - 1] = '\n';
	}
	fwrite(line, 1, (size_t)length, stderr);
}

static void handle_stop(int signal_number)
{
	(void)signal_number;
	rlq_engine_stop(running);
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = handle_stop};
	const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a log reader that goes away does not end the service */
}

static void print_help(void)
{
	printf("Usage: ringleased [OPTION]...\n\n"
	       "Serves a directory of queues: ends leases on time, moves messages to dead-letter queues,\n"
	       "takes back what killed processes held. Runs in the foreground and logs to stderr.\n\n"
	       "Options:\n"
	       "  --dir DIR   where the queues are (else $RINGLEASE_DIR, else /dev/shm/ringlease-UID)\n"
	       "  --data DIR  where the journal of durable queues is (else $RINGLEASE_DATA, else a folder of this\n"
	       "              directory's own below $XDG_STATE_HOME, /var/lib or ~/.local/state, ringlease/)\n"
	       "  --mirror DIR        a second folder of the journal, on another disk: what is acknowledged is in "
	       "both;\n"
	       "                      filled while starting if it is empty or behind\n"
	       "  --without-mirror    start though the journal's mirror is missing, which may have more\n"
	       "  --accept-stale      start though the journal is behind its mirror, and lose what only that has\n"
	       "  --adopt             start though the journal was written on another machine\n"
	       "  --journal-max SIZE  what the journal may take of the disk, 32M or more (K, M, G, T); above it "
	       "sends are\n"
	       "                      refused\n"
	       "  --key-file FILE     encrypt bodies and attributes in the journal with the key in FILE: 64 "
	       "hexadecimal\n"
	       "                      digits (openssl rand -hex 32), readable by their owner alone\n"
	       "  --old-key-file FILE a key that the journal was written with before; may be given again. The log "
	       "says\n"
	       "                      when no file needs it any more\n"
	       "  --key keyring:NAME, --old-key keyring:NAME\n"
	       "                      the same with a key of type user in the kernel's key rings\n"
	       "  --help      print this\n"
	       "  --version   print the version\n\n"
	       "Ends cleanly at SIGTERM, SIGINT and SIGHUP. A second ringleased for a directory waits in reserve.\n"
	       "Exit status: 0 ended by a signal, 1 failed, 2 usage.\n");
}

static int usage(const char *what, const char *which)
{
	fprintf(stderr, "ringleased: %s: %s (ringleased --help lists what there is)\n", what, which);
	return EXIT_USAGE;
}

/* A number, with K, M, G or T behind it. */
static bool parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	unsigned long long number;
	const char *unit;
	char *end;
	int shift = 0;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno)
		return false;
	if (*end) {
		unit = strchr(units, *end);
		if (unit == NULL || end[1])
			return false;
		shift = 10 * (int)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift || number << shift < RLQ_JOURNAL_MAX_LEAST)
		return false;
	*ret_bytes = number << shift;
	return true;
}

/* What was given. */
struct arguments {
	const char *directory;
	struct rlq_engine_options engine;
	const char *old_keys[OLD_KEYS_MAX + 1];
	size_t old_key_count;
};

static int take_key(struct arguments *arguments, bool is_old, const char *source)
{
	if (is_old && arguments->old_key_count == OLD_KEYS_MAX)
		return usage("too many old keys", source);
	if (!is_old && arguments->engine.key)
		return usage("a second key (--old-key-file is for one that was replaced)", source);
	if (is_old)
		arguments->old_keys[arguments->old_key_count++] = source;
	else
		arguments->engine.key = source;
	return -1;
}

static int check_mirror(const struct rlq_engine_options *engine)
{
	if (engine->mirror && engine->flags & (RLQ_ENGINE_WITHOUT_MIRROR | RLQ_ENGINE_ACCEPT_STALE))
		return usage("not together with --mirror",
			     engine->flags & RLQ_ENGINE_WITHOUT_MIRROR ? "--without-mirror" : "--accept-stale");
	return -1;
}

/* What getopt_long lets through. It takes "--accept" for "--accept-stale": who relies on that breaks when an option
 * is added. And a value that is empty is mostly a variable that nobody has set. */
static int check_option(const char *word, const char *name)
{
	if (strcspn(word + 2, "=") != strlen(name))
		return usage("unknown option", word);
	return optarg && !*optarg ? usage("option needs a value", word) : -1;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"dir", required_argument, NULL, 'd'},	       {"data", required_argument, NULL, 'D'},
		{"mirror", required_argument, NULL, 'M'},      {"without-mirror", no_argument, NULL, 'W'},
		{"accept-stale", no_argument, NULL, 'S'},      {"adopt", no_argument, NULL, 'A'},
		{"journal-max", required_argument, NULL, 'm'}, {"key-file", required_argument, NULL, 'k'},
		{"key", required_argument, NULL, 'k'},	       {"old-key-file", required_argument, NULL, 'o'},
		{"old-key", required_argument, NULL, 'o'},     {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},	       {NULL, 0, NULL, 0},
	};
	struct rlq_engine_options *engine = &arguments->engine;
	int got, which, rc = -1;

	opterr = 0;
	while (rc < 0 && (got = getopt_long(argc, argv, ":", options, &which)) != -1) {
		if (got != ':' && got != '?')
			rc = check_option(argv[optind - (optarg == argv[optind - 1] ? 2 : 1)], options[which].name);
		if (rc >= 0)
			return rc;
		switch (got) {
		case 'd':
			arguments->directory = optarg;
			break;
		case 'D':
			engine->data = optarg;
			break;
		case 'M':
			engine->mirror = optarg;
			break;
		case 'W':
			engine->flags |= RLQ_ENGINE_WITHOUT_MIRROR;
			break;
		case 'S':
			engine->flags |= RLQ_ENGINE_ACCEPT_STALE;
			break;
		case 'A':
			engine->flags |= RLQ_ENGINE_ADOPT;
			break;
		case 'm':
			if (!parse_size(optarg, &engine->journal_bytes_max))
				rc = usage("--journal-max: not a size of 32M or more", optarg);
			break;
		case 'k':
		case 'o':
			rc = take_key(arguments, got == 'o', optarg);
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'v':
			printf("ringleased %s\n", rlq_version());
			return EXIT_SUCCESS;
		case ':':
			return usage("option needs a value", argv[optind - 1]);
		default:
			return usage("unknown option", argv[optind - 1]);
		}
	}
	if (rc >= 0)
		return rc;
	return optind < argc ? usage("unexpected argument", argv[optind]) : check_mirror(engine);
}

/* The engine works there too, but every message costs the disk something. */
static void warn_of_disk(const char *path)
{
	struct rlq_directory *directory;

	if (rlq_directory_open(path, &directory) < 0)
		return;
	if (!rlq_directory_is_tmpfs(directory))
		log_line(NULL, "warning: the directory is not on tmpfs: queues are written to disk now and then");
	rlq_directory_close(directory);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.engine = RLQ_ENGINE_OPTIONS_INIT};
	const char *directory;
	int rc;

	arguments.engine.data = "";
	rc = parse_options(argc, argv, &arguments);
	if (rc >= 0)
		return rc;
	directory = arguments.directory;
	arguments.engine.old_keys = arguments.old_keys;
	arguments.engine.log = log_line;
	rc = rlq_engine_open(directory, &arguments.engine, &running);
	if (rc < 0)
		return EXIT_FAILURE; /* it has been logged why */
	catch_signals();
	warn_of_disk(directory);
	rc = rlq_engine_run(running);
	signal(SIGTERM, SIG_IGN); /* not into a closed engine */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	rlq_engine_close(running);
	if (rc < 0)
		return EXIT_FAILURE;
	log_line(NULL, "ended");
	return EXIT_SUCCESS;
}
