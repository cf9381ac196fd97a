#include "tests/crash/durable_stage.h"

#include "ringlease-engine.h"
#include "shm/durable.h"
#include "tests/support/arguments.h"

#include <string.h>
#include <unistd.h>

enum { LIVE_MOST = 120, SMALL = 100, LARGE = 3000, LEASE_MS = 3600000, PENDING_MOST = 4096, COMPACT_EVERY = 8 };

const char *const stage_names[STAGE_QUEUES] = {"sync", "async", "moves", "dlq", "kept"};

/* One process: its handles, and what it was told of async queues since it last knew everything durable. */
struct hands {
	struct stage *stage;
	uint64_t random;
	struct rlq_directory *directory;
	struct rlq_queue *queue[STAGE_QUEUES];
	unsigned char body[BODY_MOST];
	unsigned accepted[PENDING_MOST], deleted[PENDING_MOST];
	unsigned accepted_count, deleted_count;
};

static void open_hands(struct hands *hands)
{
	int error = rlq_directory_open(hands->stage->queues, &hands->directory);

	for (int i = 0; i < STAGE_QUEUES && !error; i++)
		error = rlq_queue_open(hands->directory, stage_names[i], &hands->queue[i]);
	if (error) {
		stage_fail(hands->stage, "a client cannot open its queues: %s", rlq_strerror(error));
		_exit(1);
	}
}

static void close_hands(struct hands *hands)
{
	for (int i = 0; i < STAGE_QUEUES; i++) {
		rlq_queue_close(hands->queue[i]);
		hands->queue[i] = NULL;
	}
	rlq_directory_close(hands->directory);
	hands->accepted_count = hands->deleted_count = 0;
}

/* Rests while that is asked for; true: it was. */
static bool rest(struct stage *stage, void (*close)(struct hands *hands), struct hands *hands)
{
	if (!stage_is_paused(stage))
		return false;
	close(hands);
	stage_rest(stage);
	return true;
}

static void know(struct stage *stage, unsigned tag, unsigned bits)
{
	atomic_fetch_or(&stage->tag[tag], (unsigned char)bits);
}

/* What an answer may be while engines die: done, not known, refused. */
static void note_answer(struct stage *stage, const char *call, int result)
{
	if (result == RLQ_EUNKNOWN) {
		atomic_fetch_add(&stage->unknown, 1);
	} else if (result == RLQ_EENGINE) {
		atomic_fetch_add(&stage->refused, 1);
	} else if (result >= 0) {
		atomic_fetch_add(&stage->answers, 1);
	} else if (result != RLQ_EFULL && result != RLQ_ESTALE) {
		stage_fail(stage, "%s answers %s", call, rlq_strerror(result));
		_exit(1);
	}
}

/* A call that waits was answered: all before it is durable. */
static void all_durable(struct hands *hands)
{
	while (hands->accepted_count > 0)
		know(hands->stage, hands->accepted[--hands->accepted_count], TAG_DURABLE);
	while (hands->deleted_count > 0)
		know(hands->stage, hands->deleted[--hands->deleted_count], TAG_GONE);
}

static void accepted(struct hands *hands, enum stage_queue queue, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		know(hands->stage, first + i, queue == STAGE_ASYNC ? TAG_ACCEPTED : TAG_ACCEPTED | TAG_DURABLE);
		if (queue == STAGE_ASYNC && hands->accepted_count < PENDING_MOST)
			hands->accepted[hands->accepted_count++] = first + i;
	}
	if (queue != STAGE_ASYNC)
		all_durable(hands);
	atomic_fetch_add(&hands->stage->live, (int)count);
}

static void send_some(struct hands *hands, enum stage_queue queue, unsigned count, size_t bytes)
{
	struct stage *stage = hands->stage;
	struct rlq_send_entry entries[RLQ_BATCH_MAX];
	unsigned char bodies[RLQ_BATCH_MAX][LARGE];
	struct story_call *call[RLQ_BATCH_MAX];
	unsigned first = atomic_fetch_add(&stage->next_tag, count);
	int result;

	if (first + count > TAGS_ALL) {
		stage_fail(stage, "too many messages");
		_exit(1);
	}
	for (unsigned i = 0; i < count; i++) {
		unsigned tag = first + i;

		know(stage, tag, TAG_TRIED);
		call[i] = story_begin(&stage->story, stage_names[queue], STORY_SEND, tag);
		memset(bodies[i], (int)tag, sizeof(bodies[i]));
		memcpy(bodies[i], &tag, sizeof(tag));
		entries[i] = (struct rlq_send_entry){
			.body = bodies[i], .body_bytes = bytes < LARGE ? bytes : LARGE, .delay_ms = RLQ_DEFAULT};
	}
	if (count == 1) {
		memset(hands->body, (int)first, bytes);
		memcpy(hands->body, &first, sizeof(first));
		result = rlq_send(hands->queue[queue], hands->body, bytes, NULL, NULL);
	} else {
		result = rlq_send_batch(hands->queue[queue], entries, count, NULL, NULL);
	}
	for (unsigned i = 0; i < count; i++)
		story_end(call[i], result);
	note_answer(stage, "a send", result);
	if (result >= 0)
		accepted(hands, queue, first, count == 1 ? 1 : (unsigned)result);
	/* One that was refused did nothing. Of a batch, the first may have gone. */
	if (count == 1 && (result == RLQ_EENGINE || result == RLQ_EFULL))
		know(stage, first, TAG_GONE);
}

static void delete_one(struct hands *hands, enum stage_queue queue, unsigned tag, const struct rlq_receipt *receipt)
{
	struct story_call *call = story_begin(&hands->stage->story, stage_names[queue], STORY_DELETE, tag);
	int result;

	know(hands->stage, tag, TAG_DELETE_TRIED);
	result = rlq_delete(hands->queue[queue], receipt);
	story_end(call, result);
	note_answer(hands->stage, "a delete", result);
	atomic_fetch_sub(&hands->stage->live, 1);
	if (result != 0)
		return;
	know(hands->stage, tag, queue == STAGE_ASYNC ? TAG_DELETE_ACCEPTED : TAG_DELETE_ACCEPTED | TAG_GONE);
	if (queue == STAGE_ASYNC && hands->deleted_count < PENDING_MOST)
		hands->deleted[hands->deleted_count++] = tag;
	if (queue != STAGE_ASYNC)
		all_durable(hands);
}

/* Received by anybody, so a sync message is on the disk. */
static void receive_one(struct hands *hands, enum stage_queue queue, bool deletes)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	unsigned tag;
	int count;

	options.wait_ms = 0;
	options.visibility_ms = deletes ? LEASE_MS : 0;
	count = rlq_receive(hands->queue[queue], &message, 1, &options);
	note_answer(hands->stage, "a receive", count);
	if (count != 1)
		return;
	memcpy(&tag, message.body, sizeof(tag));
	story_end(story_begin(&hands->stage->story, stage_names[queue], STORY_RECEIVE, tag), count);
	if (tag >= atomic_load(&hands->stage->next_tag) || atomic_load(&hands->stage->tag[tag]) & TAG_GONE) {
		story_is_about(&hands->stage->story, false, tag);
		stage_fail(hands->stage, "message %u is received from %s, and is gone for good", tag,
			   stage_names[queue]);
		_exit(1);
	}
	if (queue != STAGE_ASYNC)
		know(hands->stage, tag, TAG_DURABLE);
	if (deletes)
		delete_one(hands, queue, tag, &message.receipt);
}

static void any_call(struct hands *hands)
{
	static const enum stage_queue sends[] = {STAGE_SYNC, STAGE_ASYNC, STAGE_ASYNC, STAGE_MOVES};
	static const enum stage_queue takes[] = {STAGE_SYNC, STAGE_ASYNC, STAGE_DLQ, STAGE_SYNC};
	uint64_t drawn = random_next(&hands->random);
	bool is_full = atomic_load(&hands->stage->live) > LIVE_MOST;

	if (drawn >> 60 < 4)
		receive_one(hands, STAGE_MOVES, false);
	else if (drawn >> 60 < 8 || is_full)
		receive_one(hands, takes[drawn >> 40 & 3], true);
	else if (drawn >> 30 % 64 == 0)
		send_some(hands, sends[drawn >> 40 & 3], 1, BODY_MOST);
	else
		send_some(hands, sends[drawn >> 40 & 3], drawn >> 42 & 1 ? 1 : 1 + (unsigned)(drawn >> 45 & 7),
			  drawn >> 43 & 1 ? LARGE : SMALL);
}

void client_main(void *context)
{
	const struct client *client = context;
	static struct hands hands;

	hands = (struct hands){.stage = client->stage, .random = client->random};
	open_hands(&hands);
	for (;;) {
		if (rest(hands.stage, close_hands, &hands))
			open_hands(&hands);
		any_call(&hands);
	}
}

/* ---- the queue that passes -------------------------------------------------------------------- */

static void close_directory(struct hands *hands)
{
	rlq_directory_close(hands->directory);
}

static void open_directory(struct hands *hands)
{
	if (rlq_directory_open(hands->stage->queues, &hands->directory) != 0) {
		stage_fail(hands->stage, "a client cannot open the directory");
		_exit(1);
	}
}

static void make_and_remove(struct hands *hands)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct stage *stage = hands->stage;
	int result;

	attributes.durability = RLQ_SYNC;
	if (atomic_load(&stage->passing) != PASSING_THERE) {
		atomic_store(&stage->passing, PASSING_UNKNOWN);
		result = rlq_queue_create(hands->directory, STAGE_PASSING, &attributes);
		if (result != RLQ_EBUSY)
			note_answer(stage, "a creation", result);
		if (result >= 0)
			atomic_store(&stage->passing, PASSING_THERE);
		return;
	}
	atomic_store(&stage->passing, PASSING_UNKNOWN);
	atomic_store(&stage->is_removing, true);
	result = rlq_queue_remove(hands->directory, STAGE_PASSING);
	atomic_store(&stage->is_removing, false);
	note_answer(stage, "a removal", result);
	if (result == 0)
		atomic_store(&stage->passing, PASSING_GONE);
}

void passer_main(void *context)
{
	const struct client *client = context;
	static struct hands hands;

	hands = (struct hands){.stage = client->stage, .random = client->random};
	open_directory(&hands);
	for (;;) {
		if (rest(hands.stage, close_directory, &hands))
			open_directory(&hands);
		make_and_remove(&hands);
	}
}

/* ---- compaction ------------------------------------------------------------------------------- */

/* Whoever waits for it when the engine dies hears so; what is answered as done was done. */
static void compact(struct hands *hands)
{
	const struct seg_engine_page *page = hands->directory->seg.engine;
	struct stage *stage = hands->stage;
	uint64_t done = load_seq(&page->compact_done);
	int result = rlq_journal_compact(stage->queues, NULL, NULL);

	note_answer(stage, "a compaction", result);
	if (result == 0 && load_seq(&page->compact_done) == done) {
		stage_fail(stage, "a compaction answers that it is done, and it is not");
		_exit(1);
	}
	atomic_fetch_add(&stage->compacted, result == 0);
	atomic_fetch_add(&stage->uncompacted, result == RLQ_EUNKNOWN);
}

/* Some turns pass between two, so that files grow old in other ways too. */
void compacter_main(void *context)
{
	const struct client *client = context;
	static struct hands hands;

	hands = (struct hands){.stage = client->stage, .random = client->random};
	open_directory(&hands);
	for (unsigned turn = 0;; turn++) {
		if (rest(hands.stage, close_directory, &hands))
			open_directory(&hands);
		if (turn % COMPACT_EVERY == 0)
			compact(&hands);
		else
			note_answer(hands.stage, "a wait", seg_wait_durable(&hands.directory->seg));
	}
}
