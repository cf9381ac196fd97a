/* One action of the API while it is carried out: what it is given, and what it answers. */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <ringlease.h>

#include "gateway/failure.h"

enum {
	ACCOUNT_TEXT_BYTES = 32, /* with its zero; AWS's have 12 digits */
	REGION_TEXT_BYTES = 32,
};

struct gateway; /* gateway.h: what all threads share */
struct handles; /* handles.h: the queues that this thread has open */
struct caller;	/* caller.h: who calls, if signatures are checked */

enum call_outcome {
	CALL_DONE,   /* `output` is the result */
	CALL_FAILED, /* `failure` is */
	CALL_WAITS   /* nothing there yet: ReceiveMessage is called again when there may be, or time is up */
};

struct call {
	struct gateway *gateway;
	struct handles *handles;
	json_t *input;		  /* an object, as in AWS JSON, whatever the protocol; checked by shape_check() */
	json_t *output;		  /* an object, empty at first */
	const char *base_url;	  /* "http://HOST", as the client has called us */
	const char *path_queue;	  /* name of the queue in the URL's path; NULL: none */
	const char *region;	  /* of the credential scope, else the configured one */
	const char *trace_header; /* X-Amzn-Trace-Id; NULL: none */
	const struct caller *caller; /* NULL: signatures are not checked */
	/* Of a receive: */
	int64_t wait_until_ms; /* CLOCK_BOOTTIME; 0 at the first call */
	bool is_last;	       /* time is up: answer what there is */
	/* Leases given by this call, to be given back if the answer does not reach the client. */
	struct rlq_receipt leased[10];
	uint32_t leased_count;
	char queue[RLQ_NAME_MAX + 1]; /* that it is about; for the access log, and for waiting */
	struct failure failure;
};

/* Sets the failure; CALL_FAILED. */
__attribute__((format(printf, 3, 4))) enum call_outcome call_fail(struct call *call, enum failure_code code,
								  const char *format, ...);

/* The queue of `QueueUrl`: an URL, whatever its host, region and account, or a bare name. NULL: call->failure has
 * why. Owned by the thread's handles; good until the call ends. */
struct rlq_queue *call_queue(struct call *call);

/* Members of an object. Texts live as long as the object. */
const char *input_text(const json_t *object, const char *name);		       /* NULL: absent */
int64_t input_integer(const json_t *object, const char *name, int64_t absent); /* a number */

/* May it wait for a disk? */
enum action_wait {
	WAITS_NEVER,
	WAITS_IF_DURABLE, /* for the journal, if the queue is in it */
	WAITS_OFTEN	  /* for files, or for what makes queues */
};

struct action {
	const char *name;
	enum call_outcome (*run)(struct call *call);
	enum action_wait wait;
	bool is_of_endpoint; /* CreateQueue, ListQueues: not for the URL of a queue */
};

/* NULL: no such action. */
const struct action *action_find(const char *name);

enum call_outcome action_create_queue(struct call *call);
enum call_outcome action_get_queue_url(struct call *call);
enum call_outcome action_list_queues(struct call *call);
enum call_outcome action_delete_queue(struct call *call);
enum call_outcome action_purge_queue(struct call *call);
enum call_outcome action_get_queue_attributes(struct call *call);
enum call_outcome action_set_queue_attributes(struct call *call);
enum call_outcome action_list_dead_letter_source_queues(struct call *call);
enum call_outcome action_tag_queue(struct call *call);
enum call_outcome action_untag_queue(struct call *call);
enum call_outcome action_list_queue_tags(struct call *call);
enum call_outcome action_add_permission(struct call *call);
enum call_outcome action_remove_permission(struct call *call);
enum call_outcome action_send_message(struct call *call);
enum call_outcome action_send_message_batch(struct call *call);
enum call_outcome action_receive_message(struct call *call);
enum call_outcome action_delete_message(struct call *call);
enum call_outcome action_delete_message_batch(struct call *call);
enum call_outcome action_change_message_visibility(struct call *call);
enum call_outcome action_change_message_visibility_batch(struct call *call);
enum call_outcome action_start_message_move_task(struct call *call);
enum call_outcome action_list_message_move_tasks(struct call *call);
enum call_outcome action_cancel_message_move_task(struct call *call);

#endif
