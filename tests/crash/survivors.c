/* What survivors do after a death, and what must then be true. */
#include "tests/crash/scene.h"

#include "tests/support/leaks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
	BATCH = 10,
	AGAIN_MAX = 12,	  /* sends that are tried again */
	CALLS_MAX = 6000, /* that a drain may take */
	LAPS = 4,	  /* a full queue each */
	QUIET_ROUNDS = 3, /* rounds that bring nothing: all is drained */
};

/* ---- going on --------------------------------------------------------------------------------- */

static void say_fault(void *context, const char *text)
{
	scene_fail(context, "verify, before anybody mends: %s", text);
}

void survivors_verify(struct actor *actor)
{
	const char *const names[] = {scene_queue_name(actor->scene, false), scene_queue_name(actor->scene, true),
				     "other"}; /* which a script creates: whole or not at all */

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int faults = rlq_verify(actor->directory, names[i], say_fault, actor->scene);

		if (faults < 0 && faults != RLQ_ENOQUEUE && faults != RLQ_EREMOVED)
			scene_fail(actor->scene, "cannot verify %s: %s", names[i], rlq_strerror(faults));
	}
}

static void send_again(struct actor *actor, bool is_for_sent)
{
	struct scene *scene = actor->scene;
	uint32_t end = scene->tag_count, first = end > AGAIN_MAX ? end - AGAIN_MAX : 0;

	for (uint32_t tag = first; tag < end; tag++)
		if (tag_is_remembered(scene, tag) && (scene->tag[tag].is_sent || !is_for_sent))
			verb_send_again(actor, tag);
}

/* His sends, and his receive. */
static void try_again(struct actor *actor)
{
	struct rlq_message message[ATTEMPT_MAX];

	if (!actor->scene->is_fifo)
		return;
	send_again(actor, false);
	if (actor->scene->known.is_attempting)
		verb_receive_attempt(actor, message, ATTEMPT_MAX);
}

/* Each of the public verbs at once, while nobody has reaped after the dead. */
void survivors_go_on(struct actor *actor)
{
	struct rlq_message message[BATCH];
	uint32_t tag[BATCH];
	int count;

	scene_check_engine(actor);
	verb_send(actor, actor->q, 16, 0);
	verb_send(actor, actor->q, 300, 0);
	if (!actor->scene->retries_late)
		try_again(actor);
	count = verb_receive(actor, actor->q, message, 4, RLQ_DEFAULT, 0);
	for (int i = 0; i < count; i++) {
		tag[i] = tag_check_body(actor->scene, &message[i]);
		attempt_ends(actor->scene, tag[i]);
	}
	for (int i = 0; i < count; i++) {
		expect_code(actor->scene, "extend", rlq_extend(actor->q, &message[i].receipt, 60000));
		if (i % 2 == 0)
			verb_delete(actor, actor->q, &message[i].receipt, tag[i]);
		else
			expect_code(actor->scene, "release", rlq_release(actor->q, &message[i].receipt, 0));
	}
}

void survivors_try_late(struct actor *actor)
{
	struct rlq_message message[BATCH];
	int count;

	if (!actor->scene->is_fifo || !actor->scene->retries_late)
		return;
	leaks_sweep(actor->q);
	count = verb_receive(actor, actor->q, message, BATCH, RLQ_DEFAULT, 0);
	for (int i = 0; i < count; i++)
		verb_delete(actor, actor->q, &message[i].receipt, tag_check_body(actor->scene, &message[i]));
	try_again(actor);
}

/* ---- nothing is lost -------------------------------------------------------------------------- */

static uint32_t drain_once(struct actor *actor, struct rlq_queue *queue, uint32_t *calls)
{
	uint32_t total = 0;

	for (;;) {
		struct rlq_message message[BATCH];
		uint32_t tag[BATCH];
		int count = verb_receive(actor, queue, message, BATCH, RLQ_DEFAULT, 0);

		if (++*calls > CALLS_MAX)
			scene_fail(actor->scene, "the queue does not run dry in %d calls", CALLS_MAX);
		if (count == 0)
			return total;
		for (int i = 0; i < count; i++)
			tag[i] = tag_check_body(actor->scene, &message[i]);
		for (int i = 0; i < count; i++)
			if (verb_delete(actor, queue, &message[i].receipt, tag[i]) != 0)
				scene_fail(actor->scene, "the holder of message %u may not delete it", tag[i]);
		total += (uint32_t)count;
	}
}

void survivors_drain(struct actor *actor)
{
	struct scene *scene = actor->scene;
	uint32_t calls = 0;

	for (int quiet = 0; quiet < QUIET_ROUNDS;) {
		uint32_t got = drain_once(actor, actor->q, &calls) + drain_once(actor, actor->dlq, &calls);

		quiet = got > 0 ? 0 : quiet + 1;
		if (quiet == 1 && scene->is_fifo) /* what is gone does not come again */
			send_again(actor, true);
		fake_clock_advance(&scene->clock, 2 * VISIBILITY_MS + 1000);
		/* Without an engine the consumers' own calls must do. */
		if (scene->is_prompt) {
			leaks_sweep(actor->q);
			leaks_sweep(actor->dlq);
		}
	}
}

/* Who died deleting it may have done so. */
static bool is_missed(const struct tag *account)
{
	return account->is_sent && !account->is_deleted && !account->is_deleting && !account->is_forgotten;
}

void survivors_check_nothing_lost(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (uint32_t tag = 0; tag < scene->tag_count; tag++) {
		const struct tag *account = &scene->tag[tag];

		if (!is_missed(account))
			continue;
		scene->is_loss = true;
		scene_fail(scene, "message %u was sent and is lost (received %u times)", tag, account->received);
	}
}

/* A message on its way between the queues is in nobody's reach while its mover stands; one at a time, and in a FIFO
 * queue those behind it. */
static bool is_any_moving(const struct segment *segment)
{
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];

		for (uint32_t slot = 0; slot < ring_slot_count(ring); slot++) {
			enum slot_state state = word_state(slot_read_stable(&ring->slots[slot]));

			if (state == SLOT_MOVING || state == SLOT_MOVED || state == SLOT_ARRIVING)
				return true;
		}
	}
	return false;
}

void survivors_check_only_in_hands(struct actor *actor)
{
	struct scene *scene = actor->scene;
	bool is_moving = is_any_moving(actor->q->seg) || is_any_moving(actor->dlq->seg);
	uint32_t missing = 0, which = 0;

	for (uint32_t tag = 0; tag < scene->tag_count; tag++) {
		const struct tag *account = &scene->tag[tag];

		if (!is_missed(account))
			continue;
		missing += !scene->is_fifo || missing == 0 || account->group != scene->tag[which].group;
		which = tag;
	}
	if (missing > is_moving)
		scene_fail(scene, "%u messages, message %u one of them, are kept from all by one who stands",
			   missing, which);
}

/* ---- nothing stays behind --------------------------------------------------------------------- */

/* What is read can be set: whoever was killed setting attributes has left nothing that is half one. */
static void check_attributes(struct actor *actor, struct rlq_queue *queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int error = rlq_queue_get_attributes(queue, &attributes);

	if (!error)
		error = rlq_queue_set_attributes(queue, &attributes);
	if (error)
		scene_fail(actor->scene, "attributes that were read cannot be set: %s", rlq_strerror(error));
}

static void check_queue(struct actor *actor, struct rlq_queue *queue)
{
	struct scene *scene = actor->scene;
	const char *left;
	uint64_t purged;

	/* What was orphaned by one sweep is freed by the next. */
	for (int i = 0; i < 3; i++) {
		fake_clock_advance(&scene->clock, SWEEP_EVERY_MS + 1);
		leaks_sweep(queue);
	}
	if (rlq_purge(queue, &purged) != 0 || purged != 0)
		scene_fail(scene, "%llu messages were there, but not to be received", (unsigned long long)purged);
	check_attributes(actor, queue);
	left = leaks_find(queue);
	if (!left)
		left = leaks_find_memory(queue);
	if (left)
		scene_fail(scene, "%s: %s", rlq_queue_name(queue), left);
}

void survivors_check_nothing_left(struct actor *actor)
{
	int alive;

	scene_check_engine(actor);
	check_queue(actor, actor->q);
	check_queue(actor, actor->dlq);
	alive = tmpdir_count(actor->scene->directory, ".alive-");
	if (alive > 2)
		scene_fail(actor->scene, "%d files of dead processes stay behind", alive - 2);
}

/* ---- capacity --------------------------------------------------------------------------------- */

/* Of an empty queue: what is not free is in the victim's hands. */
static uint32_t slots_in_hands(const struct segment *segment)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];

		for (uint32_t slot = 0; slot < ring_slot_count(ring); slot++)
			count += word_state(slot_read_stable(&ring->slots[slot])) != SLOT_FREE;
	}
	return count;
}

static uint32_t press(struct actor *actor)
{
	uint32_t sent = 0;

	for (uint32_t i = 0; verb_send(actor, actor->q, i % 8 == 0 ? 70000 : i % 4 == 0 ? 300 : 16, 0) == 0; i++)
		if (++sent > actor->scene->capacity)
			scene_fail(actor->scene, "more than %u messages fit", actor->scene->capacity);
	return sent;
}

void survivors_use_again(struct actor *actor)
{
	uint32_t in_hands = slots_in_hands(actor->q->seg), calls = 0;

	for (int lap = 0; lap < LAPS; lap++) {
		uint32_t sent;

		/* Those behind a message in his hands fill the queue. */
		if (actor->scene->is_fifo)
			in_hands = slots_in_hands(actor->q->seg);
		sent = press(actor);
		if (sent + in_hands < actor->scene->capacity)
			scene_fail(actor->scene, "only %u messages fit beside %u in the victim's hands", sent,
				   in_hands);
		drain_once(actor, actor->q, &calls);
	}
}

/* ---- reading what another holds --------------------------------------------------------------- */

static void compare_reading(struct actor *actor, const struct reading *reading, pid_t victim)
{
	unsigned char *seen = malloc(reading->bytes), *wanted = calloc(1, reading->bytes);
	struct iovec here = {seen, reading->bytes}, there = {(void *)(uintptr_t)reading->body, reading->bytes};

	if (seen == NULL || wanted == NULL)
		scene_fail(actor->scene, "no memory");
	tag_write_body(reading->tag, wanted, reading->bytes);
	/* Where one process may not look into another's memory, what it sees itself later must do. */
	if (process_vm_readv(victim, &here, 1, &there, 1, 0) == (ssize_t)reading->bytes) {
		if (memcmp(seen, wanted, reading->bytes) != 0)
			scene_fail(actor->scene, "message %u was overwritten under its reader", reading->tag);
		actor->scene->readings_compared++;
	}
	free(seen);
	free(wanted);
}

void survivors_compare_readings(struct actor *actor, pid_t victim)
{
	for (uint32_t i = 0; i < actor->scene->reading_count; i++)
		compare_reading(actor, &actor->scene->reading[i], victim);
}

/* ---- holding what another held ---------------------------------------------------------------- */

static void hold_from(struct actor *actor, struct rlq_queue *queue)
{
	struct rlq_message message[RECEIPTS_MAX];
	struct scene *scene = actor->scene;
	/* Past the end of an engine. */
	int count = verb_receive(actor, queue, message, RECEIPTS_MAX - scene->kept_count, 4 * VISIBILITY_MS, 0);

	for (int i = 0; i < count; i++)
		scene->kept[scene->kept_count++] =
			(struct kept){.receipt = message[i].receipt,
				      .tag = tag_check_body(scene, &message[i]),
				      .is_dlq = queue == actor->dlq,
				      .until_ms = scene->clock.boot_ms + 4 * VISIBILITY_MS};
}

void survivors_hold(struct actor *actor)
{
	fake_clock_advance(&actor->scene->clock, 2 * VISIBILITY_MS + 1000);
	leaks_sweep(actor->q);
	leaks_sweep(actor->dlq);
	hold_from(actor, actor->q);
	hold_from(actor, actor->dlq);
}

void survivors_still_hold(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (uint32_t i = 0; i < scene->kept_count; i++) {
		const struct kept *kept = &scene->kept[i];

		/* Unless it was purged. In a FIFO queue the lease must not have ended. */
		if (scene->is_fifo && scene->clock.boot_ms >= kept->until_ms)
			continue;
		if (!scene->tag[kept->tag].is_forgotten &&
		    verb_delete(actor, kept->is_dlq ? actor->dlq : actor->q, &kept->receipt, kept->tag) != 0)
			scene_fail(scene, "message %u was taken from its holder by one who came too late",
				   kept->tag);
	}
}

void survivors_fill_exactly(struct actor *actor)
{
	uint32_t count = 0;

	while (count <= actor->scene->capacity && verb_send(actor, actor->q, count % 8 == 0 ? 300 : 16, 0) == 0)
		count++;
	if (count != actor->scene->capacity)
		scene_fail(actor->scene, "%s%u messages fit, not %u",
			   count > actor->scene->capacity ? "at least " : "", count, actor->scene->capacity);
}
