/* Who enters a call says with which rings, who retires a ring looks at that ([V1], [V2]): one of the two must
 * see the other, by the kernel's barrier or, where that cannot reach a process, by its own fence. Two threads
 * race through the real seg_enter() for a while; cold stores before it keep its own in the store buffer, or
 * the race could hardly be lost. And what becomes of queues when nobody can raise a barrier.
 *
 * barriers [WORD...]; only the cases whose names contain one. */
#include "tests/support/barriers.h"
#include "client/internal.h"
#include "kmod-free/barrier.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/sanitizer.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	RACE_MS = 400,
	LOST_RACE_MS = 3000, /* by then one is lost, most often within the first few */
	COLD_STORES = 24,
	COLD_BYTES = 64 << 20,
	LINE_BYTES = 64,
	PAUSES_MAX = 64,
	LOOKS_PER_YIELD = 1000,
	CAPACITY = 20000,
};

/* ---- the race --------------------------------------------------------------------------------- */

static struct rlq_queue *queue;
static volatile unsigned char *cold;
static atomic_uint round_begun, entered, looked;
static atomic_bool is_over;
static _Atomic uint64_t worked_with;

/* To the nth core of those that we may use, lest both share one, where nothing can be lost. */
static void pin_to(int nth)
{
	cpu_set_t all, one;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nth-- == 0)
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void pause_for(uint32_t count)
{
	while (count-- > 0)
		cpu_relax();
}

/* Spins, as the race is lost by nanoseconds; but gives way if the other seems to have no core. */
static void await_other(uint32_t looks)
{
	if (looks % LOOKS_PER_YIELD == 0)
		sched_yield();
	else
		cpu_relax();
}

static void await_round(const atomic_uint *what, unsigned round)
{
	for (uint32_t looks = 1; atomic_load(what) != round && !atomic_load(&is_over); looks++)
		await_other(looks);
}

/* Enters a call in each round, and stays in it until the other has looked. */
static void *enter_calls(void *unused)
{
	struct segment *segment = queue->seg;
	uint64_t random = 1, at = 0;

	(void)unused;
	pin_to(0);
	for (unsigned round = 1; !atomic_load(&is_over); round++) {
		seg_enter(segment); /* no longer behind */
		seg_leave(segment);
		atomic_store(&entered, round);
		await_round(&round_begun, round);
		random = random * 6364136223846793005u + 1442695040888963407u;
		pause_for((uint32_t)(random >> 40) % PAUSES_MAX);
		for (int i = 0; i < COLD_STORES; i++, at += 97 * LINE_BYTES)
			cold[at % COLD_BYTES] = 1;
		seg_enter(segment);
		atomic_store(&worked_with, segment->rings);
		await_round(&looked, round);
		seg_leave(segment);
	}
	return NULL;
}

/* Changes the list in each round, raises a barrier and asks whether the other works with the old one. True if
 * it does and is not seen. */
static bool is_missed(unsigned round)
{
	struct segment *segment = queue->seg;
	uint64_t old = load_seq(&segment->header->rings), view;
	uint64_t new = rings_make(rings_count(old), rings_version(old) + 1, (uint32_t)old);

	atomic_store(&worked_with, 0);
	atomic_store(&round_begun, round);
	pause_for(PAUSES_MAX / 2);
	cas_seq(&segment->header->rings, old, new);
	CHECK(os_barrier_everywhere());
	view = load_seq(&segment->me->view);
	for (uint32_t looks = 1; atomic_load(&worked_with) == 0; looks++)
		await_other(looks);
	atomic_store(&looked, round);
	return view != old && atomic_load(&worked_with) == old;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Was the one who entered always seen, as long as that? */
static bool race(enum barriers barriers, bool has_fence, uint64_t most_ms)
{
	bool missed = false;
	unsigned round;
	uint64_t end_ms;
	pthread_t other;

	if (UNDER_THREAD_SANITIZER)
		case_skip("ThreadSanitizer is too slow to lose such a race");
	barriers_set(barriers);
	if (!os_barrier_everywhere())
		case_skip("membarrier is refused here");
	queues_begin();
	queue = queue_of("q", 1000);
	CHECK_EQ(queue->seg->needs_fence, barriers != BARRIERS_OF_KERNEL);
	queue->seg->needs_fence = has_fence;
	cold = calloc(1, COLD_BYTES);
	CHECK(cold != NULL);
	CHECK_EQ(pthread_create(&other, NULL, enter_calls, NULL), 0);
	pin_to(1);
	end_ms = now_ms() + most_ms;
	for (round = 1; !missed && now_ms() < end_ms; round++) {
		await_round(&entered, round);
		missed = is_missed(round);
	}
	atomic_store(&is_over, true);
	pthread_join(other, NULL);
	free((void *)(uintptr_t)cold);
	queues_end();
	printf("      %u calls, %s\n", round - 1, missed ? "of which the last was not seen" : "all seen");
	return !missed;
}

CASE(who_enters_a_call_is_seen_by_the_kernels_barrier)
{
	CHECK(race(BARRIERS_OF_KERNEL, false, RACE_MS));
}

CASE(who_enters_a_call_is_seen_by_its_fence_where_no_barrier_reaches_it)
{
	CHECK(race(BARRIERS_BY_FENCES, true, RACE_MS));
}

/* Or the two above would prove nothing: they pass on a machine that keeps all in order anyway. */
CASE(who_enters_a_call_without_either_may_be_missed)
{
	if (race(BARRIERS_BY_FENCES, false, LOST_RACE_MS))
		case_skip("no race was lost here");
}

/* ---- no barrier at all ------------------------------------------------------------------------ */

/* To the last message, of which some need a block; then takes all out. */
static void fill_and_drain(uint64_t capacity)
{
	static const char body[300];
	struct rlq_message messages[64];
	uint64_t sent = 0;
	int error, count;

	while ((error = rlq_send(queue, body, sent % 50 ? 8 : sizeof(body), NULL, NULL)) == 0)
		sent++;
	CHECK_EQ(error, RLQ_EFULL);
	CHECK_EQ(sent, capacity);
	while ((count = receive_now(queue, messages, 64)) > 0) {
		for (int i = 0; i < count; i++)
			CHECK_EQ(rlq_delete(queue, &messages[i].receipt), 0);
		sent -= (uint64_t)count;
	}
	CHECK_EQ(sent, 0);
}

static void sweep_often(void)
{
	for (int i = 0; i < 10; i++) {
		time_passes(SWEEP_MS);
		sweep_now(queue);
	}
}

/* Memory is not given back while it cannot be known that nobody reads there; all else goes on, also the next
 * growth. The first who can raise a barrier gives it back. */
CASE(a_queue_keeps_its_rings_while_nobody_can_raise_a_barrier)
{
	uint32_t rings;

	barriers_set(BARRIERS_REFUSED);
	queues_begin();
	queue = queue_of("q", CAPACITY);
	for (int i = 0; i < 5; i++) {
		fill_and_drain(CAPACITY);
		sweep_often();
	}
	rings = stat_of(queue).rings;
	CHECK(rings > 1);
	CHECK(stat_of(queue).memory_bytes > CAPACITY * sizeof(struct slot));
	CHECK_EQ(faults_of("q"), 0);
	barriers_set(BARRIERS_OF_KERNEL);
	if (!os_barrier_everywhere()) {
		queues_end();
		case_skip("membarrier is refused here");
	}
	sweep_often();
	CHECK_EQ(stat_of(queue).rings, 1);
	CHECK(stat_of(queue).memory_bytes < CAPACITY * sizeof(struct slot) / 4);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
