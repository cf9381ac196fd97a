#include "tests/crash/batch.h"

static void add(struct batch *batch, struct scene *scene, uint32_t tag, uint32_t group, uint32_t bytes,
		int64_t delay_ms)
{
	uint32_t at = batch->count++;

	batch->tag[at] = tag;
	tag_write_body(tag, batch->body[at], bytes);
	batch->entry[at] =
		(struct rlq_send_entry){.body = batch->body[at], .body_bytes = bytes, .delay_ms = delay_ms};
	if (!scene->is_fifo)
		return;
	tag_set_ids(scene, tag, group, &batch->ids[at]);
	batch->entry[at].group = batch->ids[at].group;
	batch->entry[at].dedup_id = batch->ids[at].dedup_id;
}

void batch_add(struct batch *batch, struct scene *scene, uint32_t group, uint32_t bytes, int64_t delay_ms)
{
	uint32_t tag = tag_new(scene);

	batch->is_again[batch->count] = false;
	tag_sending(scene, false, tag, bytes);
	add(batch, scene, tag, group, bytes, delay_ms);
}

void batch_add_again(struct batch *batch, struct scene *scene, uint32_t tag)
{
	batch->is_again[batch->count] = true;
	add(batch, scene, tag, scene->tag[tag].group, scene->tag[tag].bytes, 0);
}

static void note_again(const struct batch *batch, struct scene *scene, bool is_now)
{
	for (uint32_t i = 0; i < batch->count; i++)
		if (batch->is_again[i])
			scene->tag[batch->tag[i]].is_sent_again = is_now;
}

void batch_send(struct batch *batch, struct actor *actor)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_sent answer[BATCH_MAX];
	struct scene *scene = actor->scene;
	uint64_t sequence_before = scene->known.sequence_last[0];
	int sent;

	options.ret_sent = answer;
	note_again(batch, scene, true);
	sent = rlq_send_batch(actor->q, batch->entry, batch->count, &options, NULL);
	/* Who stands still for longer than ids are remembered, while others publish for him, cannot be told. */
	if (!scene->is_fifo || sent != RLQ_EUNKNOWN)
		expect_code(scene, "send_batch", sent);
	for (int i = 0; i < sent; i++) {
		tag_sent(scene, false, batch->tag[i], &answer[i], sequence_before);
		if (!answer[i].is_duplicate)
			sequence_before = answer[i].sequence;
	}
	note_again(batch, scene, false);
}
