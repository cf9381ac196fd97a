/* ring/ alone, below the library: claim, write 64 bytes and an id, publish | take, copy, free, between
 * two processes, against the bare Vyukov ring. Tells how much of a cycle is the ring's own. */
#include "bench/pair.h"
#include "bench/vyukov.h"
#include "ring/ring.h"

#include <stdio.h>
#include <string.h>

enum { OWNER = 1, COUNT_EVERY = 64 };

/* What the library keeps in its rows: how many were sent, how many have left. */
struct counts {
	_Alignas(128) atomic_u64 sent;
	_Alignas(128) atomic_u64 left;
};

struct bed {
	struct ring ring;
	struct counts *counts;
	uint64_t sends_left; /* until the producer counts again */
	struct vyukov *vyukov;
	uint32_t order;
	uint64_t count; /* messages a run */
	struct ring_cursor cursor;
};

static bool bed_make(struct bed *bed, uint32_t order, uint64_t count)
{
	unsigned char *memory = shared_memory(sizeof(struct ring_ends) + ring_bytes(order, false));

	*bed = (struct bed){.order = order,
			    .count = count,
			    .counts = shared_memory(sizeof(struct counts)),
			    .vyukov = shared_memory(vyukov_bytes(order))};
	if (!memory || !bed->counts || !bed->vyukov)
		return false;
	ring_place(&bed->ring, (struct ring_ends *)(void *)memory, memory + sizeof(struct ring_ends), order, false);
	vyukov_start(bed->vyukov, order);
	return true;
}

static void bed_touch(const struct bed *bed)
{
	touch(bed->ring.ends, sizeof(struct ring_ends) + ring_bytes(bed->order, false));
	touch(bed->vyukov, vyukov_bytes(bed->order));
}

/* ---- the subject ------------------------------------------------------------------------------ */

/* As the library does: at most 7/8 of the slots live, counted once in up to 64 sends. */
static bool has_room(struct bed *bed)
{
	uint64_t limit = (UINT64_C(7) << bed->order) / 8, live;

	if (bed->sends_left > 0) {
		bed->sends_left--;
		return true;
	}
	live = load_relaxed(&bed->counts->sent) - load_relaxed(&bed->counts->left);
	if (live >= limit)
		return false;
	bed->sends_left = (limit - live < COUNT_EVERY ? limit - live : COUNT_EVERY) - 1;
	return true;
}

static void count_one(atomic_u64 *counter)
{
	store_relaxed(counter, load_relaxed(counter) + 1);
}

/* Field by field, as shm/ does. */
static void message_write(struct slot_message *message, uint64_t number, const void *body)
{
	message->id[0] = 1;
	message->id[1] = number;
	message->sent = sent_pack(1, 0);
	message->first_receive_ms = 0;
	message->body_bytes = SLOT_INLINE_BYTES;
	message->extra_bytes = 0;
	message->sender = 0;
	message->block = 0;
	memcpy(message->inline_bytes, body, SLOT_INLINE_BYTES);
}

static void ring_send(struct team *team, struct bed *bed, uint64_t number)
{
	struct ring_claim claim;
	struct slot_message *message;
	uint32_t spins = 0;
	enum ring_result result;
	uint64_t body[8] = {number};

	while (!has_room(bed))
		wait_a_little(team, &spins);
	while ((result = ring_claim(&bed->ring, &bed->cursor, OWNER, &claim)) != RING_OK) {
		if (result == RING_DAMAGED)
			team_fail(team, "claim says damaged");
		wait_a_little(team, &spins);
	}
	message = &bed->ring.slots[claim.slot].message;
	message_write(message, number, body);
	if (ring_publish(&bed->ring, &claim, OWNER) != RING_OK)
		team_fail(team, "publish says damaged");
	count_one(&bed->counts->sent);
}

static uint64_t ring_receive(struct team *team, struct bed *bed)
{
	static const struct ring_terms terms = {.deadline_ms = 1000};
	struct ring_taken taken;
	struct slot_message message;
	uint64_t number;
	uint32_t spins = 0;

	while (ring_take(&bed->ring, &bed->cursor, &terms, &taken) != RING_OK)
		wait_a_little(team, &spins);
	slot_own_inline(&bed->ring.slots[taken.slot]);
	memcpy(&message, &bed->ring.slots[taken.slot].message, sizeof(message));
	memcpy(&number, message.inline_bytes, sizeof(number));
	if (message.id[1] != number || !ring_free(&bed->ring, taken.slot, taken.word))
		team_fail(team, "message %llu was not ours", (unsigned long long)number);
	count_one(&bed->counts->left);
	return number;
}

static void ring_one(struct team *team, uint32_t me, struct bed *bed)
{
	uint64_t sum = 0;

	for (uint64_t i = 1; i <= bed->count; i++) {
		if (me == 0)
			ring_send(team, bed, i);
		else
			sum += ring_receive(team, bed);
	}
	team->member[me].sum = sum;
}

/* ---- the yardstick ---------------------------------------------------------------------------- */

static void vyukov_one(struct team *team, uint32_t me, struct bed *bed)
{
	uint64_t sum = 0, body[8] = {0};

	for (uint64_t i = 1; i <= bed->count; i++) {
		uint32_t spins = 0;

		body[0] = i;
		if (me == 0) {
			while (!vyukov_send(bed->vyukov, body))
				wait_a_little(team, &spins);
		} else {
			while (!vyukov_receive(bed->vyukov, body))
				wait_a_little(team, &spins);
			sum += body[0];
		}
	}
	team->member[me].sum = sum;
}

/* ---- a run ------------------------------------------------------------------------------------ */

static double timed(struct team *team, uint32_t me, struct bed *bed,
		    void (*one)(struct team *, uint32_t, struct bed *))
{
	double rate;

	team_meet(team);
	team->member[me].start = seconds_now();
	one(team, me, bed);
	team->member[me].end = seconds_now();
	team_meet(team);
	if (team->member[1].sum != bed->count * (bed->count + 1) / 2)
		team_fail(team, "messages were lost or doubled");
	rate = (double)bed->count / team_elapsed(team);
	team_meet(team);
	return rate;
}

static double subject(struct team *team, uint32_t me, void *context)
{
	return timed(team, me, context, ring_one);
}

static double yardstick(struct team *team, uint32_t me, void *context)
{
	return timed(team, me, context, vyukov_one);
}

struct task {
	struct pair pair;
	struct bed bed;
};

static void work(struct team *team, uint32_t me, void *context)
{
	struct task *task = context;

	bed_touch(&task->bed);
	pair_play(team, me, &task->pair, subject, yardstick, &task->bed);
}

static bool play(const char *name, uint32_t order)
{
	if (!bench_wants(name))
		return true;
	struct task task = {.pair = {.name = name,
				     .unit = "M/s",
				     .scale = 1e-6,
				     .limit = 0.5,
				     .aim = 0.8,
				     .rounds = bench_options.rounds}};
	struct team *team = team_new(2);

	if (!team || !bed_make(&task.bed, order, bench_options.quick ? 10000 : order > 12 ? 4000000 : 1000000)) {
		fprintf(stderr, "ring_raw: no memory\n");
		return false;
	}
	if (!team_run(team, work, &task))
		return false;
	return pair_report(&task.pair, team);
}

int main(int argc, char **argv)
{
	bool good;

	bench_start(argc, argv);
	report_title("ring/ alone against a bare Vyukov ring, 64 B, 1 producer, 1 consumer process");
	good = play("ring alone, N=1024", 10);
	good = play("ring alone, N=2^20", bench_options.quick ? 12 : 20) && good;
	return good ? 0 : 1;
}
