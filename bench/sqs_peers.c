/* ringlease-sqs beside other local SQS servers: the same load on each in turn, in one run. All keep queues in
 * memory only. */
#include "bench/pair.h"
#include "bench/queue.h"
#include "bench/sqs/peer.h"
#include "bench/sqs/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PEERS = 3,
	DEEP = 200000,
	DEEP_QUICK = 500,
	FILL_MAX = 100000,
	BODY_BYTES = 128,
	DEEPEN_S = 60,
	DEEPEN_LOOK_S = 3,
	WARM_RUNS_MAX = 25,
	WARM_RUNS_AT_BEST = 4
};

/* Of a run; of filling a queue that is then taken from; and of warming up. */
static const double SECONDS = 0.5, QUICK_SECONDS = 0.05, FILL_S = 1, WARM_S = 1, WARM_BATCHES_S = 0.3;

static const struct peer *const peers[PEERS] = {&peer_ringlease_sqs, &peer_elasticmq, &peer_moto};

static const struct row {
	const char *name;
	enum traffic_kind kind;
	uint32_t batch;
	bool is_deep; /* with that many messages waiting */
} rows[] = {
	{"send, one a call", TRAFFIC_SEND, 1, false},
	{"receive + delete, one a call", TRAFFIC_TAKE, 1, false},
	{"send, batches of 10", TRAFFIC_SEND, 10, false},
	{"receive + delete, batches of 10", TRAFFIC_TAKE, 10, false},
	{"cycle, one a call, 200,000 waiting", TRAFFIC_CYCLE, 1, true},
	{"cycle, batches of 10, 200,000 waiting", TRAFFIC_CYCLE, 10, true},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Limits against all, aims against the first of them. */
static const double LIMIT = 1, AIM = 5;

static struct place place;
static struct program programs[PEERS];
static const char *why_not[PEERS]; /* NULL: it takes part */

/* One server's, known to all members of all teams. */
struct side {
	struct ledger ledger;
	uint32_t queues;    /* made so far */
	uint64_t deep;	    /* that wait in its deep queue; 0: there is none */
	bool is_never_deep; /* it could not be filled */
};
static struct side *sides[PEERS];

struct task {
	const struct row *row;
	double seconds;
	uint32_t rounds;
	double (*rates)[PEERS];
};

/* ---- queues --------------------------------------------------------------------------------------- */

static void call(uint32_t peer, const char *action, const char *body, struct http *http,
		 struct http_answer *ret_answer)
{
	struct request *request = malloc(sizeof(*request));
	struct target target;

	if (request == NULL)
		sqs_fail("no memory");
	target_set(&target, programs[peer].port, JSON, "");
	request_json(request, &target, action, body, strlen(body));
	http_open(http, target.port);
	http_send(http, request->text, request->bytes);
	http_await(http, ret_answer);
	if (ret_answer->status != 200)
		sqs_fail("%s: %s: status %d: %.*s", peers[peer]->name, action, ret_answer->status,
			 (int)ret_answer->body_bytes, ret_answer->body);
	free(request);
}

static void queue_name(uint32_t peer, bool is_deep, char ret_name[32])
{
	if (is_deep)
		snprintf(ret_name, 32, "deep");
	else
		snprintf(ret_name, 32, "q%u", sides[peer]->queues);
}

static void queue_make(uint32_t peer, const char *name)
{
	struct http_answer answer;
	struct http http;
	char body[256];

	snprintf(body, sizeof(body), "{\"QueueName\":\"%s\",\"Attributes\":{\"VisibilityTimeout\":\"600\"}}", name);
	call(peer, "CreateQueue", body, &http, &answer);
	http_close(&http);
}

static void queue_drop(uint32_t peer, const char *name)
{
	struct http_answer answer;
	struct target target;
	struct http http;
	char body[256];

	target_set(&target, programs[peer].port, JSON, name);
	snprintf(body, sizeof(body), "{\"QueueUrl\":\"%s\"}", target.url);
	call(peer, "DeleteQueue", body, &http, &answer);
	http_close(&http);
}

static uint64_t number_in(const struct http_answer *answer, const char *name)
{
	const char *found = memmem(answer->body, answer->body_bytes, name, strlen(name));

	if (found == NULL)
		sqs_fail("no %s in: %.*s", name, (int)answer->body_bytes, answer->body);
	found += strlen(name);
	return strtoull(found + strspn(found, "\": "), NULL, 10);
}

/* The server has as many messages as are sent and not deleted, and none in flight. */
static void queue_check(uint32_t peer, const char *name)
{
	uint64_t expected = ledger_waiting(&sides[peer]->ledger), visible, in_flight;
	struct http_answer answer;
	struct target target;
	struct http http;
	char body[256];

	target_set(&target, programs[peer].port, JSON, name);
	snprintf(body, sizeof(body), "{\"QueueUrl\":\"%s\",\"AttributeNames\":[\"All\"]}", target.url);
	call(peer, "GetQueueAttributes", body, &http, &answer);
	visible = number_in(&answer, "\"ApproximateNumberOfMessages\"");
	in_flight = number_in(&answer, "\"ApproximateNumberOfMessagesNotVisible\"");
	http_close(&http);
	if (visible != expected || in_flight != 0)
		sqs_fail("%s: %llu messages wait and %llu are in flight, but %llu were sent and not taken",
			 peers[peer]->name, (unsigned long long)visible, (unsigned long long)in_flight,
			 (unsigned long long)expected);
}

/* ---- one run on one server ------------------------------------------------------------------------- */

struct started {
	struct team *team;
	double seconds;
};

static void start_together(struct traffic *traffic, void *context)
{
	struct started *started = context;

	team_meet(started->team);
	started->team->member[traffic->me].start = seconds_now();
	traffic->end = started->team->member[traffic->me].start + started->seconds;
}

/* Sends batches until then. */
static uint64_t fill(const struct traffic *like, uint64_t messages_max, double seconds)
{
	struct traffic traffic = *like;

	traffic.kind = TRAFFIC_SEND;
	traffic.batch = BATCH_MAX;
	traffic.messages_max = messages_max;
	traffic.end = seconds_now() + seconds;
	return traffic_run(&traffic, NULL, NULL).messages;
}

/* Of member `me`, of those of all. */
static uint32_t connections_of(const struct team *team, uint32_t me, uint32_t peer, enum traffic_kind kind)
{
	if (kind != TRAFFIC_SEND && peers[peer]->takes_alone)
		return me == 0;
	return TRAFFIC_CONNECTIONS / team->members;
}

static double run(struct team *team, uint32_t me, uint32_t peer, const struct task *task)
{
	struct side *side = sides[peer];
	struct traffic traffic = {.kind = task->row->kind,
				  .batch = task->row->batch,
				  .body_bytes = BODY_BYTES,
				  .connections = connections_of(team, me, peer, task->row->kind),
				  .ledger = &side->ledger,
				  .me = me};
	struct started started = {.team = team, .seconds = task->seconds};
	struct traffic_tally tally;
	char name[32];
	uint64_t messages = 0;
	double rate;

	queue_name(peer, task->row->is_deep, name);
	target_set(&traffic.target, programs[peer].port, JSON, name);
	if (me == 0 && !task->row->is_deep)
		queue_make(peer, name);
	team_meet(team);
	if (traffic.kind == TRAFFIC_TAKE)
		fill(&traffic, FILL_MAX / team->members, bench_options.quick ? QUICK_SECONDS : FILL_S);
	tally = traffic_run(&traffic, start_together, &started);
	team->member[me].end = tally.end;
	team->member[me].sum = tally.messages;
	team_meet(team);
	for (uint32_t i = 0; i < team->members; i++)
		messages += team->member[i].sum;
	rate = (double)messages / team_elapsed(team);
	if (me == 0) {
		queue_check(peer, name);
		if (!task->row->is_deep) {
			queue_drop(peer, name);
			ledger_clear(&side->ledger);
			side->queues++;
		}
	}
	team_meet(team);
	return rate;
}

static bool plays(const struct row *row, uint32_t peer)
{
	return !why_not[peer] && !(row->is_deep && sides[peer]->is_never_deep);
}

static void work(struct team *team, uint32_t me, void *context)
{
	const struct task *task = context;

	for (uint32_t round = 0; round <= task->rounds; round++)
		for (uint32_t peer = 0; peer < PEERS; peer++) {
			double rate = plays(task->row, peer) ? run(team, me, peer, task) : 0;

			if (me == 0 && round > 0) /* the first is thrown away */
				task->rates[round - 1][peer] = rate;
		}
}

/* ---- before ---------------------------------------------------------------------------------------- */

struct warming {
	uint32_t peer;
	struct task task;
	double *rate; /* shared */
};

static void warm_work(struct team *team, uint32_t me, void *context)
{
	const struct warming *warming = context;
	double rate = run(team, me, warming->peer, &warming->task);

	if (me == 0)
		*warming->rate = rate;
}

/* 200,000 messages may take DEEPEN_S at most, judged by the first of it. */
static void deepen_work(struct team *team, uint32_t me, void *context)
{
	const struct warming *warming = context;
	struct side *side = sides[warming->peer];
	uint64_t wanted = (bench_options.quick ? DEEP_QUICK : DEEP) / team->members, done;
	struct traffic traffic = {.batch = BATCH_MAX,
				  .body_bytes = BODY_BYTES,
				  .connections = TRAFFIC_CONNECTIONS / team->members,
				  .ledger = &side->ledger,
				  .me = me};

	target_set(&traffic.target, programs[warming->peer].port, JSON, "deep");
	done = fill(&traffic, wanted, DEEPEN_LOOK_S);
	if (done < wanted && done * DEEPEN_S < wanted * DEEPEN_LOOK_S)
		side->is_never_deep = true;
	else if (done < wanted)
		fill(&traffic, wanted - done, DEEPEN_S);
}

static uint32_t members(void)
{
	uint32_t count = 2;

	while (count * 2 <= cores_usable() && count * 2 <= TEAM_MAX)
		count *= 2;
	return count;
}

static bool team_does(void (*does)(struct team *, uint32_t, void *), void *context)
{
	struct team *team = team_new(members());
	bool good = team && team_run(team, does, context);

	team_free(team);
	return good;
}

/* A server that compiles as it runs gets faster for half a minute: loaded until it has not for some runs. */
static bool warm(uint32_t peer)
{
	static const struct row row = {"", TRAFFIC_CYCLE, 1, false},
				row_of_batches = {"", TRAFFIC_CYCLE, 10, false};
	struct warming warming = {.peer = peer, .rate = shared_memory(sizeof(double))};
	double best = 0;
	bool good = warming.rate != NULL;

	if (!peers[peer]->gets_faster || bench_options.quick)
		return true;
	for (int i = 0, since_best = 0; good && i < WARM_RUNS_MAX && since_best < WARM_RUNS_AT_BEST; i++) {
		warming.task = (struct task){.row = &row_of_batches, .seconds = WARM_BATCHES_S};
		good = team_does(warm_work, &warming);
		warming.task = (struct task){.row = &row, .seconds = WARM_S};
		good = good && team_does(warm_work, &warming);
		since_best = *warming.rate > 1.1 * best ? 0 : since_best + 1;
		best = *warming.rate > best ? *warming.rate : best;
	}
	return good;
}

static bool deepen(uint32_t peer)
{
	struct warming warming = {.peer = peer};

	if (sides[peer]->deep > 0 || sides[peer]->is_never_deep)
		return true;
	ledger_clear(&sides[peer]->ledger);
	queue_make(peer, "deep");
	if (!team_does(deepen_work, &warming))
		return false;
	sides[peer]->deep = ledger_waiting(&sides[peer]->ledger);
	if (sides[peer]->is_never_deep)
		printf("  %-14s took %llu messages in %d s: not in the rows with 200,000 waiting\n",
		       peers[peer]->name, (unsigned long long)sides[peer]->deep, DEEPEN_LOOK_S);
	return true;
}

/* ---- reports --------------------------------------------------------------------------------------- */

static bool report(const struct row *row, uint32_t peer, double (*rates)[PEERS])
{
	struct team *team = team_new(1);
	char name[96];
	const struct pair pair = {.name = name,
				  .unit = "k/s",
				  .scale = 1e-3,
				  .limit = LIMIT,
				  .aim = peers[peer] == &peer_elasticmq ? AIM : 0};
	bool good;

	if (team == NULL)
		sqs_fail("no memory");
	snprintf(name, sizeof(name), "%s: %s", row->name, peers[peer]->name);
	team->sample_count = bench_options.rounds;
	for (uint32_t i = 0; i < team->sample_count; i++)
		team->samples[i] = (struct pair_sample){.subject = rates[i][0], .yardstick = rates[i][peer]};
	good = pair_report(&pair, team);
	team_free(team);
	return good;
}

static bool play(const struct row *row)
{
	double(*rates)[PEERS] = shared_memory(TEAM_SAMPLES * sizeof(*rates));
	struct task task = {.row = row,
			    .seconds = bench_options.quick ? QUICK_SECONDS : SECONDS,
			    .rounds = bench_options.rounds,
			    .rates = rates};
	bool good = true;

	if (rates == NULL)
		sqs_fail("no memory");
	for (uint32_t i = 0; i < PEERS && row->is_deep; i++)
		if (!why_not[i])
			good = deepen(i) && good;
	good = good && team_does(work, &task);
	for (uint32_t i = 1; i < PEERS && good; i++)
		if (plays(row, i))
			good = report(row, i, rates) && good;
	return good;
}

static void start_all(void)
{
	for (uint32_t i = 0; i < PEERS; i++) {
		sides[i] = shared_memory(sizeof(*sides[i]));
		if (sides[i] == NULL)
			sqs_fail("no memory");
		why_not[i] = peers[i]->start(&programs[i], &place);
		if (bench_options.json && why_not[i])
			printf("{\"case\":\"%s\",\"skipped\":\"%s\"}\n", peers[i]->name, why_not[i]);
		else if (!bench_options.json)
			printf(why_not[i] ? "  %-14s skipped: %s\n" : "  %-14s %s\n", peers[i]->name,
			       why_not[i] ? why_not[i] : peers[i]->is);
		if (!why_not[i] && !warm(i))
			sqs_fail("%s cannot be used", peers[i]->name);
	}
}

int main(int argc, char **argv)
{
	bool good = true;

	bench_start(argc, argv);
	report_title("local SQS servers over HTTP, taking turns: 16 connections, 128 B, nothing durable");
	place_open(&place, true);
	start_all();
	for (uint32_t i = 0; i < ROWS; i++)
		if (bench_wants(rows[i].name))
			good = play(&rows[i]) && good;
	for (uint32_t i = 0; i < PEERS; i++)
		if (!why_not[i])
			program_end(&programs[i]);
	place_close(&place);
	return good ? 0 : 1;
}
