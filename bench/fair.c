/* Fair queues. First: how long the messages of 99 quiet tenants wait, from the intended send to their receive, when
 * the hundredth has sent 50,000 at once, and all take as long to process: with group ids, and without. Then what
 * group ids cost at full speed. BENCH_POINTS=FILE: the waits are written there, one line a message, for
 * bench/fair.gnuplot. */
#include "bench/cycle_pair.h"
#include "bench/hist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TENANTS = 100,
	BACKLOG = 50000,
	QUIET = 10000,	 /* messages of the quiet ones, in turn */
	GAP_NS = 100000, /* between them */
	WORK_NS = 10000, /* to process any message: half of what the consumer can do is for the quiet ones */
	GROUP_BYTES = 16,
};

struct body {
	uint64_t due_ns; /* when it was to be sent */
	uint32_t tenant;
	uint32_t rest;
};

struct point {
	uint64_t due_ns;
	uint32_t wait_us, tenant;
};

struct dwell {
	struct place place;
	bool has_groups;
	uint32_t backlog, quiet;
	uint64_t start_ns;
	uint32_t count; /* of points */
	struct hist quiet_waits, noisy_waits;
	struct point points[];
};

static void group_of(uint32_t tenant, char ret_name[GROUP_BYTES])
{
	snprintf(ret_name, GROUP_BYTES, "tenant-%u", tenant);
}

/* ---- dwell time ------------------------------------------------------------------------------- */

static void send_one(struct team *team, struct rlq_queue *queue, const struct dwell *dwell, uint32_t tenant,
		     uint64_t due_ns)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct body body = {.due_ns = due_ns, .tenant = tenant};
	char name[GROUP_BYTES];

	group_of(tenant, name);
	options.group = dwell->has_groups ? name : NULL;
	must(team, rlq_send(queue, &body, sizeof(body), &options, NULL), "send");
}

static void produce(struct team *team, struct rlq_queue *queue, struct dwell *dwell)
{
	uint64_t next = ns_now();
	uint32_t spins = 0;

	dwell->start_ns = next;
	for (uint32_t i = 0; i < dwell->backlog; i++)
		send_one(team, queue, dwell, 0, next);
	next = ns_now();
	for (uint32_t i = 0; i < dwell->quiet; i++) {
		next += GAP_NS;
		while (ns_now() < next)
			wait_a_little(team, &spins);
		send_one(team, queue, dwell, 1 + i % (TENANTS - 1), next);
	}
}

static void process(void)
{
	uint64_t end = ns_now() + WORK_NS;

	while (ns_now() < end)
		;
}

static void note(struct dwell *dwell, const struct body *body)
{
	uint64_t wait = ns_now() - body->due_ns;

	hist_add(body->tenant ? &dwell->quiet_waits : &dwell->noisy_waits, wait);
	dwell->points[dwell->count++] =
		(struct point){.due_ns = body->due_ns, .wait_us = (uint32_t)(wait / 1000), .tenant = body->tenant};
}

static void consume(struct team *team, struct rlq_queue *queue, struct dwell *dwell)
{
	uint32_t spins = 0;

	while (dwell->count < dwell->backlog + dwell->quiet) {
		struct rlq_message message;
		struct body body;

		if (must(team, rlq_receive(queue, &message, 1, NULL), "receive") == 0) {
			wait_a_little(team, &spins);
			continue;
		}
		memcpy(&body, message.body, sizeof(body));
		note(dwell, &body);
		process();
		must(team, rlq_delete(queue, &message.receipt), "delete");
	}
}

static void dwell_work(struct team *team, uint32_t me, void *context)
{
	struct dwell *dwell = context;
	struct opened opened = queue_open(team, &dwell->place, "bench");

	team_meet(team);
	if (me == 0)
		produce(team, opened.queue, dwell);
	else
		consume(team, opened.queue, dwell);
	team_meet(team);
	queue_close(&opened);
}

static void write_points(const struct dwell *dwell, FILE *file)
{
	fprintf(file, "# seconds, wait in ms, tenant (0: the noisy one); %s\n",
		dwell->has_groups ? "group ids" : "plain");
	for (uint32_t i = 0; i < dwell->count; i++)
		fprintf(file, "%.6f %.3f %u\n", (double)(dwell->points[i].due_ns - dwell->start_ns) * 1e-9,
			dwell->points[i].wait_us / 1e3, dwell->points[i].tenant);
	fprintf(file, "\n\n");
}

/* p99 of the quiet ones, in us; below 0: failed. */
static double dwell_run(bool has_groups, FILE *points)
{
	uint32_t backlog = bench_options.quick ? BACKLOG / 100 : BACKLOG, quiet = bench_options.quick ? 100 : QUIET;
	struct dwell *dwell =
		shared_memory(sizeof(struct dwell) + (size_t)(backlog + quiet) * sizeof(struct point));
	struct team *team = team_new(2);
	double p99 = -1;

	if (!team || !dwell)
		return -1;
	dwell->has_groups = has_groups;
	dwell->backlog = backlog;
	dwell->quiet = quiet;
	place_open(&dwell->place, true);
	place_queue(&dwell->place, "bench", 100000, 3600000);
	if (team_run(team, dwell_work, dwell)) {
		hist_print(&dwell->quiet_waits,
			   has_groups ? "quiet tenants, group ids" : "quiet tenants, plain queue");
		hist_print(&dwell->noisy_waits,
			   has_groups ? "the noisy one, group ids" : "the noisy one, plain queue");
		p99 = (double)hist_at(&dwell->quiet_waits, 0.99) / 1000;
		if (points)
			write_points(dwell, points);
	}
	place_close(&dwell->place);
	team_free(team);
	return p99;
}

static bool dwell_play(const char *path)
{
	FILE *points = path ? fopen(path, "w") : NULL;
	double plain, fair;

	if (path && !points) {
		fprintf(stderr, "fair: cannot write %s\n", path);
		return false;
	}
	plain = dwell_run(false, points);
	fair = dwell_run(true, points);
	if (points)
		fclose(points);
	if (plain < 0 || fair < 0)
		return false;
	figure_report("p99 of quiet tenants, plain queue", plain, "us", "-", true);
	figure_report("p99 of quiet tenants, group ids", fair, "us", "-", true);
	figure_report("the second of the first", fair / plain, "", "< 0.1", fair < plain / 10);
	return bench_options.quick || fair < plain / 10;
}

/* ---- cost ------------------------------------------------------------------------------------- */

static bool cost_play(const char *name, uint32_t tenants, uint32_t body_bytes, uint32_t batch)
{
	uint64_t count = bench_options.quick ? 2048 : UINT64_C(1) << 19;
	struct cycle cycle = {.count = count, .batch = batch, .body_bytes = body_bytes, .groups = tenants};
	struct cycle_pair both = {
		.pair = {.name = name, .unit = "M/s", .scale = 1e-6, .rounds = bench_options.rounds},
		.subject_name = "grouped",
		.yardstick_name = "plain",
		.subject = cycle,
		.yardstick = cycle,
	};
	bool good;

	if (!bench_wants(name))
		return true;
	both.subject.is_fair = true;
	place_open(&both.place, true);
	place_queue(&both.place, "plain", capacity_of(10), 3600000);
	place_queue(&both.place, "grouped", capacity_of(10), 3600000);
	good = cycle_pair_run(&both, 2);
	place_close(&both.place);
	return good;
}

int main(int argc, char **argv)
{
	const char *path = getenv("BENCH_POINTS");
	bool good = true;

	bench_start(argc, argv);
	if (bench_wants("quiet")) {
		report_title("fair: waits in us; 1 tenant sends 50,000 at once, 99 send 10,000/s, 10 us to process "
			     "each");
		good = dwell_play(path);
	}
	report_title("fair: full cycles with group ids, against the same without");
	good = cost_play("1 tenant, 40 B, one a call", 1, 40, 1) && good;
	good = cost_play("1 tenant, 40 B, batches of 10", 1, 40, 10) && good;
	good = cost_play("100 tenants, 40 B, one a call", TENANTS, 40, 1) && good;
	good = cost_play("100 tenants, 40 B, batches of 10", TENANTS, 40, 10) && good;
	good = cost_play("1 tenant, 64 B (a block), one a call", 1, 64, 1) && good;
	return good ? 0 : 1;
}
