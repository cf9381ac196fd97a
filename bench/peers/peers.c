/* Full cycles (send, receive, delete; send and delete acknowledged durably) of `sync` queues against other durable
 * queues on the same disk, in one run: all take turns. The servers are started here and taken down, however it
 * ends. */
#include "bench/pair.h"
#include "bench/peers/peer.h"
#include "bench/peers/server.h"
#include "bench/peers/traffic.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TMPFS = 0x01021994, END_PATIENCE_S = 10, BELOW_MAX = 60, FOLDER_MAX = 96 };

void peer_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

uint64_t body_number(const void *body, size_t bytes)
{
	uint64_t number;

	if (bytes < sizeof(number))
		peer_fail("a body of %zu bytes came", bytes);
	memcpy(&number, body, sizeof(number));
	return number;
}

static const double SECONDS = 0.7, QUICK_SECONDS = 0.02;

/* ---- cases ------------------------------------------------------------------------------------ */

static const struct peer *const peers[] = {&peer_redis_list, &peer_redis_stream, &peer_postgresql,
					   &peer_beanstalkd};
enum { PEERS = sizeof(peers) / sizeof(peers[0]) };

static const struct shape {
	const char *name;
	struct traffic traffic;
	double limit_best, limit[PEERS]; /* 0: none */
} shapes[] = {
	{"batch 1, 128 B", {.batch = 1, .body_bytes = 128}, 2, {0, 0, 0, 10}},
	{"batch 1, piped, 128 B", {.batch = 1, .body_bytes = 128, .is_shared = true}, 0, {0}},
	{"batch 100, 128 B", {.batch = 100, .body_bytes = 128, .is_shared = true}, 5, {0}},
	{"batch 1, 1 KiB", {.batch = 1, .body_bytes = 1024}, 0, {0}},
	{"batch 100, 1 KiB", {.batch = 100, .body_bytes = 1024, .is_shared = true}, 0, {0}},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static const char *why_not[PEERS]; /* NULL: it takes part, where it is asked for */
static double rates[TEAM_SAMPLES][1 + PEERS];

static const char *case_name(const struct shape *shape, const char *against)
{
	static char name[96];

	snprintf(name, sizeof(name), "%s: %s", shape->name, against);
	return name;
}

static bool plays(const struct shape *shape, uint32_t peer)
{
	return !why_not[peer] && bench_wants(case_name(shape, peers[peer]->name));
}

static bool report(struct team *team, const char *name, double limit, double (*yardstick)(const double *rate))
{
	const struct pair pair = {.name = name, .unit = "k/s", .scale = 1e-3, .limit = limit};

	team->sample_count = bench_options.rounds;
	for (uint32_t i = 0; i < team->sample_count; i++)
		team->samples[i] =
			(struct pair_sample){.subject = rates[i][0], .yardstick = yardstick(&rates[i][1])};
	return pair_report(&pair, team);
}

static uint32_t asked;

static double rate_asked(const double *rate)
{
	return rate[asked];
}

static double rate_best(const double *rate)
{
	double best = 0;

	for (uint32_t i = 0; i < PEERS; i++)
		best = rate[i] > best ? rate[i] : best;
	return best;
}

static bool play_shape(struct team *team, const struct shape *shape)
{
	struct traffic traffic = shape->traffic;
	bool good = true;
	uint32_t playing = 0;

	for (uint32_t i = 0; i < PEERS; i++)
		playing += plays(shape, i);
	traffic.seconds = bench_options.quick ? QUICK_SECONDS : SECONDS;
	for (uint32_t round = 0; playing > 0 && round <= bench_options.rounds; round++) {
		double *rate = rates[round ? round - 1 : 0]; /* the first is thrown away */

		rate[0] = traffic_run(&peer_ringlease, &traffic);
		for (uint32_t i = 0; i < PEERS; i++)
			rate[1 + i] = plays(shape, i) ? traffic_run(peers[i], &traffic) : 0;
	}
	for (asked = 0; asked < PEERS; asked++)
		if (plays(shape, asked))
			good = report(team, case_name(shape, peers[asked]->name), shape->limit[asked],
				      rate_asked) &&
			       good;
	if (playing > 1)
		good = report(team, case_name(shape, "the best of them"), shape->limit_best, rate_best) && good;
	return good;
}

static void say(const struct peer *peer, const char *why)
{
	if (bench_options.json && why)
		printf("{\"case\":\"%s\",\"skipped\":\"%s\"}\n", peer->name, why);
	else if (!bench_options.json)
		printf(why ? "  %-12s skipped: %s\n" : "  %-12s %s\n", peer->name, why ? why : peer->pattern);
}

static bool wanted(const struct peer *peer)
{
	for (uint32_t i = 0; i < SHAPES; i++)
		if (bench_wants(case_name(&shapes[i], peer->name)))
			return true;
	return false;
}

static int play_all(void)
{
	struct team *team = team_new(1);
	bool good = true;

	if (!team)
		return 1;
	report_title("full cycles of durable queues, 16 producers and 16 consumers; all on one disk, taking turns");
	for (uint32_t i = 0; i < PEERS; i++) {
		if (!wanted(peers[i]))
			continue;
		why_not[i] = peers[i]->start();
		say(peers[i], why_not[i]);
	}
	peer_ringlease.start();
	for (uint32_t i = 0; i < SHAPES; i++)
		good = play_shape(team, &shapes[i]) && good;
	team_free(team);
	return good ? 0 : 1;
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* All that runs is a descendant of one process, which dies by a signal; the servers die of that, and this one waits
 * for them and takes the folders away. */
static volatile sig_atomic_t stopped;
static pid_t player;

static void stop(int number)
{
	stopped = number;
	kill(player, SIGKILL);
}

static void kill_what_is_left(int number)
{
	(void)number;
	kill(-player, SIGKILL);
}

static void make_folder(char *ret_folder, const char *variable, const char *otherwise, bool is_on_disk)
{
	const char *below = getenv(variable) ? getenv(variable) : otherwise;
	struct statfs place;

	if (strlen(below) > BELOW_MAX)
		peer_fail("%s: %s is too long for the sockets below it: at most %d characters", variable, below,
			  BELOW_MAX);
	snprintf(ret_folder, FOLDER_MAX, "%s/ringlease-peers.XXXXXX", below);
	if (is_on_disk && statfs(below, &place) == 0 && place.f_type == TMPFS)
		peer_fail("%s is in memory: set %s to a folder on a disk", below, variable);
	if (!mkdtemp(ret_folder) || chmod(ret_folder, 0711) != 0)
		peer_fail("%s: %m", ret_folder);
	setenv(variable, ret_folder, 1);
}

static void remove_folder(const char *folder)
{
	char command[FOLDER_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", folder);
}

static int await_all(void)
{
	const struct sigaction patience = {.sa_handler = kill_what_is_left};
	int status = 0, of_any;
	pid_t pid;

	while (waitpid(player, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGALRM, &patience, NULL);
	alarm(END_PATIENCE_S);
	do
		pid = waitpid(-1, &of_any, 0);
	while (pid > 0 || errno == EINTR);
	alarm(0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void start_player(const char *data, const sigset_t *signals)
{
	player = fork();
	if (player < 0)
		peer_fail("fork: %m");
	setpgid(player, player);
	if (player > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, signals, NULL);
	servers_below(data);
	exit(play_all());
}

int main(int argc, char **argv)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction action = {.sa_handler = stop};
	char data[FOLDER_MAX], memory[FOLDER_MAX];
	sigset_t set, before;
	int result;

	bench_start(argc, argv);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	make_folder(data, "BENCH_DATA", "/var/tmp", true);
	make_folder(memory, "BENCH_DIR", "/dev/shm", false);
	fflush(NULL);
	start_player(data, &before);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	result = await_all();
	remove_folder(data);
	remove_folder(memory);
	return stopped ? 128 + stopped : result;
}
