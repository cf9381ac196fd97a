/* Queues: create, open, remove. */
#include "client/attributes.h"

#include "kmod-free/memory.h"
#include "shm/durable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CREATE_TRIES = 8 };

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
	error = attributes_given(attributes, &a);
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
