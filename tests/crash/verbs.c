/* The public calls with their accounts: what was begun, what was answered. */
#include "tests/crash/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { END_BYTES = 512, WHOLE_BYTES = 1 << 20 };

bool bodies_are_whole = true;

/* ---- bodies ----------------------------------------------------------------------------------- */

uint32_t tag_new(struct scene *scene)
{
	if (scene->tag_count == TAGS_MAX)
		scene_fail(scene, "too many messages for the accounts");
	return scene->tag_count++;
}

/* Bytes of a message from `at` on, END_BYTES of them: each is one more than the one before. */
static const unsigned char *tag_bytes(uint32_t tag, uint32_t at)
{
	static unsigned char ramp[256 + END_BYTES];

	if (ramp[1] == 0)
		for (uint32_t i = 0; i < sizeof(ramp); i++)
			ramp[i] = (unsigned char)i;
	return &ramp[(tag * 31 + at) & 255];
}

/* How many bytes from `at` on are one piece of a body; 0: there are no more. */
static uint32_t next_piece(uint32_t *at, uint32_t bytes)
{
	bool is_whole = bodies_are_whole && bytes < WHOLE_BYTES;
	uint32_t left;

	if (!is_whole && *at == END_BYTES && bytes > 2 * END_BYTES)
		*at = bytes - END_BYTES;
	left = *at < bytes ? bytes - *at : 0;
	return *at < END_BYTES && left > END_BYTES - *at ? END_BYTES - *at : left < END_BYTES ? left : END_BYTES;
}

void tag_write_body(uint32_t tag, void *body, uint32_t bytes)
{
	unsigned char *to = body;

	memcpy(to, &tag, sizeof(tag));
	memcpy(to + 4, &bytes, sizeof(bytes));
	for (uint32_t at = 8, piece; (piece = next_piece(&at, bytes)) > 0; at += piece)
		memcpy(to + at, tag_bytes(tag, at), piece);
}

uint32_t tag_check_body(struct scene *scene, const struct rlq_message *message)
{
	const unsigned char *at = message->body;
	uint32_t tag, bytes;

	if (message->body_bytes < 8)
		scene_fail(scene, "a body of %zu bytes was made up", message->body_bytes);
	memcpy(&tag, at, sizeof(tag));
	memcpy(&bytes, at + 4, sizeof(bytes));
	if (tag >= scene->tag_count || !scene->tag[tag].is_sending)
		scene_fail(scene, "message %u was never sent", tag);
	if (bytes != message->body_bytes)
		scene_fail(scene, "message %u: %zu bytes, not %u", tag, message->body_bytes, bytes);
	for (uint32_t from = 8, piece; (piece = next_piece(&from, bytes)) > 0; from += piece)
		if (memcmp(at + from, tag_bytes(tag, from), piece) != 0)
			scene_fail(scene, "message %u: bytes from %u on are wrong", tag, from);
	if (scene->tag[tag].id[1] != 0 &&
	    memcmp(scene->tag[tag].id, message->id.word, sizeof(message->id.word)) != 0)
		scene_fail(scene, "message %u has the bytes of another", tag);
	return tag;
}

void tags_forget(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->tag_count; i++)
		scene->tag[i].is_forgotten = 1;
}

/* ---- reading in place ------------------------------------------------------------------------- */

static void reading_note(struct actor *actor, const struct rlq_queue *queue, const struct rlq_message *message,
			 uint32_t tag)
{
	struct scene *scene = actor->scene;

	if (!actor->is_victim || !message->in_place)
		return;
	if (scene->reading_count == READINGS_MAX)
		scene_fail(scene, "too much is read in place");
	scene->reading[scene->reading_count++] = (struct reading){
		.queue = queue, .body = message->body, .tag = tag, .bytes = (uint32_t)message->body_bytes};
}

/* The handle that reads it ends that, by letting go, or by deleting it. */
static void reading_forget(struct actor *actor, const struct rlq_queue *queue, uint32_t tag)
{
	struct scene *scene = actor->scene;

	for (uint32_t i = scene->reading_count; actor->is_victim && i-- > 0;)
		if (scene->reading[i].queue == queue && scene->reading[i].tag == tag)
			scene->reading[i] = scene->reading[--scene->reading_count];
}

/* ---- steps ------------------------------------------------------------------------------------ */

static void measure_begin(const struct actor *actor)
{
	if (actor->is_measured)
		crash_steps_taken();
}

static void measure_end(const struct actor *actor, const char *what)
{
	bool is_dearer = actor->is_reaping || actor->scene->is_fifo;
	uint64_t *most = is_dearer ? &actor->scene->reap_steps_max : &actor->scene->steps_max;
	uint64_t steps;

	if (!actor->is_measured)
		return;
	steps = crash_steps_taken();
	if (steps > *most)
		*most = steps;
	if (steps <= (actor->scene->is_fifo ? FIFO_STEPS_MAX : actor->is_reaping ? REAP_STEPS_MAX : STEPS_MAX))
		return;
	actor->scene->is_stuck = true;
	scene_fail(actor->scene, "%s took a survivor %llu steps", what, (unsigned long long)steps);
}

void expect_code(struct scene *scene, const char *what, int code)
{
	if (code < 0 && code != RLQ_ESTALE && code != RLQ_EFULL)
		scene_fail(scene, "%s: %s", what, rlq_strerror(code));
}

/* ---- verbs ------------------------------------------------------------------------------------ */

/* So that each group has the ids of the others. */
static uint32_t number_in_group(const struct scene *scene, uint32_t tag, uint32_t group)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < tag; i++)
		number += scene->tag[i].group == group;
	return number;
}

void tag_set_ids(struct scene *scene, uint32_t tag, uint32_t group, struct tag_ids *ret_ids)
{
	uint32_t number = scene->has_group_ids ? number_in_group(scene, tag, group) : tag;

	snprintf(ret_ids->group, sizeof(ret_ids->group), "g%u", group);
	snprintf(ret_ids->dedup, sizeof(ret_ids->dedup), "%u", number);
	ret_ids->dedup_id = scene->has_content_ids ? NULL : ret_ids->dedup;
	scene->tag[tag].group = group;
}

void tag_sending(struct scene *scene, bool is_dlq, uint32_t tag, uint32_t bytes)
{
	scene->tag[tag].is_sending = 1;
	scene->tag[tag].bytes = is_dlq ? 0 : bytes;
	scene->tag[tag].sent_boot_ms = scene->clock.boot_ms;
}

bool tag_is_remembered(const struct scene *scene, uint32_t tag)
{
	const struct tag *account = &scene->tag[tag];

	return account->bytes != 0 && !account->is_forgotten &&
	       scene->clock.boot_ms < account->sent_boot_ms + DEDUP_WINDOW_MS;
}

void tag_sent(struct scene *scene, bool is_dlq, uint32_t tag, const struct rlq_sent *sent, uint64_t sequence_before)
{
	if (scene->is_fifo)
		order_sent(scene, is_dlq, tag, sent, sequence_before);
	memcpy(scene->tag[tag].id, sent->id.word, sizeof(sent->id.word));
	scene->tag[tag].is_sent = 1;
}

void tag_published(struct scene *scene, uint32_t tag)
{
	if (scene->is_fifo)
		order_published(scene, tag);
	scene->tag[tag].is_sent = 1;
}

static int send_tag(struct actor *actor, struct rlq_queue *queue, uint32_t tag, uint32_t bytes,
		    struct rlq_send_options *options)
{
	struct scene *scene = actor->scene;
	unsigned char *body = calloc(1, bytes);
	bool is_dlq = queue == actor->dlq;
	uint64_t sequence_before = scene->known.sequence_last[is_dlq];
	struct rlq_sent sent;
	int error;

	if (body == NULL)
		scene_fail(scene, "no memory");
	options->ret_sent = &sent;
	tag_write_body(tag, body, bytes);
	tag_sending(scene, is_dlq, tag, bytes);
	measure_begin(actor);
	error = rlq_send(queue, body, bytes, options, NULL);
	measure_end(actor, "send");
	free(body);
	if (error == 0)
		tag_sent(scene, is_dlq, tag, &sent, sequence_before);
	/* Who has stood still for days cannot be told. */
	if (error != RLQ_EUNKNOWN || !actor->is_victim)
		expect_code(scene, "send", error);
	return error;
}

void verb_send_again(struct actor *actor, uint32_t tag)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	uint64_t first_ms = actor->scene->tag[tag].sent_boot_ms;
	struct tag_ids ids;

	tag_set_ids(actor->scene, tag, actor->scene->tag[tag].group, &ids);
	options.group = ids.group;
	options.dedup_id = ids.dedup_id;
	actor->scene->tag[tag].is_sent_again = 1;
	send_tag(actor, actor->q, tag, actor->scene->tag[tag].bytes, &options);
	actor->scene->tag[tag].is_sent_again = 0;
	actor->scene->tag[tag].sent_boot_ms = first_ms;
}

int verb_send_to(struct actor *actor, struct rlq_queue *queue, uint32_t group, uint32_t bytes)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	uint32_t tag = tag_new(actor->scene);
	struct tag_ids ids;

	tag_set_ids(actor->scene, tag, group, &ids);
	options.group = ids.group;
	options.dedup_id = ids.dedup_id;
	return send_tag(actor, queue, tag, bytes, &options);
}

int verb_send(struct actor *actor, struct rlq_queue *queue, uint32_t bytes, int64_t delay_ms)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	if (actor->scene->is_fifo)
		return verb_send_to(actor, queue, actor->scene->tag_count % GROUPS, bytes);
	options.delay_ms = delay_ms;
	return send_tag(actor, queue, tag_new(actor->scene), bytes, &options);
}

void verb_send_as(struct actor *actor, struct rlq_queue *queue, const char *tenant, uint32_t count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = tenant;
	for (uint32_t i = 0; i < count; i++)
		send_tag(actor, queue, tag_new(actor->scene), 16, &options);
}

/* Each lease of a message has a receive count of its own, which no other receive may have been given, but one that
 * brings the same lease again. */
static void note_count(struct scene *scene, uint32_t tag, bool is_dlq, uint32_t count, bool may_be_again)
{
	uint32_t *counts = &scene->tag[tag].counts[is_dlq];

	if (count == 0 || count > 31 || (!may_be_again && (*counts & 1u << count)))
		scene_fail(scene, "message %u was received twice with the count %u", tag, count);
	*counts |= 1u << count;
}

/* A first receive is now; that of a message received before lies between its send and now. */
static void check_first_receive(struct scene *scene, const struct rlq_message *message, uint64_t began_ms)
{
	uint64_t from_ms = message->receive_count == 1 ? began_ms : message->sent_ms;

	if (message->first_receive_ms < from_ms || message->first_receive_ms > scene->clock.wall_ms)
		scene_fail(scene, "first received %lld ms after %llu, %u receives",
			   (long long)(message->first_receive_ms - from_ms), (unsigned long long)from_ms,
			   message->receive_count);
}

static int receive(struct actor *actor, struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max,
		   const struct rlq_receive_options *options)
{
	/* A receive that began before the delete may end after it. */
	uint32_t deletes_before = actor->scene->delete_count;
	uint64_t began_ms = actor->scene->clock.wall_ms;
	int count;

	measure_begin(actor);
	count = rlq_receive(queue, ret_messages, max, options);
	measure_end(actor, "receive");
	if (count < 0)
		scene_fail(actor->scene, "receive: %s", rlq_strerror(count));
	for (int i = 0; i < count; i++) {
		uint32_t tag = tag_check_body(actor->scene, &ret_messages[i]);

		if (actor->scene->tag[tag].is_deleted && actor->scene->tag[tag].deleted_at <= deletes_before)
			scene_fail(actor->scene, "message %u was received after its delete", tag);
		check_first_receive(actor->scene, &ret_messages[i], options->attempt_id ? 0 : began_ms);
		if (actor->scene->is_fifo)
			order_received(actor, queue == actor->dlq, tag, &ret_messages[i]);
		note_count(actor->scene, tag, queue == actor->dlq, ret_messages[i].receive_count,
			   options->attempt_id != NULL);
		actor->scene->tag[tag].received++;
		reading_note(actor, queue, &ret_messages[i], tag);
	}
	if (actor->scene->is_fifo)
		order_check_batch(actor, queue == actor->dlq, ret_messages, count);
	return count;
}

int verb_receive(struct actor *actor, struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max,
		 int64_t visibility_ms, uint32_t flags)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.visibility_ms = visibility_ms;
	options.flags = flags;
	return receive(actor, queue, ret_messages, max, &options);
}

/* ---- attempts --------------------------------------------------------------------------------- */

void attempt_ends(struct scene *scene, uint32_t tag)
{
	for (uint32_t i = 0; i < scene->known.attempt_count; i++)
		if (scene->known.attempt_tag[i] == tag)
			scene->known.attempt_count = 0;
}

static void expect_the_same(struct scene *scene, const struct rlq_message *messages, uint32_t count)
{
	const struct knowledge *known = &scene->known;

	if (known->attempt_count == 0 || scene->clock.boot_ms >= known->attempt_until_ms)
		return;
	for (uint32_t i = 0; i < known->attempt_count; i++)
		if (i >= count || tag_check_body(scene, &messages[i]) != known->attempt_tag[i])
			scene_fail(scene, "an attempt has brought %u messages, and now %u: not message %u",
				   known->attempt_count, count, known->attempt_tag[i]);
	if (count != known->attempt_count)
		scene_fail(scene, "an attempt has brought %u messages, and now %u", known->attempt_count, count);
}

int verb_receive_attempt(struct actor *actor, struct rlq_message *ret_messages, size_t max)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct scene *scene = actor->scene;
	struct knowledge *known = &scene->known;
	uint64_t until_ms = scene->clock.boot_ms + VISIBILITY_MS;
	int count;

	options.attempt_id = "attempt";
	known->is_attempting = true;
	count = receive(actor, actor->q, ret_messages, max, &options);
	expect_the_same(scene, ret_messages, (uint32_t)count);
	for (int i = 0; i < count; i++)
		known->attempt_tag[i] = tag_check_body(scene, &ret_messages[i]);
	known->attempt_until_ms = until_ms;
	known->attempt_count = (uint32_t)count;
	return count;
}

void tag_deleted(struct scene *scene, uint32_t tag)
{
	if (scene->tag[tag].is_deleted)
		scene_fail(scene, "message %u was deleted twice: there were two of it", tag);
	scene->tag[tag].is_deleted = 1;
	scene->tag[tag].deleted_at = ++scene->delete_count;
}

int verb_delete(struct actor *actor, struct rlq_queue *queue, const struct rlq_receipt *receipt, uint32_t tag)
{
	struct tag *account = &actor->scene->tag[tag];
	int error;

	reading_forget(actor, queue, tag);
	attempt_ends(actor->scene, tag);
	account->is_deleting = 1;
	measure_begin(actor);
	error = rlq_delete(queue, receipt);
	measure_end(actor, "delete");
	expect_code(actor->scene, "delete", error);
	if (error == 0)
		tag_deleted(actor->scene, tag);
	account->is_deleting = 0;
	return error;
}

void verb_let_go(struct actor *actor, struct rlq_queue *queue, const struct rlq_message *message)
{
	reading_forget(actor, queue, tag_check_body(actor->scene, message));
	expect_code(actor->scene, "let_go", rlq_let_go(queue, message));
}
