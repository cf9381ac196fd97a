#include "bench/sqs/waking.h"

#include "bench/hist.h"
#include "bench/pair.h"
#include "bench/sqs/accounts.h"
#include "bench/sqs/yardstick.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The receive sleeps on the server for about the gap before each message. */
enum { BLOCK = 200, BLOCKS = 15, GAP_US = 500, WAIT_S = 20 };

static const double LIMIT = 3, P99_MAX_MS = 10;

struct waking {
	const struct place *place;
	struct rlq_queue *queue; /* NULL: sent over HTTP */
	struct target target, yardstick_target;
	struct http receiver, sender, yardstick;
	struct ledger *ledger;
	struct request request, send;
	struct hist *block, *all;
	uint32_t count;
};

static void ask_to_wait(struct waking *waking)
{
	request_receive(&waking->request, &waking->target, 1, WAIT_S);
	http_send(&waking->receiver, waking->request.text, waking->request.bytes);
	usleep(GAP_US);
}

static void delete_one(struct waking *waking, const struct received *received)
{
	struct http_answer answer;

	request_delete(&waking->request, &waking->target, received->handles, 1);
	http_send(&waking->sender, waking->request.text, waking->request.bytes);
	http_await(&waking->sender, &answer);
	answer_deleted(&answer, 1);
}

/* Returns when the message was sent. */
static uint64_t send_one(struct waking *waking)
{
	uint64_t number = ledger_send(waking->ledger, 0), start;
	char body[NUMBER_DIGITS + 1];

	if (waking->queue) {
		snprintf(body, sizeof(body), "%016llx", (unsigned long long)number);
		start = ns_now();
		must(NULL, rlq_send(waking->queue, body, NUMBER_DIGITS, NULL, NULL), "send");
		return start;
	}
	request_send(&waking->send, &waking->target, &number, 1, NUMBER_DIGITS);
	start = ns_now();
	http_send(&waking->sender, waking->send.text, waking->send.bytes);
	return start;
}

static void wake_once(struct waking *waking)
{
	struct http_answer answer;
	struct received received;
	uint64_t start, end;

	ask_to_wait(waking);
	start = send_one(waking);
	http_await(&waking->receiver, &answer);
	end = ns_now();
	answer_received(&answer, &received);
	if (received.count != 1)
		sqs_fail("a receive that waited came back without the message");
	ledger_receive(waking->ledger, received.numbers[0]);
	hist_add(waking->block, end - start);
	if (waking->queue == NULL) {
		http_await(&waking->sender, &answer);
		answer_sent(&answer, 1);
	}
	delete_one(waking, &received);
}

static double block_end(struct waking *waking, struct hist *all)
{
	double p50 = (double)hist_at(waking->block, 0.5);

	if (all)
		hist_merge(all, waking->block);
	hist_clear(waking->block);
	return p50;
}

static double wake_block(struct team *team, uint32_t me, void *context)
{
	struct waking *waking = context;

	(void)team;
	(void)me;
	for (uint32_t i = 0; i < waking->count; i++)
		wake_once(waking);
	return block_end(waking, waking->all);
}

/* The same request, answered at once; and the same sleep before it. */
static double round_trip_block(struct team *team, uint32_t me, void *context)
{
	struct waking *waking = context;

	(void)team;
	(void)me;
	request_receive(&waking->request, &waking->yardstick_target, 1, WAIT_S);
	for (uint32_t i = 0; i < waking->count; i++) {
		struct http_answer answer;
		uint64_t start;

		usleep(GAP_US);
		start = ns_now();
		http_send(&waking->yardstick, waking->request.text, waking->request.bytes);
		http_await(&waking->yardstick, &answer);
		hist_add(waking->block, ns_now() - start);
	}
	return block_end(waking, NULL);
}

struct work {
	struct waking waking;
	struct pair pair;
	const char *queue;
	bool is_native;
	uint16_t port, yardstick_port;
};

static void work_alone(struct team *team, uint32_t me, void *context)
{
	struct work *work = context;
	struct waking *waking = &work->waking;
	struct opened opened = queue_open(team, waking->place, work->queue);

	waking->queue = work->is_native ? opened.queue : NULL;
	http_open(&waking->receiver, work->port);
	http_open(&waking->sender, work->port);
	http_open(&waking->yardstick, work->yardstick_port);
	pair_play(team, me, &work->pair, wake_block, round_trip_block, waking);
	queue_close(&opened);
	accounts_close(waking->ledger, waking->place, work->queue);
}

/* What a receive answers that has found something. */
static void learn(struct yardstick *yardstick, struct waking *waking, uint16_t port)
{
	struct http_answer answer;
	struct received received;

	http_open(&waking->receiver, port);
	http_open(&waking->sender, port);
	waking->queue = NULL;
	send_one(waking);
	http_await(&waking->sender, &answer);
	answer_sent(&answer, 1);
	request_receive(&waking->request, &waking->target, 1, 0);
	http_send(&waking->receiver, waking->request.text, waking->request.bytes);
	http_await(&waking->receiver, &answer);
	answer_received(&answer, &received);
	if (received.count != 1)
		sqs_fail("a message that was sent is not there");
	ledger_receive(waking->ledger, received.numbers[0]);
	yardstick_learn(yardstick, NULL, &answer);
	delete_one(waking, &received);
	http_close(&waking->receiver);
	http_close(&waking->sender);
}

static bool play(struct work *work, const char *p99_name)
{
	double p99_ms;
	bool good = pair_run(&work->pair, 1, work_alone, work);

	hist_print(work->waking.all, work->pair.name);
	p99_ms = (double)hist_at(work->waking.all, 0.99) / 1e6;
	figure_report(p99_name, p99_ms, "ms", "10 ms", p99_ms < P99_MAX_MS);
	ledger_clear(work->waking.ledger);
	hist_clear(work->waking.all);
	return good && (p99_ms < P99_MAX_MS || bench_options.quick);
}

/* Where the servers run, and how the message is sent. */
static const struct row {
	const char *p50, *p99;
	bool is_native, is_bound;
} rows[] = {
	{"wake-up by a native send, p50", "wake-up by a native send, p99", true, false},
	{"wake-up by SendMessage, p50", "wake-up by SendMessage, p99", false, false},
	{"wake-up by a native send, one core, p50", "wake-up by a native send, one core, p99", true, true},
	{"wake-up by SendMessage, one core, p50", "wake-up by SendMessage, one core, p99", false, true},
};

static bool play_rows(struct work *work, const struct program *endpoint, const struct program *yardstick)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int core = rows[i].is_bound ? core_number(0) : -1; /* the client's */

		work->is_native = rows[i].is_native;
		work->pair.name = rows[i].p50;
		if (!bench_wants(work->pair.name))
			continue;
		program_bind(endpoint, core);
		program_bind(yardstick, core);
		good = play(work, rows[i].p99) && good;
	}
	program_bind(endpoint, -1);
	return good;
}

bool waking_play(const struct place *place, const struct program *endpoint, const char *queue)
{
	static struct work work;
	static struct yardstick yardstick;
	struct waking *waking = &work.waking;
	bool good;

	work = (struct work){.queue = queue, .port = endpoint->port};
	waking->place = place;
	waking->count = bench_options.quick ? 10 : BLOCK;
	waking->ledger = shared_memory(sizeof(*waking->ledger));
	waking->block = shared_memory(sizeof(*waking->block));
	waking->all = shared_memory(sizeof(*waking->all));
	if (!waking->ledger || !waking->block || !waking->all)
		sqs_fail("no memory");
	target_set(&waking->target, endpoint->port, JSON, queue);
	learn(&yardstick, waking, endpoint->port);
	yardstick_start(&yardstick);
	work.yardstick_port = yardstick.program.port;
	target_set(&waking->yardstick_target, work.yardstick_port, JSON, queue);
	work.pair = (struct pair){.unit = "us",
				  .scale = 1e-3,
				  .less_is_better = true,
				  .limit = LIMIT,
				  .rounds = bench_options.quick ? 1 : BLOCKS};
	good = play_rows(&work, endpoint, &yardstick.program);
	yardstick_end(&yardstick);
	return good;
}
