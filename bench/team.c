#include "bench/team.h"

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PING_ROUNDS = 2000, SPINS_BEFORE_YIELD = 256 };

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

uint64_t ns_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double seconds_now(void)
{
	return (double)ns_now() / 1e9;
}

/* ---- cores ------------------------------------------------------------------------------------ */

/* As the process was started; a pinned member still needs the whole set. */
static const cpu_set_t *usable_set(void)
{
	static cpu_set_t set;
	static bool known;

	if (!known) {
		CPU_ZERO(&set);
		sched_getaffinity(0, sizeof(set), &set);
		known = true;
	}
	return &set;
}

uint32_t cores_usable(void)
{
	int count = CPU_COUNT(usable_set());

	return count > 0 ? (uint32_t)count : 1;
}

int core_number(uint32_t index)
{
	uint32_t left = index % cores_usable();

	for (int core = 0; core < CPU_SETSIZE; core++) {
		if (CPU_ISSET((size_t)core, usable_set()) && left-- == 0)
			return core;
	}
	return 0;
}

void core_pin(uint32_t index)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core_number(index), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- memory ----------------------------------------------------------------------------------- */

void touch(const volatile void *memory, size_t bytes)
{
	const volatile unsigned char *at = memory;

	for (size_t i = 0; i < bytes; i += 4096)
		(void)at[i];
}

void *shared_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* ---- members ---------------------------------------------------------------------------------- */

struct team *team_new(uint32_t members)
{
	struct team *team = shared_memory(sizeof(*team));

	cores_usable();
	if (team)
		team->members = members;
	return team;
}

void team_free(struct team *team)
{
	if (team)
		munmap(team, sizeof(*team));
}

void team_fail(struct team *team, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	team->failed = 1;
	_exit(1);
}

static void member_start(struct team *team, uint32_t me, void (*work)(struct team *, uint32_t, void *),
			 void *context)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	core_pin(me);
	work(team, me, context);
	fflush(NULL);
	_exit(0);
}

/* Waits for one member; the others are told when it died. */
static bool member_wait(struct team *team)
{
	int status = 0;

	if (wait(&status) < 0)
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status))
		fprintf(stderr, "a member of the team died of signal %d\n", WTERMSIG(status));
	team->failed = 1;
	return false;
}

bool team_run(struct team *team, void (*work)(struct team *, uint32_t, void *), void *context)
{
	uint32_t started = 0;
	bool good = true;

	fflush(NULL);
	for (; started < team->members; started++) {
		team->pid[started] = fork();
		if (team->pid[started] == 0)
			member_start(team, started, work, context);
		if (team->pid[started] < 0) {
			team->failed = 1;
			good = false;
			break;
		}
	}
	for (uint32_t i = 0; i < started; i++)
		good = member_wait(team) && good;
	return good && !team->failed;
}

static void end_if_failed(const struct team *team)
{
	if (team->failed)
		_exit(1);
}

void wait_a_little(const struct team *team, uint32_t *spins)
{
	relax();
	if (++*spins < SPINS_BEFORE_YIELD)
		return;
	*spins = 0;
	end_if_failed(team);
	if (team->members > cores_usable())
		sched_yield();
}

static void meet(struct team *team, bool asleep)
{
	uint32_t turn = team->turn, spins = 0;

	if (team->arrived++ + 1 == team->members) {
		team->arrived = 0;
		team->turn = turn + 1;
		return;
	}
	while (team->turn == turn) {
		if (asleep)
			usleep(100);
		wait_a_little(team, &spins);
	}
}

void team_meet(struct team *team)
{
	meet(team, false);
}

double team_elapsed(const struct team *team)
{
	double start = team->member[0].start, end = team->member[0].end;

	for (uint32_t i = 1; i < team->members; i++) {
		const struct team_member *member = &team->member[i];

		start = member->start < start ? member->start : start;
		end = member->end > end ? member->end : end;
	}
	return end - start;
}

/* ---- ping-pong -------------------------------------------------------------------------------- */

/* Even values are member 0's turn, odd ones member 1's. */
static double ping(struct team *team, uint32_t me)
{
	uint64_t start = ns_now();

	for (uint64_t i = 0; i < PING_ROUNDS; i++) {
		uint32_t spins = 0;

		while (atomic_load_explicit(&team->ball, memory_order_acquire) != 2 * i + me)
			wait_a_little(team, &spins);
		atomic_store_explicit(&team->ball, 2 * i + me + 1, memory_order_release);
	}
	return (double)(ns_now() - start) / (2.0 * PING_ROUNDS);
}

double team_ping(struct team *team, uint32_t me)
{
	bool plays = me < 2;

	if (team->members < 2 || cores_usable() < 2)
		return 0;
	if (me == 0)
		team->ball = 0;
	meet(team, !plays);
	if (plays) {
		double ns = ping(team, me);

		if (me == 0)
			team->ping_ns = ns;
	}
	meet(team, !plays);
	return team->ping_ns;
}
