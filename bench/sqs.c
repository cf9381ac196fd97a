/* ringlease-sqs in a process of its own against a handler on the same libmicrohttpd, set up the same way, that
 * answers the same requests with what ringlease-sqs has answered to one of them: what HTTP costs here. Both are
 * asked by the same processes, in turn. */
#include "bench/pair.h"
#include "bench/queue.h"
#include "bench/sqs/accounts.h"
#include "bench/sqs/polls.h"
#include "bench/sqs/traffic.h"
#include "bench/sqs/waking.h"
#include "bench/sqs/yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_ORDER = 20, POLLS = 1000, POLLS_QUICK = 50, POLL_QUEUES = 20, STARTS = 21, STARTS_QUICK = 3 };

static const double SECONDS = 0.5, QUICK_SECONDS = 0.02;
static const char queue_name[] = "bench";

static const struct row {
	const char *name;
	enum traffic_kind kind;
	enum protocol protocol;
	uint32_t batch, body_bytes;
	double limit;
} rows[] = {
	{"SendMessage, 64 B", TRAFFIC_SEND, JSON, 1, 64, 0.6},
	{"SendMessage, 1 KiB", TRAFFIC_SEND, JSON, 1, 1024, 0.6},
	{"SendMessage, 64 B, Query and XML", TRAFFIC_SEND, QUERY, 1, 64, 0.6},
	{"ReceiveMessage + DeleteMessage, 64 B", TRAFFIC_TAKE, JSON, 1, 64, 0.6},
	{"SendMessageBatch of 10, 64 B", TRAFFIC_SEND, JSON, 10, 64, 0.6},
	{"ReceiveMessage + DeleteMessageBatch of 10", TRAFFIC_TAKE, JSON, 10, 64, 0.6},
};

/* Processor time of a server, user and system, in all runs of a row. */
struct cost {
	double seconds, messages;
};
enum { SUBJECT, YARDSTICK, SIDES };

/* What all members of a team know. */
struct task {
	struct cost *costs; /* of both sides; shared */
	const struct place *place;
	const struct program *endpoint;
	const struct row *row;
	struct ledger *ledger;
	struct yardstick *yardstick;
	struct pair pair;
	struct polls polls;
};

/* ---- one half ------------------------------------------------------------------------------------- */

static double half_seconds(void)
{
	return bench_options.quick ? QUICK_SECONDS : SECONDS;
}

static struct traffic traffic_of(const struct task *task, const struct team *team, uint32_t me, uint16_t port)
{
	struct traffic traffic = {.kind = task->row->kind,
				  .batch = task->row->batch,
				  .body_bytes = task->row->body_bytes,
				  .connections = TRAFFIC_CONNECTIONS / team->members,
				  .me = me};

	target_set(&traffic.target, port, task->row->protocol, queue_name);
	return traffic;
}

struct started {
	struct team *team;
	const struct program *server;
	double cpu_seconds;
};

static void start_together(struct traffic *traffic, void *context)
{
	struct started *started = context;
	struct team *team = started->team;

	team_meet(team);
	started->cpu_seconds = program_cpu_seconds(started->server);
	team->member[traffic->me].start = seconds_now();
	traffic->end = team->member[traffic->me].start + half_seconds();
}

static double run(struct team *team, struct traffic *traffic, const struct program *server, struct cost *cost)
{
	struct started started = {.team = team, .server = server};
	struct traffic_tally tally = traffic_run(traffic, start_together, &started);
	uint64_t messages = 0;

	team->member[traffic->me].end = tally.end;
	team->member[traffic->me].sum = tally.messages;
	team_meet(team);
	for (uint32_t i = 0; i < team->members; i++)
		messages += team->member[i].sum;
	if (traffic->me == 0) {
		cost->seconds += program_cpu_seconds(server) - started.cpu_seconds;
		cost->messages += (double)messages;
	}
	return (double)messages / team_elapsed(team);
}

/* More than can be taken in the time. */
static void fill(const struct traffic *like, uint32_t members)
{
	struct traffic traffic = *like;

	traffic.kind = TRAFFIC_SEND;
	traffic.batch = BATCH_MAX;
	traffic.end = 0;
	traffic.messages_max = (bench_options.quick ? 2000 : like->batch == 1 ? 60000 : 240000) / members;
	traffic_run(&traffic, NULL, NULL);
}

static double ask_endpoint(struct team *team, uint32_t me, const struct task *task)
{
	struct traffic traffic = traffic_of(task, team, me, task->endpoint->port);
	double rate;

	traffic.ledger = task->ledger;
	if (traffic.kind == TRAFFIC_TAKE)
		fill(&traffic, team->members);
	rate = run(team, &traffic, task->endpoint, &task->costs[SUBJECT]);
	if (me == 0) {
		accounts_close(task->ledger, task->place, queue_name);
		ledger_clear(task->ledger);
	}
	team_meet(team);
	return rate;
}

static double endpoint_half(struct team *team, uint32_t me, void *context)
{
	return ask_endpoint(team, me, context);
}

static double yardstick_half(struct team *team, uint32_t me, void *context)
{
	const struct task *task = context;
	struct traffic traffic = traffic_of(task, team, me, task->yardstick->program.port);

	return run(team, &traffic, &task->yardstick->program, &task->costs[YARDSTICK]);
}

static void pair_work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;

	pair_play(team, me, &task->pair, endpoint_half, yardstick_half, task);
}

/* ---- the yardstick's answers ---------------------------------------------------------------------- */

static void ask(struct http *http, const struct request *request, struct http_answer *ret_answer)
{
	http_send(http, request->text, request->bytes);
	http_await(http, ret_answer);
}

/* One cycle of the row's requests: the yardstick answers as ringlease-sqs does now. */
static void learn(const struct task *task)
{
	const struct row *row = task->row;
	struct request *request = malloc(sizeof(*request));
	uint64_t numbers[BATCH_MAX];
	struct http_answer answer;
	struct received received;
	struct target target;
	struct http http;

	if (request == NULL)
		sqs_fail("no memory");
	for (uint32_t i = 0; i < row->batch; i++)
		numbers[i] = ledger_send(task->ledger, 0);
	target_set(&target, task->endpoint->port, row->protocol, queue_name);
	http_open(&http, target.port);
	request_send(request, &target, numbers, row->batch, row->body_bytes);
	ask(&http, request, &answer);
	answer_sent(&answer, row->batch);
	yardstick_learn(task->yardstick, row->kind == TRAFFIC_SEND ? NULL : "SendMessage", &answer);
	target.protocol = JSON;
	request_receive(request, &target, row->batch, 0);
	ask(&http, request, &answer);
	answer_received(&answer, &received);
	if (received.count != row->batch)
		sqs_fail("%u of %u messages came", received.count, row->batch);
	yardstick_learn(task->yardstick, "ReceiveMessage", &answer);
	request_delete(request, &target, received.handles, received.count);
	ask(&http, request, &answer);
	answer_deleted(&answer, received.count);
	yardstick_learn(task->yardstick, row->batch == 1 ? "DeleteMessage" : "DeleteMessageBatch", &answer);
	http_close(&http);
	free(request);
	ledger_clear(task->ledger);
}

static uint32_t members(void)
{
	uint32_t count = 2;

	while (count * 2 <= cores_usable() && count * 2 <= TEAM_MAX)
		count *= 2;
	return count;
}

/* Load of the machine changes it less than a rate. */
static void report_cost(struct task *task)
{
	double us[SIDES];

	for (int i = 0; i < SIDES; i++)
		us[i] = task->costs[i].messages > 0 ? 1e6 * task->costs[i].seconds / task->costs[i].messages : 0;
	if (bench_options.json)
		printf("{\"case\":\"%s\",\"cpu_us\":%.3f,\"yardstick_cpu_us\":%.3f}\n", task->pair.name,
		       us[SUBJECT], us[YARDSTICK]);
	else
		printf("    processor time a message: %.2f us, yardstick %.2f us\n", us[SUBJECT], us[YARDSTICK]);
	fflush(stdout);
	memset(task->costs, 0, SIDES * sizeof(*task->costs));
}

static bool play_row(struct task *task, const struct row *row)
{
	static struct yardstick yardstick;
	bool good;

	if (!bench_wants(row->name))
		return true;
	task->row = row;
	task->yardstick = &yardstick;
	task->pair = (struct pair){.name = row->name,
				   .unit = "k/s",
				   .scale = 1e-3,
				   .limit = row->limit,
				   .rounds = bench_options.rounds};
	learn(task);
	yardstick_start(&yardstick);
	good = pair_run(&task->pair, members(), pair_work, task);
	report_cost(task);
	yardstick_end(&yardstick);
	return good;
}

/* ---- beside long polls ----------------------------------------------------------------------------- */

static double beside_polls(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;
	double rate;

	if (me == 0)
		polls_open(&task->polls, task->endpoint, "idle", POLL_QUEUES,
			   bench_options.quick ? POLLS_QUICK : POLLS);
	team_meet(team);
	rate = ask_endpoint(team, me, task);
	if (me == 0)
		polls_close(&task->polls, task->endpoint);
	team_meet(team);
	return rate;
}

static void polls_work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;

	pair_play(team, me, &task->pair, beside_polls, endpoint_half, task);
}

static bool play_polls(struct task *task)
{
	const char *name = "SendMessage, 64 B, beside 1,000 long polls";

	if (!bench_wants(name))
		return true;
	for (int i = 0; i < POLL_QUEUES; i++) {
		char queue[16];

		snprintf(queue, sizeof(queue), "idle%d", i);
		place_queue(task->place, queue, capacity_of(10), 30000);
	}
	task->row = &rows[0];
	task->pair = (struct pair){
		.name = name, .unit = "k/s", .scale = 1e-3, .limit = 0.95, .rounds = bench_options.rounds};
	return pair_run(&task->pair, members(), polls_work, task);
}

/* ---- figures --------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Until the answer to a SendMessage is here. */
static double start_once(const struct task *task, double *ret_rss_mib)
{
	struct request *request = malloc(sizeof(*request));
	uint64_t number = ledger_send(task->ledger, 0);
	double start = seconds_now(), end;
	struct program endpoint;
	struct http_answer answer;
	struct target target;
	struct http http;

	if (request == NULL)
		sqs_fail("no memory");
	endpoint_start(&endpoint, task->place->path);
	target_set(&target, endpoint.port, JSON, queue_name);
	request_send(request, &target, &number, 1, 64);
	http_open(&http, target.port);
	ask(&http, request, &answer);
	end = seconds_now();
	answer_sent(&answer, 1);
	program_rest(&endpoint);
	*ret_rss_mib = program_rss_mib(&endpoint);
	http_close(&http);
	program_end(&endpoint);
	free(request);
	return end - start;
}

static bool play_start(struct task *task)
{
	uint32_t count = bench_options.quick ? STARTS_QUICK : STARTS;
	double times[STARTS], rss_mib = 0, ms;

	if (!bench_wants("start"))
		return true;
	for (uint32_t i = 0; i < count; i++)
		times[i] = start_once(task, &rss_mib);
	accounts_close(task->ledger, task->place, queue_name);
	ledger_clear(task->ledger);
	qsort(times, count, sizeof(times[0]), compare);
	ms = times[count / 2] * 1e3;
	figure_report("start to the first answer, median of 21", ms, "ms", "50 ms", ms < 50);
	figure_report("resident, started and idle", rss_mib, "MiB", "20 MiB", rss_mib < 20);
	return bench_options.quick || (ms < 50 && rss_mib < 20);
}

int main(int argc, char **argv)
{
	struct program endpoint;
	struct place place;
	struct task task = {.place = &place, .endpoint = &endpoint};
	bool good = true;

	bench_start(argc, argv);
	report_title(
		"ringlease-sqs against a handler on the same libmicrohttpd that answers the same; 16 connections");
	task.ledger = shared_memory(sizeof(*task.ledger));
	task.costs = shared_memory(SIDES * sizeof(*task.costs));
	if (task.ledger == NULL || task.costs == NULL)
		sqs_fail("no memory");
	place_open(&place, true);
	place_queue(&place, queue_name, capacity_of(QUEUE_ORDER), 30000);
	endpoint_start(&endpoint, place.path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		good = play_row(&task, &rows[i]) && good;
	good = play_polls(&task) && good;
	good = waking_play(&place, &endpoint, queue_name) && good;
	good = play_start(&task) && good;
	program_end(&endpoint);
	place_close(&place);
	return good ? 0 : 1;
}
