#include "daemon/roster.h"

#include "daemon/journaling_state.h"
#include "shm/durable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int roster_add(struct journaling *journaling, const struct journaled *queue)
{
	struct turn *turn = &journaling->turn;
	struct journaled **more = reallocarray(turn->queues, turn->queue_count + 1, sizeof(*more));
	struct journaled *copy = malloc(sizeof(*copy));

	if (more)
		turn->queues = more;
	if (more == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	*copy = *queue;
	turn->queues[turn->queue_count++] = copy;
	return 0;
}

static void queue_drop(struct journaling *journaling, size_t index)
{
	struct turn *turn = &journaling->turn;
	struct journaled *queue = turn->queues[index];

	seg_close(queue->segment);
	ledger_end(&queue->ledger);
	free(queue);
	turn->queues[index] = turn->queues[--turn->queue_count];
}

static bool is_known(const struct journaling *journaling, const char *name, uint64_t file)
{
	for (size_t i = 0; i < journaling->turn.queue_count; i++)
		if (journaling->turn.queues[i]->segment->file == file)
			return true;
	for (size_t i = 0; i < journaling->ignored_count; i++)
		if (journaling->ignored[i].file == file && strcmp(journaling->ignored[i].name, name) == 0)
			return true;
	return false;
}

static int ignore(struct journaling *journaling, const char *name, uint64_t file)
{
	struct ignored *more = reallocarray(journaling->ignored, journaling->ignored_count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	journaling->ignored = more;
	more += journaling->ignored_count++;
	*more = (struct ignored){.file = file};
	strncpy(more->name, name, SEG_NAME_MAX);
	return 0;
}

static int look_at_queue(void *context, const char *name)
{
	struct journaling *journaling = context;
	uint64_t file = seg_file_number(journaling->directory, name);
	struct journaled queue = {.queue = journaling->next_queue};
	struct segment *segment;
	bool is_durable;
	int error;

	if (file == 0 || is_known(journaling, name, file) || aside_find(&journaling->turn.aside, name))
		return 0;
	error = seg_open_to_look(journaling->directory, name, &segment);
	if (error) {
		journaling->listing.again = true;
		return 0; /* the engine says why; nothing can be sent to it as long */
	}
	is_durable = segment->durability != RLQ_MEMORY;
	seg_close(segment);
	if (!is_durable)
		return ignore(journaling, name, file);
	error = seg_open(journaling->directory, name, &queue.segment);
	if (error) {
		journaling->listing.again = true;
		return 0;
	}
	error = roster_add(journaling, &queue);
	if (error) {
		seg_close(queue.segment);
		return error;
	}
	journaling->next_queue++;
	say(journaling, "%s: journaled", name);
	return 0;
}

int roster_look(struct journaling *journaling)
{
	int due = listing_is_due(&journaling->listing, journaling->directory->fd);

	return due > 0 ? seg_directory_list(journaling->directory, NULL, look_at_queue, journaling) : due;
}

void roster_drop_removed(struct journaling *journaling)
{
	for (size_t i = journaling->turn.queue_count; i-- > 0;)
		if (journaling->turn.queues[i]->is_removed) {
			say(journaling, "%s: removed from the journal", journaling->turn.queues[i]->segment->name);
			queue_drop(journaling, i);
		}
}

/* Their clients may rely on turns from now on: what is not journaled here, for we cannot open it, is not
 * acknowledged. */
void roster_say_journaled(struct journaling *journaling)
{
	uint64_t key = journaling->liveness.key;

	for (size_t i = 0; i < journaling->turn.queue_count; i++) {
		struct journaled *queue = journaling->turn.queues[i];

		if (queue->is_written && load_acquire(&queue->segment->header->journaled_by) != key)
			store_seq(&queue->segment->header->journaled_by, key);
		if (queue->is_written && queue->is_back) {
			say(journaling, "%s: back", queue->segment->name);
			queue->is_back = false;
		}
	}
}

void roster_end(struct journaling *journaling)
{
	while (journaling->turn.queue_count > 0)
		queue_drop(journaling, journaling->turn.queue_count - 1);
	free(journaling->turn.queues);
	free(journaling->ignored);
}
