/* The ids of what is sent: which are needed, which are allowed, and what they become in the slot. */
#include "client/internal.h"

#include "ring/crashpoint.h"
#include "shm/fifo.h"

#include <nettle/sha2.h>

static void content_id(const void *body, size_t bytes, char *ret_text)
{
	static const char digit[] = "0123456789abcdef";
	unsigned char digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	if (bytes > 0)
		sha256_update(&context, bytes, body);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret_text[2 * i] = digit[digest[i] >> 4];
		ret_text[2 * i + 1] = digit[digest[i] & 15];
	}
	ret_text[2 * sizeof(digest)] = '\0';
}

int ids_check(const struct rlq_queue *queue, struct message_parts *parts)
{
	bool is_fifo = seg_is_fifo(queue->seg);

	parts->group_bytes = parts->group ? id_length(parts->group) : 0;
	if (parts->group && parts->group_bytes == 0)
		return RLQ_EGROUPID;
	if (parts->dedup_id && !is_fifo)
		return RLQ_ENOTFIFO;
	parts->dedup_bytes = parts->dedup_id ? id_length(parts->dedup_id) : 0;
	if (parts->dedup_id && parts->dedup_bytes == 0)
		return RLQ_EDEDUPID;
	/* Read once: the message says it too. */
	parts->dedup_in_group = is_fifo && seg_attribute(queue->seg, ATTRIBUTE_DEDUP_SCOPE) == RLQ_DEDUP_GROUP;
	if (is_fifo && parts->group == NULL)
		return RLQ_ENOGROUP;
	if (is_fifo && parts->dedup_id == NULL && !seg_attribute(queue->seg, ATTRIBUTE_CONTENT_DEDUP))
		return RLQ_ENODEDUP;
	return 0;
}

/* Fetches from memory what the id is looked up in, for it takes as long as the rest of a send. */
static int hash_ids(struct rlq_queue *queue, const struct message_parts *parts)
{
	int error;
	struct message_ids ids = {
		.group = (const unsigned char *)parts->group,
		.group_bytes = parts->group_bytes,
		.dedup = (const unsigned char *)parts->dedup_id,
		.dedup_bytes = parts->dedup_bytes,
		.dedup_in_group = parts->dedup_in_group,
	};

	error = id_hash_message(queue->seg, &ids, &queue->ids.group, &queue->ids.key);
	dedup_prefetch(&queue->seg->dedup, queue->ids.key.word);
	return error;
}

int ids_foresee(struct rlq_queue *queue, struct message_parts *parts, struct foreseen_ids *ret)
{
	int error = ids_check(queue, parts);

	ret->dedup_bytes = 0;
	if (error || parts->dedup_id == NULL)
		return error;
	error = hash_ids(queue, parts);
	*ret = (struct foreseen_ids){.group = queue->ids.group,
				     .key = queue->ids.key,
				     .group_bytes = parts->group_bytes,
				     .dedup_bytes = parts->dedup_bytes,
				     .dedup_in_group = parts->dedup_in_group};
	return error;
}

/* As it was foreseen. */
static void use_foreseen(struct rlq_queue *queue, struct message_parts *parts, const struct foreseen_ids *foreseen)
{
	parts->group_bytes = foreseen->group_bytes;
	parts->dedup_bytes = foreseen->dedup_bytes;
	parts->dedup_in_group = foreseen->dedup_in_group;
	queue->ids.group = foreseen->group;
	queue->ids.key = foreseen->key;
}

/* Not foreseen. The key is left open until the body is there if that is to be written yet. */
static int make_ids(struct rlq_queue *queue, struct message_parts *parts, bool in_place)
{
	/* Or prepared before, and there was no room. */
	bool is_open = in_place && (parts->dedup_id == NULL || parts->dedup_id == queue->ids.content);
	int error;

	if (parts->dedup_id == NULL) {
		content_id(parts->body, is_open ? 0 : parts->body_bytes, queue->ids.content);
		parts->dedup_id = queue->ids.content;
		parts->dedup_bytes = sizeof(queue->ids.content) - 1;
	}
	error = hash_ids(queue, parts);
	if (is_open)
		queue->ids.key = (struct id_key){0};
	return error;
}

int ids_prepare(struct rlq_queue *queue, struct message_parts *parts, int64_t *delay_ms, bool in_place,
		const struct foreseen_ids *foreseen)
{
	bool is_foreseen = foreseen && foreseen->dedup_bytes != 0;
	int error = is_foreseen ? 0 : ids_check(queue, parts);

	if (error || !seg_is_fifo(queue->seg))
		return error;
	if (*delay_ms != 0 && *delay_ms != RLQ_DEFAULT)
		return RLQ_EDELAY;
	*delay_ms = RLQ_DEFAULT; /* as AWS: 0 does not override the queue's, which counts when it is published */
	if (!is_foreseen)
		return make_ids(queue, parts, in_place);
	use_foreseen(queue, parts, foreseen);
	return 0;
}

void ids_note_first(struct rlq_queue *queue, uint64_t link)
{
	if (queue->seg->durability == RLQ_SYNC)
		queue->firsts[queue->first_count++] = (struct first_sent){.link = link, .key = queue->ids.key};
}

bool ids_are_known(struct rlq_queue *queue, struct rlq_message_id *ret_id)
{
	struct fifo_sent first;

	if (!fifo_find(queue->seg, queue->ids.key.word, &first))
		return false;
	queue->ids.sequence = first.sequence;
	queue->ids.is_duplicate = true;
	queue->ids.first = (struct rlq_message_id){{first.id[0], first.id[1]}};
	ids_note_first(queue, first.link);
	if (ret_id)
		*ret_id = queue->ids.first;
	return true;
}

void ids_write(const struct rlq_queue *queue, struct slot *slot)
{
	struct fifo_links *links = fifo_links(slot);

	fifo_begin(slot, queue->ids.group);
	store_relaxed(&links->key[0], queue->ids.key.word[0]); /* relaxed: joining it publishes them */
	CRASH_POINT(group_link_written);
	store_relaxed(&links->key[1], queue->ids.key.word[1]);
	CRASH_POINT(group_link_written);
}

int ids_seal(struct rlq_queue *queue, struct slot *slot, uint64_t place)
{
	struct fifo_links *links = fifo_links(slot);
	struct slot_message message = message_read(&slot->message);
	/* Ours, and nobody reads it yet. */
	unsigned char *payload = (unsigned char *)message_payload(queue->seg, slot, &message, place), *extra;
	struct message_ids ids;
	uint64_t group;
	int error;

	if (load_relaxed(&links->key[0]) != 0 || load_relaxed(&links->key[1]) != 0)
		return 0;
	if (payload == NULL)
		return RLQ_EDAMAGED;
	extra = payload + message.body_bytes;
	error = message_read_ids(extra, message.extra_bytes, &ids);
	if (error || ids.dedup == NULL || ids.dedup_bytes != sizeof(queue->ids.content) - 1)
		return RLQ_EDAMAGED;
	content_id(payload, message.body_bytes, queue->ids.content);
	memcpy(extra + (ids.dedup - extra), queue->ids.content, ids.dedup_bytes);
	error = id_hash_message(queue->seg, &ids, &group, &queue->ids.key);
	if (error)
		return error;
	queue->ids.group = load_relaxed(&links->group);
	ids_write(queue, slot);
	return 0;
}
