#include "tests/crash/order.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

static bool is_late(const struct scene *scene, const struct tag *account)
{
	return scene->clock.boot_ms >= account->sent_boot_ms + DEDUP_WINDOW_MS;
}

/* Gone long ago, and its id is forgotten too: it is another message. */
static void account_anew(struct tag *account)
{
	*account = (struct tag){.is_sending = 1, .is_forgotten = 1, .is_sent_again = 1, .group = account->group};
}

void order_published(struct scene *scene, uint32_t tag)
{
	if (is_late(scene, &scene->tag[tag]))
		account_anew(&scene->tag[tag]);
}

void order_sent(struct scene *scene, bool is_dlq, uint32_t tag, const struct rlq_sent *sent,
		uint64_t sequence_before)
{
	struct tag *account = &scene->tag[tag];
	uint64_t known = scene->known.is_redriven ? 0 : account->sequence[is_dlq];

	/* Also for a sender who was stopped so long that others have sent it in his place, and their window is
	 * over. */
	if (((account->is_forgotten && account->is_sent_again) || is_late(scene, account)) && !sent->is_duplicate) {
		account_anew(account);
		known = 0;
	}
	/* Sent before, and it has been answered or received: this one is the same. */
	if ((account->id[1] != 0 && memcmp(account->id, sent->id.word, sizeof(account->id)) != 0) ||
	    (known != 0 && known != sent->sequence))
		scene_fail(scene, "message %u was sent twice: as number %llu and %llu", tag,
			   (unsigned long long)known, (unsigned long long)sent->sequence);
	if (account->bytes == 0 && !account->is_forgotten && sent->is_duplicate)
		scene_fail(scene, "message %u is called a duplicate", tag);
	if (!sent->is_duplicate && account->is_sent_again && !account->is_forgotten &&
	    (account->is_sent || account->received > 0))
		scene_fail(scene, "message %u was sent and is not remembered", tag);
	if (sent->is_duplicate)
		sequence_before = 0;
	if (sent->sequence <= sequence_before)
		scene_fail(scene, "message %u got number %llu, after %llu had been answered", tag,
			   (unsigned long long)sent->sequence, (unsigned long long)sequence_before);
	if (sent->sequence > scene->known.sequence_last[is_dlq])
		scene->known.sequence_last[is_dlq] = sent->sequence;
	if (known == 0 && !scene->known.is_redriven && !account->is_forgotten)
		account->sequence[is_dlq] = sent->sequence;
}

void order_redriven(struct scene *scene)
{
	scene->known.is_redriven = true;
	for (uint32_t tag = 0; tag < scene->tag_count; tag++)
		scene->tag[tag].sequence[0] = 0;
}

/* ---- one message ------------------------------------------------------------------------------ */

/* Of a queue that makes ids of bodies. */
static void write_content_id(const struct rlq_message *message, char ret_text[2 * SHA256_DIGEST_SIZE + 1])
{
	unsigned char digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, message->body_bytes, message->body);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(&ret_text[2 * i], "%02x", digest[i]);
}

static void check_ids(struct scene *scene, uint32_t tag, const struct rlq_message *message)
{
	char content_id[2 * SHA256_DIGEST_SIZE + 1];
	struct tag_ids ids;

	tag_set_ids(scene, tag, scene->tag[tag].group, &ids);
	if (scene->has_content_ids)
		write_content_id(message, content_id);
	if (message->group == NULL || strcmp(message->group, ids.group) != 0 || message->dedup_id == NULL ||
	    strcmp(message->dedup_id, scene->has_content_ids ? content_id : ids.dedup) != 0)
		scene_fail(scene, "message %u has not the ids it was sent with", tag);
}

static void learn_number(struct scene *scene, bool is_dlq, uint32_t tag, uint64_t sequence)
{
	uint64_t *known = &scene->tag[tag].sequence[is_dlq];

	bool is_renewed = scene->known.is_redriven && !is_dlq && sequence > *known;

	if (sequence == 0 || (*known != 0 && *known != sequence && !is_renewed))
		scene_fail(scene, "message %u has number %llu, not %llu", tag, (unsigned long long)sequence,
			   (unsigned long long)*known);
	if (is_renewed && sequence != *known)
		scene->tag[tag].counts[0] = 0; /* counted anew */
	*known = sequence;
}

/* First receives are in the order of numbers; and in the DLQ of those that they had in q. */
static void check_first(struct scene *scene, bool is_dlq, uint32_t tag)
{
	const struct tag *account = &scene->tag[tag];

	for (uint32_t i = 0; i < scene->tag_count; i++) {
		const struct tag *other = &scene->tag[i];

		if (i == tag || other->group != account->group || other->counts[is_dlq] == 0)
			continue;
		if (other->sequence[is_dlq] > account->sequence[is_dlq])
			scene_fail(scene, "message %u of group %u came after message %u, which was behind it", tag,
				   account->group, i);
		if (is_dlq && !scene->known.is_redriven && account->sequence[0] != 0 &&
		    other->sequence[0] > account->sequence[0])
			scene_fail(scene, "message %u was moved before message %u", i, tag);
	}
}

void order_received(struct actor *actor, bool is_dlq, uint32_t tag, const struct rlq_message *message)
{
	struct scene *scene = actor->scene;
	/* Who was stopped in the midst of a receive may tell us later than others what he got. */
	bool may_be_late = actor->is_victim && scene->plan.nth != 0;

	check_ids(scene, tag, message);
	learn_number(scene, is_dlq, tag, message->sequence);
	if (scene->tag[tag].counts[is_dlq] == 0 && !may_be_late)
		check_first(scene, is_dlq, tag);
}

/* ---- one receive ------------------------------------------------------------------------------ */

/* Known to be in the queue, and to stay there until it is deleted. */
static bool is_there(const struct scene *scene, bool is_dlq, const struct tag *account)
{
	bool may_move = is_dlq ? scene->known.is_redriven : scene->receives_max > 0;

	return account->sequence[is_dlq] != 0 && !may_move && !account->is_deleted && !account->is_deleting &&
	       !account->is_forgotten;
}

static bool is_among(struct scene *scene, const struct rlq_message *messages, int count, uint32_t tag)
{
	for (int i = 0; i < count; i++)
		if (tag_check_body(scene, &messages[i]) == tag)
			return true;
	return false;
}

/* Deletes do not go back, so what is there now was there when the message was leased. */
static void check_before(struct scene *scene, bool is_dlq, const struct rlq_message *messages, int count)
{
	uint32_t tag = tag_check_body(scene, &messages[count]);
	const struct tag *account = &scene->tag[tag];

	for (int i = 0; i < count; i++) {
		const struct tag *other = &scene->tag[tag_check_body(scene, &messages[i])];

		if (other->group == account->group && messages[i].sequence > messages[count].sequence)
			scene_fail(scene, "a receive has message %u of group %u out of order", tag, account->group);
	}
	for (uint32_t i = 0; i < scene->tag_count; i++) {
		const struct tag *other = &scene->tag[i];

		if (other->group == account->group && is_there(scene, is_dlq, other) &&
		    other->sequence[is_dlq] < account->sequence[is_dlq] && !is_among(scene, messages, count, i))
			scene_fail(scene,
				   "message %u of group %u was received, though message %u before it is there", tag,
				   account->group, i);
	}
}

void order_check_batch(struct actor *actor, bool is_dlq, const struct rlq_message *messages, int count)
{
	for (int i = 0; i < count; i++)
		check_before(actor->scene, is_dlq, messages, i);
}
