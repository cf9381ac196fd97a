#include "daemon/draft.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/create.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* live_message.kept: the name of a block, or one of these. */
#define IN_CELL (UINT64_C(1) << 63) /* and its index */
#define IS_EMPTY (UINT64_C(1) << 62)

enum { CELLS = 4096 };

/* ---- small ones ------------------------------------------------------------------------------- */

static unsigned char *cell_at(const struct drafts *drafts, uint32_t index)
{
	return drafts->cells[index / CELLS][index % CELLS];
}

static int cell_new(struct drafts *drafts, uint32_t *ret_index)
{
	unsigned char(**more)[SLOT_INLINE_BYTES];

	if (drafts->free_cell) {
		*ret_index = drafts->free_cell - 1;
		memcpy(&drafts->free_cell, cell_at(drafts, *ret_index), sizeof(drafts->free_cell));
		return 0;
	}
	if (drafts->cell_count % CELLS == 0) {
		more = reallocarray(drafts->cells, drafts->cell_count / CELLS + 1, sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		drafts->cells = more;
		more[drafts->cell_count / CELLS] = malloc(CELLS * sizeof(**more));
		if (more[drafts->cell_count / CELLS] == NULL)
			return -ENOMEM;
	}
	*ret_index = drafts->cell_count++;
	return 0;
}

static void cell_free(struct drafts *drafts, uint32_t index)
{
	memcpy(cell_at(drafts, index), &drafts->free_cell, sizeof(drafts->free_cell));
	drafts->free_cell = index + 1;
}

static int keep_small(struct drafts *drafts, struct live_message *message, const unsigned char *payload,
		      size_t bytes)
{
	uint32_t cell;
	int error = cell_new(drafts, &cell);

	if (error)
		return error;
	memcpy(cell_at(drafts, cell), payload, bytes);
	message->kept = IN_CELL | cell;
	return 0;
}

/* ---- segments --------------------------------------------------------------------------------- */

static void recipe_of(const struct format_queue *definition, struct seg_recipe *ret)
{
	*ret = (struct seg_recipe){
		.name = definition->name,
		.capacity = definition->capacity,
		.mode = definition->mode,
		.group = definition->group,
		.placement = definition->placement,
		.placement_node = definition->placement_node,
		.durability = definition->durability,
		.type = definition->type == FORMAT_FIFO ? RLQ_FIFO : RLQ_STANDARD,
		.dedup_max = definition->dedup_max,
		.dedup_seed = definition->dedup_seed,
		.created_ms = definition->created_ms,
	};
	memcpy(ret->attribute, definition->attributes, sizeof(ret->attribute));
	memcpy(ret->dlq, definition->dlq, sizeof(ret->dlq));
}

static struct draft *draft_of(struct live_queue *queue)
{
	if (queue->kept == NULL)
		queue->kept = calloc(1, sizeof(struct draft));
	return queue->kept;
}

static int make_segment(struct drafts *drafts, struct draft *draft, const struct format_queue *definition)
{
	struct seg_recipe recipe;
	int error;

	recipe_of(definition, &recipe);
	error = seg_draft_create(drafts->directory, &recipe, &draft->segment);
	if (!error)
		error = seg_enter(draft->segment);
	draft->definition = *definition;
	CRASH_POINT(recover_draft_made);
	return error;
}

/* The first message of a queue. One that is in the way now may not be at the end: then it is said. */
static int look(struct drafts *drafts, struct live_queue *queue, struct draft *draft)
{
	int error = seg_open(drafts->directory, queue->definition.name, &draft->segment);

	if (error == -ENOENT || error == RLQ_EBOOT)
		return make_segment(drafts, draft, &queue->definition);
	if (!error && draft->segment->durability == RLQ_MEMORY) {
		seg_close(draft->segment);
		draft->segment = NULL;
	}
	draft->is_living = draft->segment != NULL;
	return 0;
}

int draft_complete(struct drafts *drafts, struct live_queue *queue)
{
	struct draft *draft = draft_of(queue);
	struct seg_recipe recipe;

	if (draft == NULL)
		return -ENOMEM;
	if (draft->segment == NULL)
		return make_segment(drafts, draft, &queue->definition);
	if (memcmp(&draft->definition, &queue->definition, sizeof(draft->definition)) != 0) {
		recipe_of(&queue->definition, &recipe);
		seg_draft_define(draft->segment, &recipe);
	}
	return 0;
}

void draft_discard(struct drafts *drafts, struct live_queue *queue)
{
	struct draft *draft = queue->kept;

	if (draft && draft->segment) {
		if (!draft->is_living)
			seg_draft_remove(drafts->directory, draft->segment->name);
		seg_close(draft->segment);
	}
	free(draft);
	queue->kept = NULL;
}

/* ---- by message ------------------------------------------------------------------------------- */

int drafts_keep(void *context, struct live_message *message, const unsigned char *payload)
{
	struct drafts *drafts = context;
	struct live_queue *queue = live_queue_find(drafts->live, message->queue);
	size_t bytes = (size_t)message->body_bytes + message->extra_bytes;
	bool is_first = queue && queue->kept == NULL;
	struct draft *draft;
	int error;

	if (queue == NULL || (drafts->only && drafts->only != message->queue))
		return 0;
	draft = draft_of(queue);
	if (draft == NULL)
		return -ENOMEM;
	error = is_first ? look(drafts, queue, draft) : 0;
	if (error || draft->segment == NULL || draft->is_living)
		return error;
	message->kept = IS_EMPTY;
	if (bytes == 0)
		return 0;
	return bytes <= SLOT_INLINE_BYTES
		       ? keep_small(drafts, message, payload, bytes)
		       : seg_restore_payload(draft->segment, message->number, payload, bytes, &message->kept);
}

void drafts_drop(void *context, struct live_message *message)
{
	struct drafts *drafts = context;
	struct live_queue *queue = live_queue_find(drafts->live, message->queue);
	struct draft *draft = queue ? queue->kept : NULL;

	if (message->kept & IN_CELL)
		cell_free(drafts, (uint32_t)message->kept);
	else if (!(message->kept & IS_EMPTY) && draft && draft->segment)
		seg_restore_drop(draft->segment, message->number, message->kept);
}

void drafts_queue_gone(void *context, struct live_queue *queue)
{
	draft_discard(context, queue);
}

bool draft_is_wanted(const struct drafts *drafts, const struct live_message *message)
{
	const struct live_queue *queue = live_queue_find(drafts->live, message->queue);
	const struct draft *draft = queue ? queue->kept : NULL;

	if (drafts->only && drafts->only != message->queue)
		return false;
	return queue && (draft == NULL || (draft->segment && !draft->is_living));
}

void draft_locate(const struct drafts *drafts, const struct live_message *message, struct restored *ret)
{
	ret->number = message->number;
	ret->block = message->kept & (IN_CELL | IS_EMPTY) ? 0 : message->kept;
	ret->payload = message->kept & IN_CELL ? cell_at(drafts, (uint32_t)message->kept) : NULL;
}

void drafts_end(struct drafts *drafts)
{
	for (size_t i = 0; i < drafts->live->queue_count; i++)
		draft_discard(drafts, &drafts->live->queues[i]);
	for (uint32_t i = 0; i * CELLS < drafts->cell_count; i++)
		free(drafts->cells[i]);
	free(drafts->cells);
}
