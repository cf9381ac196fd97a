#include "gateway/sources.h"

#include <string.h>

bool source_is(struct rlq_directory *directory, const char *name, const char *dlq)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;
	bool is;

	if (rlq_queue_open(directory, name, &queue) < 0)
		return false;
	is = rlq_queue_get_attributes(queue, &attributes) == 0 && strcmp(attributes.dlq, dlq) == 0;
	rlq_queue_close(queue);
	return is;
}

struct search {
	struct rlq_directory *directory;
	const char *dlq;
};

static int look(void *context, const char *name)
{
	const struct search *search = context;

	return source_is(search->directory, name, search->dlq);
}

bool source_exists(struct rlq_directory *directory, const char *dlq)
{
	struct search search = {directory, dlq};

	return rlq_queue_list(directory, NULL, look, &search) == 1;
}
