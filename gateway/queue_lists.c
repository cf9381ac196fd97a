/* GetQueueUrl, ListQueues, ListDeadLetterSourceQueues. */
#include <stdio.h>

#include "gateway/address.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/pages.h"
#include "gateway/sources.h"

enum call_outcome action_get_queue_url(struct call *call)
{
	const char *name = input_text(call->input, "QueueName");
	char url[ADDRESS_TEXT_BYTES];
	struct rlq_queue *queue;
	int error = handles_get(call->handles, name, &queue);

	if (error == RLQ_ENAME)
		failure_no_queue(&call->failure);
	else if (error)
		failure_from_library(&call->failure, error);
	if (error)
		return CALL_FAILED;
	snprintf(call->queue, sizeof(call->queue), "%s", name);
	address_url(call, name, url);
	json_object_set_new(call->output, "QueueUrl", json_string(url));
	return CALL_DONE;
}

static int add_queue(void *context, const char *name)
{
	struct page *page = context;

	return page_is_before(page, name) && !page_add(page, name);
}

static enum call_outcome list(struct call *call, const char *prefix, int (*each)(void *context, const char *name),
			      void *context, struct page *page, const char *member)
{
	int error = rlq_queue_list(call->gateway->directory, prefix, each, context);

	if (error >= 0)
		return page_end(page, member);
	json_decref(page->urls);
	failure_from_library(&call->failure, error);
	return CALL_FAILED;
}

enum call_outcome action_list_queues(struct call *call)
{
	struct page page;

	if (!page_begin(call, &page))
		return CALL_FAILED;
	return list(call, input_text(call->input, "QueueNamePrefix"), add_queue, &page, &page, "QueueUrls");
}

/* ---- sources of a dead-letter queue ----------------------------------------------------------- */

struct sources {
	struct page page;
	const char *dlq;
};

static int add_source(void *context, const char *name)
{
	struct sources *sources = context;

	return page_is_before(&sources->page, name) &&
	       source_is(sources->page.call->gateway->directory, name, sources->dlq) &&
	       !page_add(&sources->page, name);
}

enum call_outcome action_list_dead_letter_source_queues(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	struct sources sources;
	enum call_outcome outcome;

	if (queue == NULL || !page_begin(call, &sources.page))
		return CALL_FAILED;
	sources.dlq = rlq_queue_name(queue);
	outcome = list(call, NULL, add_source, &sources, &sources.page, "queueUrls");
	/* This member is there also if it is empty. */
	if (outcome == CALL_DONE && !json_object_get(call->output, "queueUrls"))
		json_object_set_new(call->output, "queueUrls", json_array());
	return outcome;
}
