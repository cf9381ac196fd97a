/* A team of processes: forked, each pinned to a core, in step by a spinning barrier.
 *
 * Member i runs on the i-th core that the process may use, going round: members 0 and 1 always sit
 * on different cores where there are two. All share one control page.
 */
#ifndef BENCH_TEAM_H
#define BENCH_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEAM_MAX = 8, TEAM_SAMPLES = 64 };

/* One alternating pair: the subject, the yardstick, and the state of the host around them. */
struct pair_sample {
	double subject, yardstick;	/* in the unit of the case, e.g. messages per second */
	double ping_before, ping_after; /* one-way ns of a cache line */
};

struct team_member {
	_Alignas(128) double start, end; /* seconds */
	uint64_t sum;			 /* for the accounting */
};

struct team {
	_Alignas(128) _Atomic uint32_t arrived;
	_Alignas(128) _Atomic uint32_t turn;
	_Atomic uint32_t failed;
	_Alignas(128) _Atomic uint64_t ball;
	uint32_t members;
	uint32_t sample_count;
	struct pair_sample samples[TEAM_SAMPLES];
	struct team_member member[TEAM_MAX];
	double ping_ns;
	int pid[TEAM_MAX];
};

/* NULL if there is no memory. */
struct team *team_new(uint32_t members);
void team_free(struct team *team);

/* Forks the members, runs `work` in each and waits for all. False if one failed or died. */
bool team_run(struct team *team, void (*work)(struct team *team, uint32_t me, void *context), void *context);

/* All members meet here. Ends the process if another member failed. */
void team_meet(struct team *team);

/* Prints why, tells the others, ends this member. */
__attribute__((noreturn, format(printf, 2, 3))) void team_fail(struct team *team, const char *format, ...);

/* The mean one-way time of a cache line between members 0 and 1, in ns; all members call it and all
 * but 0 and 1 just wait. Every member gets the answer of member 0. */
double team_ping(struct team *team, uint32_t me);

/* Seconds from the first start to the last end, after all have met. */
double team_elapsed(const struct team *team);

/* Cores this process may use; pins the caller to the `index`-th of them, going round. */
uint32_t cores_usable(void);
void core_pin(uint32_t index);
int core_number(uint32_t index);

double seconds_now(void);
uint64_t ns_now(void);

/* The cheapest clock that both cores share: the time-stamp counter where there is one. */
static inline uint64_t ticks_now(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return ns_now();
#endif
}

/* A wait of a loop that found nothing: spins, and gives the core away where members share one. */
void wait_a_little(const struct team *team, uint32_t *spins);

/* Zeroed memory shared with children, touched. NULL if there is none. */
void *shared_memory(size_t bytes);
/* Faults a range in for this process, so that no measured access is the first. */
void touch(const volatile void *memory, size_t bytes);

#endif
