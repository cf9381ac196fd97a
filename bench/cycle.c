#include "bench/cycle.h"

#include <string.h>
#include <unistd.h>

enum { BODY_BYTES = VYUKOV_PAYLOAD, BATCH_MAX = 64 };

struct body {
	uint64_t number;
	unsigned char rest[BODY_BYTES - sizeof(uint64_t)];
};

/* ---- ids -------------------------------------------------------------------------------------- */

/* The same number of letters for all, and no division: queues are to be measured. */
static inline void spell(char *to, uint64_t value, int letters)
{
	for (int i = 0; i < letters; i++)
		to[i] = (char)('a' + (value >> 4 * i & 15));
	to[letters] = '\0';
}

/* A deduplication id must not come twice, in other runs and from other processes either. */
static uint64_t made;

void labels_begin(void)
{
	if (made >> 40 != (uint64_t)getpid())
		made = (uint64_t)getpid() << 40;
}

void labels_make(const struct cycle *cycle, uint64_t number, struct labels *ret_labels)
{
	spell(ret_labels->group, (uint32_t)number % cycle->groups, 6);
	spell(ret_labels->dedup, ++made, 16);
	__asm__ volatile("" : : "r"(ret_labels) : "memory"); /* also if nobody reads them */
}

/* ---- queue ------------------------------------------------------------------------------------ */

static size_t body_bytes(const struct cycle *cycle)
{
	return cycle->body_bytes ? cycle->body_bytes : BODY_BYTES;
}

static bool is_full(struct team *team, int result)
{
	if (result < 0 && result != RLQ_EFULL)
		must(team, result, "send");
	return result == RLQ_EFULL;
}

static void send_singly(struct team *team, const struct cycle *cycle, uint64_t first, uint64_t count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT,
				*with = cycle->is_fifo || cycle->is_fair ? &options : NULL;
	struct body body = {0};
	struct labels labels;

	options.group = labels.group;
	options.dedup_id = cycle->is_fifo ? labels.dedup : NULL;
	for (uint64_t i = 0; i < count; i++) {
		uint32_t spins = 0;

		body.number = first + i;
		if (cycle->groups > 0)
			labels_make(cycle, body.number, &labels);
		while (is_full(team, rlq_send(cycle->queue, &body, body_bytes(cycle), with, NULL)))
			wait_a_little(team, &spins);
	}
}

static void send_in_batches(struct team *team, const struct cycle *cycle, uint64_t first, uint64_t count)
{
	struct body bodies[BATCH_MAX] = {0};
	struct rlq_send_entry entries[BATCH_MAX];
	struct labels labels[BATCH_MAX];
	uint32_t spins = 0;

	for (uint32_t i = 0; i < cycle->batch; i++)
		entries[i] =
			(struct rlq_send_entry){.body = &bodies[i],
						.body_bytes = body_bytes(cycle),
						.delay_ms = RLQ_DEFAULT,
						.group = cycle->is_fifo || cycle->is_fair ? labels[i].group : NULL,
						.dedup_id = cycle->is_fifo ? labels[i].dedup : NULL};
	for (uint64_t done = 0; done < count;) {
		size_t want = count - done < cycle->batch ? count - done : cycle->batch;
		int sent;

		for (size_t i = 0; i < want; i++) {
			bodies[i].number = first + done + i;
			if (cycle->groups > 0)
				labels_make(cycle, bodies[i].number, &labels[i]);
		}
		sent = rlq_send_batch(cycle->queue, entries, want, NULL, NULL);
		if (is_full(team, sent))
			wait_a_little(team, &spins);
		else
			done += (uint64_t)sent;
	}
}

static uint64_t number_of(struct team *team, const struct cycle *cycle, const struct rlq_message *message)
{
	uint64_t number;

	if (message->body_bytes != body_bytes(cycle))
		team_fail(team, "a body of %zu bytes came", message->body_bytes);
	memcpy(&number, message->body, sizeof(number));
	return number;
}

static uint64_t receive_singly(struct team *team, const struct cycle *cycle, uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct rlq_message message;
		uint32_t spins = 0;

		while (must(team, rlq_receive(cycle->queue, &message, 1, NULL), "receive") == 0)
			wait_a_little(team, &spins);
		sum += number_of(team, cycle, &message);
		must(team, rlq_delete(cycle->queue, &message.receipt), "delete");
	}
	return sum;
}

static uint64_t receive_in_batches(struct team *team, const struct cycle *cycle, uint64_t count)
{
	struct rlq_message messages[BATCH_MAX];
	struct rlq_receipt receipts[BATCH_MAX];
	uint64_t sum = 0;
	uint32_t spins = 0;

	while (count > 0) {
		size_t want = count < cycle->batch ? count : cycle->batch;
		int got = must(team, rlq_receive(cycle->queue, messages, want, NULL), "receive");

		if (got == 0) {
			wait_a_little(team, &spins);
			continue;
		}
		for (int i = 0; i < got; i++) {
			sum += number_of(team, cycle, &messages[i]);
			receipts[i] = messages[i].receipt;
		}
		if (rlq_delete_batch(cycle->queue, receipts, (size_t)got, NULL) != got)
			team_fail(team, "a delete failed");
		count -= (uint64_t)got;
	}
	return sum;
}

void cycle_fill(const struct cycle *cycle, uint64_t count)
{
	struct cycle batches = *cycle;

	labels_begin();
	batches.batch = BATCH_MAX;
	send_in_batches(NULL, &batches, 1, count);
}

uint64_t cycle_drain(const struct cycle *cycle)
{
	uint64_t count = 0;
	struct rlq_message message;

	while (must(NULL, rlq_receive(cycle->queue, &message, 1, NULL), "receive") == 1) {
		must(NULL, rlq_delete(cycle->queue, &message.receipt), "delete");
		count++;
	}
	return count;
}

static void queue_share(struct team *team, uint32_t me, const struct cycle *cycle, uint64_t first, uint64_t count)
{
	if (me % 2 == 0 && cycle->batch == 1)
		send_singly(team, cycle, first, count);
	else if (me % 2 == 0)
		send_in_batches(team, cycle, first, count);
	else if (cycle->batch == 1)
		team->member[me].sum = receive_singly(team, cycle, count);
	else
		team->member[me].sum = receive_in_batches(team, cycle, count);
}

/* ---- ring ------------------------------------------------------------------------------------- */

static void ring_share(struct team *team, uint32_t me, const struct cycle *cycle, uint64_t first, uint64_t count)
{
	struct body body = {0};
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint32_t spins = 0;

		if (me % 2 == 0) {
			body.number = first + i;
			while (!vyukov_send(cycle->ring, &body))
				wait_a_little(team, &spins);
		} else {
			while (!vyukov_receive(cycle->ring, &body))
				wait_a_little(team, &spins);
			sum += body.number;
		}
	}
	team->member[me].sum = sum;
}

/* ---- a run ------------------------------------------------------------------------------------ */

typedef void share(struct team *team, uint32_t me, const struct cycle *cycle, uint64_t first, uint64_t count);

static double run(struct team *team, uint32_t me, const struct cycle *cycle, share *play)
{
	uint64_t each = cycle->count / (team->members / 2), sum = 0;
	double rate;

	labels_begin();
	team_meet(team);
	team->member[me].start = seconds_now();
	play(team, me, cycle, me / 2 * each + 1, each);
	team->member[me].end = seconds_now();
	team_meet(team);
	for (uint32_t i = 1; i < team->members; i += 2)
		sum += team->member[i].sum;
	if (!cycle->is_deep && sum != cycle->count * (cycle->count + 1) / 2)
		team_fail(team, "messages were lost or doubled");
	rate = (double)cycle->count / team_elapsed(team);
	team_meet(team);
	return rate;
}

double cycle_queue(struct team *team, uint32_t me, const struct cycle *cycle)
{
	return run(team, me, cycle, queue_share);
}

double cycle_ring(struct team *team, uint32_t me, const struct cycle *cycle)
{
	return run(team, me, cycle, ring_share);
}
