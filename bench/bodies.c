/* 1 MiB bodies. Copying calls against the same two copies through bare shared buffers; the calls
 * without a copy against the copying ones, where the producer fills each body once and the consumer
 * checksums it once in both. Once with one body under way at a time, which shows what each call costs,
 * and once with up to eight, where the two processes work at the same time. All pages are touched
 * before. */
#include "bench/pair.h"
#include "bench/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1 << 20, DEPTH_MAX = 8 };

/* The yardstick: buffers handed over by a flag each. */
struct buffers {
	struct {
		_Alignas(128) _Atomic uint32_t full;
	} flag[DEPTH_MAX];
	_Alignas(4096) unsigned char data[DEPTH_MAX][BYTES];
};

/* What is done with each body beside moving it. */
enum work {
	WORK_NONE,   /* only its number is written and read */
	WORK_MEMSET, /* filled by memset(), summed */
	WORK_STORES, /* filled by a loop of 8-byte stores, summed */
};

struct task {
	struct place place;
	struct pair pair;
	const char *queue_name;
	struct rlq_queue *queue;
	struct buffers *buffers;
	unsigned char *own;    /* this process's private body */
	uint32_t count, depth; /* bodies a run, and under way at most */
	enum work work;
	pair_half *subject, *yardstick;
};

static uint64_t pattern_of(uint64_t number)
{
	return (number & 0xff) * UINT64_C(0x0101010101010101);
}

/* The body's number, then its pattern. */
static void make_body(const struct task *task, void *body, uint64_t number)
{
	volatile uint64_t *word = body;

	if (task->work == WORK_MEMSET)
		memset(body, (int)(number & 0xff), BYTES);
	for (size_t i = 1; task->work == WORK_STORES && i < BYTES / sizeof(*word); i++)
		word[i] = pattern_of(number);
	memcpy(body, &number, sizeof(number));
}

static void check(struct team *team, const void *body, uint64_t number)
{
	const uint64_t *word = body;
	uint64_t sum = 0, words = BYTES / sizeof(*word);

	for (size_t i = 0; i < words; i++)
		sum += word[i];
	if (sum != number + (words - 1) * pattern_of(number))
		team_fail(team, "body %llu has a wrong sum", (unsigned long long)number);
}

/* Returns the body's number. A queue may hand out a body that was long in writing after later ones. */
static uint64_t read_body(struct team *team, const struct task *task, const void *body)
{
	uint64_t number;

	memcpy(&number, body, sizeof(number));
	if (task->work != WORK_NONE)
		check(team, body, number);
	return number;
}

/* ---- four ways to move one body --------------------------------------------------------------- */

/* Returns the number of the body that came; 0 from a producer. */
typedef uint64_t step(struct team *team, struct task *task, uint64_t number);

static uint64_t send_copy(struct team *team, struct task *task, uint64_t number)
{
	uint32_t spins = 0;
	int result;

	make_body(task, task->own, number);
	while ((result = rlq_send(task->queue, task->own, BYTES, NULL, NULL)) == RLQ_EFULL)
		wait_a_little(team, &spins);
	must(team, result, "send");
	return 0;
}

static uint64_t receive(struct team *team, struct task *task, uint32_t flags)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	uint32_t spins = 0;
	uint64_t number;

	options.flags = flags;
	while (must(team, rlq_receive(task->queue, &message, 1, &options), "receive") == 0)
		wait_a_little(team, &spins);
	number = read_body(team, task, message.body);
	must(team, rlq_delete(task->queue, &message.receipt), "delete");
	return number;
}

static uint64_t receive_copy(struct team *team, struct task *task, uint64_t number)
{
	(void)number;
	return receive(team, task, 0);
}

static uint64_t send_in_place(struct team *team, struct task *task, uint64_t number)
{
	struct rlq_reservation reservation;
	uint32_t spins = 0;
	int result;

	while ((result = rlq_reserve(task->queue, BYTES, NULL, &reservation)) == RLQ_EFULL)
		wait_a_little(team, &spins);
	must(team, result, "reserve");
	make_body(task, reservation.body, number);
	must(team, rlq_publish(task->queue, &reservation, NULL), "publish");
	return 0;
}

static uint64_t receive_in_place(struct team *team, struct task *task, uint64_t number)
{
	(void)number;
	return receive(team, task, RLQ_RECEIVE_IN_PLACE);
}

static uint64_t buffer_put(struct team *team, struct task *task, uint64_t number)
{
	uint64_t at = number % task->depth;
	uint32_t spins = 0;

	make_body(task, task->own, number);
	while (task->buffers->flag[at].full)
		wait_a_little(team, &spins);
	memcpy(task->buffers->data[at], task->own, BYTES);
	task->buffers->flag[at].full = 1;
	return 0;
}

static uint64_t buffer_get(struct team *team, struct task *task, uint64_t number)
{
	uint64_t at = number % task->depth;
	uint32_t spins = 0;

	while (!task->buffers->flag[at].full)
		wait_a_little(team, &spins);
	memcpy(task->own, task->buffers->data[at], BYTES);
	task->buffers->flag[at].full = 0;
	return read_body(team, task, task->own);
}

/* ---- runs ------------------------------------------------------------------------------------- */

static double run(struct team *team, uint32_t me, struct task *task, step *put, step *get)
{
	uint64_t sum = 0;
	double rate;

	team_meet(team);
	team->member[me].start = seconds_now();
	for (uint64_t i = 0; i < task->count; i++)
		sum += (me == 0 ? put : get)(team, task, i);
	team->member[me].end = seconds_now();
	if (me == 1 && sum != (uint64_t)task->count * (task->count - 1) / 2)
		team_fail(team, "bodies were lost or doubled");
	team_meet(team);
	rate = (double)task->count * BYTES / team_elapsed(team);
	team_meet(team);
	return rate;
}

static double copying(struct team *team, uint32_t me, void *task)
{
	return run(team, me, task, send_copy, receive_copy);
}

static double in_place(struct team *team, uint32_t me, void *task)
{
	return run(team, me, task, send_in_place, receive_in_place);
}

static double bare(struct team *team, uint32_t me, void *task)
{
	return run(team, me, task, buffer_put, buffer_get);
}

static void play_in_member(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	struct opened opened = queue_open(team, &task->place, task->queue_name);

	task->queue = opened.queue;
	task->own = malloc(BYTES);
	if (!task->own)
		team_fail(team, "no memory");
	memset(task->own, 1, BYTES);
	touch(task->buffers, sizeof(*task->buffers));
	pair_play(team, me, &task->pair, task->subject, task->yardstick, task);
	free(task->own);
	queue_close(&opened);
}

static bool play(struct task *task, const char *what, enum work work, pair_half *subject, pair_half *yardstick,
		 double limit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %u under way", what, task->depth);
	if (!bench_wants(name))
		return true;
	task->pair = (struct pair){
		.name = name, .unit = "GB/s", .scale = 1e-9, .limit = limit, .rounds = bench_options.rounds};
	task->work = work;
	task->subject = subject;
	task->yardstick = yardstick;
	return pair_run(&task->pair, 2, play_in_member, task);
}

static bool play_depth(struct task *task, uint32_t depth)
{
	bool good, is_asked = depth > 1;

	task->depth = depth;
	task->queue_name = depth == 1 ? "one" : "eight";
	place_queue(&task->place, task->queue_name, depth, 30000);
	good = play(task, "copying / 2 memcpys", WORK_NONE, copying, bare, 0.8);
	good = play(task, "in place / copying, memset", WORK_MEMSET, in_place, copying, is_asked ? 1.5 : 0) && good;
	return play(task, "in place / copying, stores", WORK_STORES, in_place, copying, 0) && good;
}

int main(int argc, char **argv)
{
	struct task task = {.buffers = shared_memory(sizeof(struct buffers))};
	bool good;

	bench_start(argc, argv);
	if (!task.buffers)
		return 1;
	task.count = bench_options.quick ? 20 : 1000;
	report_title("1 MiB bodies, one producer, one consumer; fill and sum each body in the last two");
	place_open(&task.place, true);
	good = play_depth(&task, DEPTH_MAX);
	good = play_depth(&task, 1) && good;
	place_close(&task.place);
	return good ? 0 : 1;
}
