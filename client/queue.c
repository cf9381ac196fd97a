/* Directories and queues: open, create, list, attributes. */
#include "client/internal.h"

#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "shm/durable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { CREATE_TRIES = 8 };

#define ATTRIBUTES_BYTES_LEAST BYTES_UP_TO(struct rlq_queue_attributes, placement_node)

/* ---- directories ------------------------------------------------------------------------------ */

int rlq_directory_open(const char *path, struct rlq_directory **ret_directory)
{
	struct rlq_directory *directory = calloc(1, sizeof(*directory));
	int error;

	if (directory == NULL)
		return -ENOMEM;
	error = seg_directory_open(path, &directory->seg);
	if (error) {
		free(directory);
		return error == -ENOENT ? error : public_error(error);
	}
	*ret_directory = directory;
	return 0;
}

void rlq_directory_close(struct rlq_directory *directory)
{
	if (directory == NULL)
		return;
	seg_directory_close(&directory->seg);
	free(directory);
}

const char *rlq_directory_path(const struct rlq_directory *directory)
{
	return directory->seg.path;
}

bool rlq_directory_is_tmpfs(const struct rlq_directory *directory)
{
	return directory->seg.is_tmpfs;
}

bool rlq_directory_has_engine(const struct rlq_directory *directory)
{
	return seg_engine_is_prompt(&directory->seg, os_boot_ms());
}

int rlq_queue_list(struct rlq_directory *directory, const char *prefix,
		   int (*each)(void *context, const char *name), void *context)
{
	if (is_forked(directory))
		return RLQ_EFORKED;
	return seg_directory_list(&directory->seg, prefix, each, context);
}

/* ---- attributes ------------------------------------------------------------------------------- */

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

static void attributes_to_words(const struct rlq_queue_attributes *a, uint64_t *words)
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

static void attributes_from_segment(const struct segment *segment, struct rlq_queue_attributes *ret)
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

/* The values of `a`, field by field: padding and `size` do not count. */
static bool attributes_equal(const struct rlq_queue_attributes *a, const struct rlq_queue_attributes *b)
{
	uint64_t words_a[ATTRIBUTE_COUNT] = {0}, words_b[ATTRIBUTE_COUNT] = {0};

	attributes_to_words(a, words_a);
	attributes_to_words(b, words_b);
	return memcmp(words_a, words_b, sizeof(words_a)) == 0 && strcmp(a->dlq, b->dlq) == 0;
}

static bool fixed_attributes_equal(const struct rlq_queue_attributes *a, const struct rlq_queue_attributes *b)
{
	return a->capacity == b->capacity && a->mode == b->mode && a->group == b->group &&
	       a->placement == b->placement && a->durability == b->durability && a->type == b->type &&
	       a->dedup_max == b->dedup_max &&
	       (a->placement != RLQ_PLACE_NODE || a->placement_node == b->placement_node);
}

static int attributes_read(const struct rlq_queue_attributes *given, struct rlq_queue_attributes *ret)
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

/* A DLQ keeps messages no less surely than their queue: else a move would lose what was durable. */
static int dlq_check(struct rlq_directory *directory, const char *name, const struct rlq_queue_attributes *a)
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

/* ---- create, open, remove --------------------------------------------------------------------- */

/* 0, RLQ_EEXISTS, or RLQ_ENOQUEUE: it is being removed, or has been. */
static int compare_existing(struct rlq_directory *directory, const char *name,
			    const struct rlq_queue_attributes *wanted)
{
	struct rlq_queue_attributes have;
	struct segment *segment;
	bool is_removed;
	int error = seg_open_to_look(&directory->seg, name, &segment);

	if (error)
		return public_error(error);
	attributes_from_segment(segment, &have);
	is_removed = load_seq(&segment->header->rings) & RINGS_REMOVED;
	seg_close(segment);
	if (is_removed)
		return RLQ_ENOQUEUE;
	return attributes_equal(wanted, &have) && fixed_attributes_equal(wanted, &have) ? 0 : RLQ_EEXISTS;
}

/* 1: created, 0: it is there. A queue that is just being removed is neither made nor there for a moment, or
 * for as long as its remover is stopped: RLQ_EBUSY. */
static int create_or_compare(struct rlq_directory *directory, const struct seg_recipe *recipe,
			     const struct rlq_queue_attributes *wanted)
{
	int error = RLQ_ENOQUEUE;

	for (int tries = 0; tries < CREATE_TRIES && error == RLQ_ENOQUEUE; tries++) {
		error = seg_create(&directory->seg, recipe);
		if (error == 0)
			return 1;
		if (error != -EEXIST)
			return error == -EINVAL ? RLQ_EATTRIBUTE : public_error(error);
		error = compare_existing(directory, recipe->name, wanted);
	}
	return error == RLQ_ENOQUEUE ? RLQ_EBUSY : error;
}

/* The journal has to know of it; it may be unable to open it. Then what was made goes again. */
static int settle_creation(struct rlq_directory *directory, const char *name, bool is_made)
{
	int error = seg_wait_durable(&directory->seg);
	struct segment *segment;

	if (error || seg_open_to_look(&directory->seg, name, &segment) != 0)
		return error;
	if (!seg_is_journaled(segment))
		error = RLQ_EENGINE;
	seg_close(segment);
	if (error && is_made)
		seg_withdraw(&directory->seg, name);
	return error;
}

int rlq_queue_create(struct rlq_directory *directory, const char *name,
		     const struct rlq_queue_attributes *attributes)
{
	struct rlq_queue_attributes a = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct seg_recipe recipe = {.name = name};
	int error, result;

	if (!seg_name_is_valid(name))
		return RLQ_ENAME;
	if (is_forked(directory))
		return RLQ_EFORKED;
	error = attributes_read(attributes, &a);
	if (error)
		return error;
	if (seg_name_is_fifo(name) != (a.type == RLQ_FIFO))
		return RLQ_ENAME;
	error = dlq_check(directory, name, &a);
	if (error)
		return error;
	attributes_to_words(&a, recipe.attribute);
	strcpy(recipe.dlq, a.dlq);
	recipe.capacity = a.capacity;
	recipe.mode = a.mode;
	recipe.group = a.group;
	recipe.placement = a.placement;
	recipe.placement_node = a.placement_node;
	recipe.durability = a.durability;
	recipe.type = a.type;
	recipe.dedup_max = a.type == RLQ_FIFO ? a.dedup_max : 0;
	if (a.durability != RLQ_MEMORY) {
		error = seg_journal_state(&directory->seg);
		if (error)
			return error;
	}
	result = create_or_compare(directory, &recipe, &a);
	if (result == 1)
		seg_engine_expect(&directory->seg, 0, os_boot_ms()); /* a sleeping engine learns of it at once */
	if (result >= 0 && a.durability != RLQ_MEMORY) {
		error = settle_creation(directory, name, result == 1);
		if (error)
			return error;
	}
	return result;
}

/* What is kept of each message of a call. */
static bool make_room_for_batches(struct rlq_queue *queue)
{
	bool is_sync = queue->seg->durability == RLQ_SYNC, is_fifo = seg_is_fifo(queue->seg);

	if (is_sync)
		queue->sent = calloc(RLQ_BATCH_MAX, sizeof(*queue->sent));
	if (is_sync && is_fifo)
		queue->firsts = calloc(RLQ_BATCH_MAX, sizeof(*queue->firsts));
	if (is_fifo)
		queue->foreseen = calloc(RLQ_BATCH_MAX, sizeof(*queue->foreseen));
	return (!is_sync || queue->sent) && (!is_sync || !is_fifo || queue->firsts) &&
	       (!is_fifo || queue->foreseen);
}

int rlq_queue_open(struct rlq_directory *directory, const char *name, struct rlq_queue **ret_queue)
{
	struct rlq_queue *queue;
	int error;

	if (!seg_name_is_valid(name))
		return RLQ_ENAME;
	if (is_forked(directory))
		return RLQ_EFORKED;
	queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	error = seg_open(&directory->seg, name, &queue->seg);
	if (error) {
		free(queue);
		/* Marked as removed, though its remover did not live to take the name away. */
		return error == RLQ_EREMOVED ? RLQ_ENOQUEUE : public_error(error);
	}
	if (!make_room_for_batches(queue)) {
		rlq_queue_close(queue);
		return -ENOMEM;
	}
	queue->directory = directory;
	queue->hold_pending = -1;
	queue->sender = geteuid();
	os_random(&queue->id_seed, sizeof(queue->id_seed));
	os_random(&queue->id_count, sizeof(queue->id_count));
	*ret_queue = queue;
	return 0;
}

void rlq_queue_close(struct rlq_queue *queue)
{
	if (queue == NULL)
		return;
	/* Holds are dropped with the row; what was freed meanwhile is HELD and swept. */
	seg_close(queue->seg);
	arena_free(&queue->arena);
	free(queue->sent);
	free(queue->firsts);
	free(queue->foreseen);
	free(queue);
}

int rlq_queue_remove(struct rlq_directory *directory, const char *name)
{
	if (!seg_name_is_valid(name))
		return RLQ_ENAME;
	if (is_forked(directory))
		return RLQ_EFORKED;
	return public_error(seg_remove(&directory->seg, name));
}

const char *rlq_queue_name(const struct rlq_queue *queue)
{
	return queue->seg->name;
}

bool rlq_queue_is_removed(const struct rlq_queue *queue)
{
	return load_relaxed(&queue->seg->header->rings) & RINGS_REMOVED; /* relaxed: of some moment in the call */
}

uint64_t rlq_queue_created_ms(const struct rlq_queue *queue)
{
	return queue->seg->header->identity.created_ms;
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

/* ---- set -------------------------------------------------------------------------------------- */

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
	int error = attributes_read(attributes, &wanted);

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
