/* Waking a consumer that sleeps in rlq_receive(), against a bare futex wake between the same two
 * processes: from the moment before the send (the store and FUTEX_WAKE) to the return in the consumer.
 * Blocks alternate; in each the consumer has slept for about GAP_NS before every message. */
#include "bench/hist.h"
#include "bench/pair.h"
#include "bench/queue.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GAP_NS = 100000, BLOCK = 500, BLOCKS = 24 };

/* Shared by the two processes. */
struct board {
	_Alignas(128) _Atomic uint32_t word; /* the futex: number of the latest message */
	_Alignas(128) _Atomic uint64_t sent_ns;
	_Alignas(128) _Atomic uint32_t ready; /* messages that the consumer has asked for */
	struct hist block, queue_all, futex_all;
};

struct task {
	struct place place;
	struct board *board;
	struct rlq_queue *queue;
	double share; /* the percentile that the pair compares */
	uint32_t count;
	uint32_t done; /* messages so far, in step in both processes */
};

/* Until the consumer has gone to sleep: it said that it is about to, then some time. */
static void await_sleeper(struct team *team, const struct task *task, uint32_t number)
{
	uint32_t spins = 0;
	uint64_t start;

	while (task->board->ready != number)
		wait_a_little(team, &spins);
	start = ns_now();
	while (ns_now() - start < GAP_NS)
		wait_a_little(team, &spins);
}

static double block_end(struct team *team, uint32_t me, struct task *task, struct hist *all)
{
	double value;

	team_meet(team);
	value = (double)hist_at(&task->board->block, task->share);
	if (me == 1)
		hist_merge(all, &task->board->block);
	team_meet(team);
	if (me == 1)
		hist_clear(&task->board->block);
	team_meet(team);
	return value;
}

static void queue_send(struct team *team, struct task *task)
{
	uint64_t now = ns_now();

	must(team, rlq_send(task->queue, &now, sizeof(now), NULL, NULL), "send");
}

static void queue_receive(struct team *team, struct task *task)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	uint64_t sent_ns, now;

	options.wait_ms = 10000;
	if (must(team, rlq_receive(task->queue, &message, 1, &options), "receive") != 1)
		team_fail(team, "a wake-up was lost");
	now = ns_now();
	memcpy(&sent_ns, message.body, sizeof(sent_ns));
	hist_add(&task->board->block, now - sent_ns);
	must(team, rlq_delete(task->queue, &message.receipt), "delete");
}

static double queue_block(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;

	for (uint32_t i = 0; i < task->count; i++) {
		uint32_t number = ++task->done;

		if (me == 0) {
			await_sleeper(team, task, number);
			queue_send(team, task);
		} else {
			task->board->ready = number;
			queue_receive(team, task);
		}
	}
	return block_end(team, me, task, &task->board->queue_all);
}

static void futex_send(struct board *board, uint32_t number)
{
	board->sent_ns = ns_now();
	board->word = number;
	syscall(SYS_futex, &board->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_receive(struct board *board, uint32_t number)
{
	while (board->word != number)
		syscall(SYS_futex, &board->word, FUTEX_WAIT, number - 1, NULL, NULL, 0);
	hist_add(&board->block, ns_now() - board->sent_ns);
}

static double futex_block(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;

	/* Both know the number before this block; the word follows it. */
	task->board->word = task->done;
	team_meet(team);
	for (uint32_t i = 0; i < task->count; i++) {
		uint32_t number = ++task->done;

		if (me == 0) {
			await_sleeper(team, task, number);
			futex_send(task->board, number);
		} else {
			task->board->ready = number;
			futex_receive(task->board, number);
		}
	}
	return block_end(team, me, task, &task->board->futex_all);
}

struct work {
	struct task task;
	struct pair pair;
};

static void work(struct team *team, uint32_t me, void *context)
{
	struct work *work = context;
	struct opened opened = queue_open(team, &work->task.place, "bench");

	work->task.queue = opened.queue;
	pair_play(team, me, &work->pair, queue_block, futex_block, &work->task);
	queue_close(&opened);
}

static bool play(const struct place *place, const char *name, double share)
{
	if (!bench_wants(name))
		return true;
	struct work w = {
		.task = {.place = *place, .share = share, .count = bench_options.quick ? 50 : BLOCK},
		.pair = {.name = name,
			 .unit = "us",
			 .scale = 1e-3,
			 .less_is_better = true,
			 .limit = 1.3,
			 .rounds = bench_options.quick ? 1 : BLOCKS},
	};
	bool good;

	w.task.board = shared_memory(sizeof(*w.task.board));
	if (!w.task.board)
		return false;
	good = pair_run(&w.pair, 2, work, &w);
	hist_print(&w.task.board->queue_all, "sleeping consumer");
	hist_print(&w.task.board->futex_all, "bare futex");
	return good;
}

int main(int argc, char **argv)
{
	struct place place;
	bool good;

	bench_start(argc, argv);
	report_title("wake-up of a sleeping consumer against a bare futex wake (blocks of 500, alternating)");
	place_open(&place, true);
	place_queue(&place, "bench", 896, 30000);
	good = play(&place, "wake-up p50", 0.5);
	good = play(&place, "wake-up p99", 0.99) && good;
	place_close(&place);
	return good ? 0 : 1;
}
