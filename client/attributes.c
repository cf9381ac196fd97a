#include "client/attributes.h"

#include "ring/crashpoint.h"

#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ATTRIBUTES_BYTES_LEAST BYTES_UP_TO(struct rlq_queue_attributes, placement_node)

static bool in_range(int64_t value, int64_t min, int64_t max)
{
	return value >= min && value <= max;
}

/* What a standard queue does not use is as RLQ_QUEUE_ATTRIBUTES_INIT has it. */
static bool has_dedup_defaults(const struct rlq_queue_attributes *a)
{
	return !a->content_dedup && a->dedup_scope == RLQ_DEDUP_QUEUE &&
	       a->dedup_window_ms == RLQ_DEDUP_WINDOW_DEFAULT_MS && a->dedup_max == RLQ_DEDUP_DEFAULT;
}

static int attributes_check(const struct rlq_queue_attributes *a)
{
	bool good = in_range(a->visibility_ms, 0, RLQ_VISIBILITY_MAX_MS) &&
		    in_range(a->delay_ms, 0, RLQ_DELAY_MAX_MS) &&
		    in_range(a->retention_ms, RLQ_RETENTION_MIN_MS, RLQ_RETENTION_MAX_MS) &&
		    in_range(a->wait_ms, 0, 20000) && a->message_bytes_max >= 1 &&
		    a->message_bytes_max <= RLQ_BODY_MAX && a->capacity >= 1 && a->capacity <= RLQ_CAPACITY_MAX &&
		    a->receives_max <= 1000 && a->overdue_ms <= RLQ_RETENTION_MAX_MS &&
		    (a->mode & ~UINT32_C(0777)) == 0 && (a->mode & 0600) == 0600 &&
		    a->placement <= RLQ_PLACE_NODE && a->durability <= RLQ_SYNC && a->type <= RLQ_FIFO &&
		    a->dedup_scope <= RLQ_DEDUP_GROUP &&
		    in_range(a->dedup_window_ms, RLQ_DEDUP_WINDOW_MIN_MS, RLQ_DEDUP_WINDOW_MAX_MS) &&
		    a->dedup_max >= 1 && a->dedup_max <= RLQ_DEDUP_MAX &&
		    (a->journal_bytes_max == 0 || a->durability != RLQ_MEMORY) &&
		    memchr(a->dlq, '\0', sizeof(a->dlq)) != NULL;

	if (!good || (a->dlq[0] == '\0') != (a->receives_max == 0))
		return RLQ_EATTRIBUTE;
	if (a->type == RLQ_STANDARD && !has_dedup_defaults(a))
		return RLQ_ENOTFIFO;
	return a->dlq[0] && !seg_name_is_valid(a->dlq) ? RLQ_ENAME : 0;
}

void attributes_to_words(const struct rlq_queue_attributes *a, uint64_t *words)
{
	words[ATTRIBUTE_VISIBILITY_MS] = (uint64_t)a->visibility_ms;
	words[ATTRIBUTE_DELAY_MS] = (uint64_t)a->delay_ms;
	words[ATTRIBUTE_RETENTION_MS] = (uint64_t)a->retention_ms;
	words[ATTRIBUTE_WAIT_MS] = (uint64_t)a->wait_ms;
	words[ATTRIBUTE_BYTES_MAX] = a->message_bytes_max;
	words[ATTRIBUTE_RECEIVES_MAX] = a->receives_max;
	words[ATTRIBUTE_OVERDUE_MS] = a->overdue_ms;
	words[ATTRIBUTE_JOURNAL_BYTES_MAX] = a->journal_bytes_max;
	if (a->type == RLQ_FIFO) {
		words[ATTRIBUTE_CONTENT_DEDUP] = a->content_dedup;
		words[ATTRIBUTE_DEDUP_SCOPE] = a->dedup_scope;
		words[ATTRIBUTE_DEDUP_WINDOW_MS] = (uint64_t)a->dedup_window_ms;
	}
}

void attributes_from_segment(const struct segment *segment, struct rlq_queue_attributes *ret)
{
	const struct seg_identity *identity = &segment->header->identity;
	uint64_t receives_max = seg_attribute(segment, ATTRIBUTE_RECEIVES_MAX);
	uint64_t dlq = seg_attribute(segment, ATTRIBUTE_DLQ);
	bool has_dlq = receives_max != 0 && (dlq == 1 || dlq == 2); /* see shm/layout.h */

	*ret = (struct rlq_queue_attributes){
		.size = sizeof(*ret),
		.visibility_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_VISIBILITY_MS),
		.delay_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_DELAY_MS),
		.retention_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_RETENTION_MS),
		.wait_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_WAIT_MS),
		.message_bytes_max = seg_attribute(segment, ATTRIBUTE_BYTES_MAX),
		.capacity = segment->capacity,
		.receives_max = has_dlq ? (uint32_t)receives_max : 0,
		.overdue_ms = (uint32_t)seg_attribute(segment, ATTRIBUTE_OVERDUE_MS),
		.mode = identity->mode,
		.group = identity->group,
		.placement = (enum rlq_placement)identity->placement,
		.placement_node = identity->placement_node,
		.durability = (enum rlq_durability)segment->durability,
		.journal_bytes_max = seg_attribute(segment, ATTRIBUTE_JOURNAL_BYTES_MAX),
		.type = seg_is_fifo(segment) ? RLQ_FIFO : RLQ_STANDARD,
		.dedup_window_ms = RLQ_DEDUP_WINDOW_DEFAULT_MS,
		.dedup_max = RLQ_DEDUP_DEFAULT,
	};
	if (seg_is_fifo(segment)) {
		ret->content_dedup = seg_attribute(segment, ATTRIBUTE_CONTENT_DEDUP) != 0;
		ret->dedup_scope = (enum rlq_dedup_scope)seg_attribute(segment, ATTRIBUTE_DEDUP_SCOPE);
		ret->dedup_window_ms = (int64_t)seg_attribute(segment, ATTRIBUTE_DEDUP_WINDOW_MS);
		ret->dedup_max = segment->dedup_max;
	}
	if (has_dlq)
		memcpy(ret->dlq, segment->header->dlq_name[dlq - 1], RLQ_NAME_MAX);
}

bool attributes_equal(const struct rlq_queue_attributes *a, const struct rlq_queue_attributes *b)
{
	uint64_t words_a[ATTRIBUTE_COUNT] = {0}, words_b[ATTRIBUTE_COUNT] = {0};

	attributes_to_words(a, words_a);
	attributes_to_words(b, words_b);
	return memcmp(words_a, words_b, sizeof(words_a)) == 0 && strcmp(a->dlq, b->dlq) == 0;
}

bool fixed_attributes_equal(const struct rlq_queue_attributes *a, const struct rlq_queue_attributes *b)
{
	return a->capacity == b->capacity && a->mode == b->mode && a->group == b->group &&
	       a->placement == b->placement && a->durability == b->durability && a->type == b->type &&
	       a->dedup_max == b->dedup_max &&
	       (a->placement != RLQ_PLACE_NODE || a->placement_node == b->placement_node);
}

int attributes_given(const struct rlq_queue_attributes *given, struct rlq_queue_attributes *ret)
{
	int error = options_read(ret, sizeof(*ret), given);

	return error ? error : attributes_check(ret);
}

static bool queue_exists(struct rlq_directory *directory, const char *name)
{
	char file[SEG_NAME_MAX + 8];

	seg_file_name(name, file);
	return faccessat(directory->seg.fd, file, F_OK, 0) == 0;
}

int dlq_check(struct rlq_directory *directory, const char *name, const struct rlq_queue_attributes *a)
{
	struct segment *dlq;
	bool is_weaker;

	if (!a->dlq[0])
		return 0;
	if (strcmp(a->dlq, name) == 0 || !queue_exists(directory, a->dlq))
		return RLQ_ENODLQ;
	if (seg_name_is_fifo(a->dlq) != (a->type == RLQ_FIFO))
		return RLQ_ETYPE;
	if (a->durability == RLQ_MEMORY || seg_open_to_look(&directory->seg, a->dlq, &dlq) != 0)
		return 0; /* one that cannot be looked into says so when a message moves */
	is_weaker = dlq->durability < (uint32_t)a->durability;
	seg_close(dlq);
	return is_weaker ? RLQ_EATTRIBUTE : 0;
}

int rlq_queue_get_attributes(struct rlq_queue *queue, struct rlq_queue_attributes *ret_attributes)
{
	struct rlq_queue_attributes attributes;
	int error = call_begin(queue);

	if (error)
		return error;
	attributes_from_segment(queue->seg, &attributes);
	call_end(queue);
	return output_write(ret_attributes, ATTRIBUTES_BYTES_LEAST, sizeof(attributes), &attributes);
}

/* The DLQ's name goes into the slot not in use, then one word makes it the one in use. To have none is one
 * word, receives_max = 0, and leaves the name: so a kill leaves no DLQ that is half one. */
static void set_dlq(struct seg_header *header, const char *name)
{
	uint64_t next = load_relaxed(&header->attribute[ATTRIBUTE_DLQ]) == 1 ? 2 : 1;

	memset(header->dlq_name[next - 1], 0, sizeof(header->dlq_name[0]));
	strcpy(header->dlq_name[next - 1], name);
	CRASH_POINT(set_dlq_written);
	store_seq(&header->attribute[ATTRIBUTE_DLQ], next);
	CRASH_POINT(set_attribute);
}

static void set_words(struct segment *segment, const struct rlq_queue_attributes *a)
{
	struct seg_header *header = segment->header;
	uint64_t words[ATTRIBUTE_COUNT] = {0};

	attributes_to_words(a, words);
	for (int i = ATTRIBUTE_VISIBILITY_MS; i <= ATTRIBUTE_OVERDUE_MS; i++) {
		store_seq(&header->attribute[i], words[i]);
		CRASH_POINT(set_attribute);
	}
	for (int i = ATTRIBUTE_JOURNAL_BYTES_MAX; i <= ATTRIBUTE_DEDUP_WINDOW_MS; i++) {
		store_seq(&header->attribute[i], words[i]);
		CRASH_POINT(set_attribute);
	}
	store_seq(&header->attribute[ATTRIBUTE_MODIFIED_MS], segment->clock.wall_ms);
	CRASH_POINT(set_attribute);
	fetch_add_seq(&header->wanted, 1); /* a sweep looks at everything under the new rules */
	CRASH_POINT(set_attribute);
}

int rlq_queue_set_attributes(struct rlq_queue *queue, const struct rlq_queue_attributes *attributes)
{
	struct rlq_queue_attributes wanted = RLQ_QUEUE_ATTRIBUTES_INIT, have;
	int error = attributes_given(attributes, &wanted);

	if (error)
		return error;
	error = call_begin(queue);
	if (error)
		return error;
	attributes_from_segment(queue->seg, &have);
	if (!fixed_attributes_equal(&wanted, &have))
		error = RLQ_EATTRIBUTE;
	else if (strcmp(wanted.dlq, have.dlq) != 0) /* one that is gone since may stay */
		error = dlq_check(queue->directory, rlq_queue_name(queue), &wanted);
	/* Setters take turns by a lock that the kernel drops with its holder; nobody else asks for it. */
	if (!error && flock(queue->seg->fd, LOCK_EX | LOCK_NB) < 0)
		error = RLQ_EBUSY;
	if (!error) {
		if (wanted.dlq[0] && strcmp(wanted.dlq, have.dlq) != 0)
			set_dlq(queue->seg->header, wanted.dlq);
		set_words(queue->seg, &wanted);
		flock(queue->seg->fd, LOCK_UN);
	}
	call_end(queue);
	return error ? error : call_settle(queue);
}
