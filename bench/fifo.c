/* FIFO queues against standard ones, with the same bodies and the same work to make ids; and the receive of a group
 * that is free, with 100,000 messages behind groups that are not. */
#include "bench/cycle_pair.h"

#include <stdio.h>
#include <stdlib.h>

/* All rounds together send fewer ids than the queue remembers, and the first one touches most of that table's
 * memory.
 */
enum { LEASE_MS = 3600000, STEP = 1000, ROUND = 100000, IDS = 1 << 20 };

static void make_queue(const struct place *place, const char *name, enum rlq_type type, uint64_t capacity,
		       uint64_t ids)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.capacity = capacity;
	attributes.visibility_ms = LEASE_MS;
	attributes.type = type;
	if (ids > 0)
		attributes.dedup_max = ids;
	place_queue_as(place, name, &attributes);
}

/* ---- full cycles ------------------------------------------------------------------------------ */

struct setting {
	const char *name;
	uint32_t groups, batch, members, order;
	uint32_t waiting; /* messages that are there all the time */
	double limit;
};

static const struct setting settings[] = {
	{"1 group, 1P1C, one a call", 1, 1, 2, 10, 0, 0.5},
	{"1 group, 1P1C, batches of 10", 1, 10, 2, 10, 0, 0.5},
	{"1,000 groups, 2P2C, one a call", 1000, 1, 4, 14, 4000, 0.7},
	{"1,000 groups, 2P2C, batches of 10", 1000, 10, 4, 14, 4000, 0.7},
};

static void fill(const struct place *place, const char *name, struct cycle cycle, uint64_t count)
{
	struct opened opened = queue_open(NULL, place, name);

	cycle.queue = opened.queue;
	cycle_fill(&cycle, count);
	queue_close(&opened);
}

/* What was there at first must be there in the end: as many were received as sent. */
static bool is_left(const struct place *place, const char *name, struct cycle cycle, uint64_t count)
{
	struct opened opened = queue_open(NULL, place, name);
	uint64_t left;

	cycle.queue = opened.queue;
	left = cycle_drain(&cycle);
	queue_close(&opened);
	if (left != count)
		fprintf(stderr, "fifo: %llu messages were left in %s, not %llu\n", (unsigned long long)left, name,
			(unsigned long long)count);
	return left == count;
}

static bool play(const struct setting *setting)
{
	struct cycle cycle = {.count = bench_options.quick ? 4000 : ROUND,
			      .batch = setting->batch,
			      .groups = setting->groups,
			      .is_deep = setting->waiting > 0};
	struct cycle_pair both = {
		.pair = {.name = setting->name,
			 .unit = "M/s",
			 .scale = 1e-6,
			 .limit = setting->limit,
			 .rounds = bench_options.rounds},
		.subject_name = "bench.fifo",
		.yardstick_name = "bench",
		.subject = cycle,
		.yardstick = cycle,
	};
	bool good;

	both.subject.is_fifo = true;
	place_open(&both.place, true);
	make_queue(&both.place, "bench.fifo", RLQ_FIFO, capacity_of(setting->order), IDS);
	make_queue(&both.place, "bench", RLQ_STANDARD, capacity_of(setting->order), 0);
	fill(&both.place, "bench.fifo", both.subject, setting->waiting);
	fill(&both.place, "bench", both.yardstick, setting->waiting);
	good = cycle_pair_run(&both, setting->members);
	good = is_left(&both.place, "bench.fifo", both.subject, setting->waiting) && good;
	good = is_left(&both.place, "bench", both.yardstick, setting->waiting) && good;
	place_close(&both.place);
	return good;
}

/* ---- blocked ---------------------------------------------------------------------------------- */

struct plan {
	struct pair pair;
	struct place place;
	uint64_t blocked, behind; /* groups in flight, and messages behind each */
	struct rlq_queue *queue[2];
};

static const struct cycle many_groups = {.groups = 1 << 24};

/* A message to each of the groups from `first` on. */
static void send_to_each(struct team *team, struct rlq_queue *queue, uint64_t first, uint64_t groups)
{
	static const unsigned char body[VYUKOV_PAYLOAD];
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct labels labels;

	labels_begin();
	options.group = labels.group;
	options.dedup_id = labels.dedup;
	for (uint64_t i = 0; i < groups; i++) {
		labels_make(&many_groups, first + i, &labels);
		must(team, rlq_send(queue, body, sizeof(body), &options, NULL), "send");
	}
}

static struct rlq_receipt receive_one(struct team *team, struct rlq_queue *queue)
{
	struct rlq_message message;

	if (must(team, rlq_receive(queue, &message, 1, NULL), "receive") != 1)
		team_fail(team, "a group that is free was not served");
	return message.receipt;
}

/* Groups from 0 on, each with one message in flight and others behind it. */
static void block(struct team *team, const struct plan *plan, struct rlq_queue *queue)
{
	send_to_each(team, queue, 0, plan->blocked);
	for (uint64_t i = 0; i < plan->blocked; i++)
		receive_one(team, queue);
	for (uint64_t i = 0; i < plan->behind; i++)
		send_to_each(team, queue, 0, plan->blocked);
}

/* Seconds for one receive, each of a group that is free and has one message. */
static double receive_free_ones(struct team *team, const struct plan *plan, struct rlq_queue *queue)
{
	int rounds = bench_options.quick ? 1 : 40;
	struct rlq_receipt receipts[STEP];
	double seconds = 0;

	for (int round = 0; round < rounds; round++) {
		send_to_each(team, queue, plan->blocked, STEP);
		seconds -= seconds_now();
		for (int i = 0; i < STEP; i++)
			receipts[i] = receive_one(team, queue);
		seconds += seconds_now();
		if (rlq_delete_batch(queue, receipts, STEP, NULL) != STEP)
			team_fail(team, "a delete failed");
	}
	return seconds / rounds / STEP;
}

static double blocked_half(struct team *team, uint32_t me, void *context)
{
	const struct plan *plan = context;

	(void)me;
	return receive_free_ones(team, plan, plan->queue[0]);
}

static double unblocked_half(struct team *team, uint32_t me, void *context)
{
	const struct plan *plan = context;

	(void)me;
	return receive_free_ones(team, plan, plan->queue[1]);
}

static void receive_work(struct team *team, uint32_t me, void *context)
{
	struct plan *plan = context;
	struct opened blocked = queue_open(team, &plan->place, "blocked.fifo");
	struct opened unblocked = queue_open(team, &plan->place, "unblocked.fifo");

	plan->queue[0] = blocked.queue;
	plan->queue[1] = unblocked.queue;
	block(team, plan, blocked.queue);
	pair_play(team, me, &plan->pair, blocked_half, unblocked_half, plan);
	queue_close(&blocked);
	queue_close(&unblocked);
}

static bool play_blocked(const char *name, uint64_t blocked, uint64_t behind)
{
	struct plan plan = {
		.pair = {.name = name,
			 .unit = "ns",
			 .scale = 1e9,
			 .less_is_better = true,
			 .limit = 2,
			 .rounds = bench_options.rounds},
		.blocked = bench_options.quick ? blocked / 50 : blocked,
		.behind = behind,
	};
	bool good;

	place_open(&plan.place, true);
	make_queue(&plan.place, "blocked.fifo", RLQ_FIFO, RLQ_CAPACITY_DEFAULT, RLQ_DEDUP_DEFAULT);
	make_queue(&plan.place, "unblocked.fifo", RLQ_FIFO, RLQ_CAPACITY_DEFAULT, RLQ_DEDUP_DEFAULT);
	good = pair_run(&plan.pair, 1, receive_work, &plan);
	place_close(&plan.place);
	return good;
}

/* ---- remembered ids --------------------------------------------------------------------------- */

struct memory {
	struct pair pair;
	struct place place;
	uint64_t ids;
	struct rlq_queue *queue[2];
};

/* Seconds for one send, of many to one group; what was sent is taken away again. */
static double send_seconds(struct team *team, struct rlq_queue *queue)
{
	const struct cycle cycle = {.groups = 1, .queue = queue};
	uint64_t left = bench_options.quick ? 1000 : ROUND / 2, sent;
	double seconds = 0;

	for (; left > 0; left -= sent) {
		sent = left < STEP ? left : STEP;
		seconds -= seconds_now();
		send_to_each(team, queue, 0, sent);
		seconds += seconds_now();
		if (cycle_drain(&cycle) != sent)
			team_fail(team, "not as many messages came as were sent");
	}
	return seconds / (bench_options.quick ? 1000 : ROUND / 2);
}

static double full_half(struct team *team, uint32_t me, void *context)
{
	(void)me;
	return send_seconds(team, ((const struct memory *)context)->queue[0]);
}

static double empty_half(struct team *team, uint32_t me, void *context)
{
	(void)me;
	return send_seconds(team, ((const struct memory *)context)->queue[1]);
}

/* The ids of messages that were sent, received and deleted are remembered. */
static void remember(struct team *team, struct rlq_queue *queue, uint64_t ids)
{
	const struct cycle cycle = {.groups = 1, .is_fifo = true, .queue = queue};

	for (uint64_t done = 0; done < ids; done += STEP) {
		cycle_fill(&cycle, STEP);
		if (cycle_drain(&cycle) != STEP)
			team_fail(team, "not as many messages came as were sent");
	}
}

static void memory_work(struct team *team, uint32_t me, void *context)
{
	struct memory *memory = context;
	struct opened full = queue_open(team, &memory->place, "full.fifo");
	struct opened empty = queue_open(team, &memory->place, "empty.fifo");

	memory->queue[0] = full.queue;
	memory->queue[1] = empty.queue;
	remember(team, full.queue, memory->ids);
	pair_play(team, me, &memory->pair, full_half, empty_half, memory);
	queue_close(&full);
	queue_close(&empty);
}

static bool play_memory(const char *name)
{
	struct memory memory = {
		.pair = {.name = name,
			 .unit = "ns",
			 .scale = 1e9,
			 .less_is_better = true,
			 .limit = 1.5,
			 .rounds = bench_options.rounds},
		.ids = bench_options.quick ? 10000 : 1000000,
	};
	bool good;

	place_open(&memory.place, true);
	make_queue(&memory.place, "full.fifo", RLQ_FIFO, RLQ_CAPACITY_DEFAULT, 2 * memory.ids);
	make_queue(&memory.place, "empty.fifo", RLQ_FIFO, RLQ_CAPACITY_DEFAULT, 2 * memory.ids);
	good = pair_run(&memory.pair, 1, memory_work, &memory);
	place_close(&memory.place);
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;

	bench_start(argc, argv);
	report_title("FIFO: send + receive + delete, 64 B, against a standard queue");
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (bench_wants(settings[i].name))
			good = play(&settings[i]) && good;
	report_title(
		"FIFO: receive of a free group, 100,000 messages waiting behind groups in flight, against none");
	if (bench_wants("1,000 groups, 100 behind each"))
		good = play_blocked("1,000 groups, 100 behind each", 1000, 100) && good;
	if (bench_wants("50,000 groups, 2 behind each"))
		good = play_blocked("50,000 groups, 2 behind each", 50000, 2) && good;
	report_title("FIFO: a send to a queue that remembers 1 M ids, of 2 M in 5 minutes, against one that begins "
		     "with none");
	if (bench_wants("1 M ids"))
		good = play_memory("1 M ids") && good;
	return good ? 0 : 1;
}
