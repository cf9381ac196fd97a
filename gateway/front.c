/* From a request to its answer. */
#include "gateway/front.h"

#include "gateway/address.h"
#include "gateway/answer.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/inspect.h"
#include "gateway/notes.h"
#include "gateway/security.h"
#include "gateway/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char target_prefix[] = "AmazonSQS.";
static const char json_media_type[] = "application/x-amz-json-1.0";

/* ---- what was asked ---------------------------------------------------------------------------- */

static bool has_json_type(const struct front_request *request)
{
	const char *type = request->header(request->context, "Content-Type");

	return type && strncasecmp(type, "application/x-amz-json", 22) == 0;
}

/* JSON names its action in a header. */
static bool read_json(struct exchange *exchange, const char *target)
{
	struct failure *failure = &exchange->call.failure;

	if (target == NULL || strncmp(target, target_prefix, sizeof(target_prefix) - 1) != 0)
		return failure_set(
			failure, UNKNOWN_OPERATION,
			"The header X-Amz-Target must name an action: AmazonSQS.SendMessage, for instance.");
	exchange->shape = shape_find(target + sizeof(target_prefix) - 1);
	if (exchange->shape == NULL)
		return failure_set(failure, UNKNOWN_OPERATION, "The operation %s is not known.", target);
	return json_read(exchange->shape, exchange->body ? exchange->body : "", exchange->body_bytes,
			 &exchange->call.input, failure);
}

static bool read_query(struct exchange *exchange)
{
	char *action = NULL;
	bool is_read = query_read(exchange->query, exchange->body ? exchange->body : "", exchange->body_bytes,
				  &action, &exchange->shape, &exchange->call.input, &exchange->call.failure);

	free(action);
	return is_read;
}

static bool read_input(struct exchange *exchange, const struct front_request *request)
{
	const char *target = request->header(request->context, "X-Amz-Target");

	exchange->protocol = target || has_json_type(request) ? PROTOCOL_JSON : PROTOCOL_QUERY;
	if (exchange->is_too_large)
		return failure_set(&exchange->call.failure, REQUEST_TOO_LARGE,
				   "The request's body is longer than this server takes.");
	if (!(exchange->protocol == PROTOCOL_JSON ? read_json(exchange, target) : read_query(exchange)))
		return false;
	exchange->action = action_find(exchange->shape->action);
	if (exchange->action == NULL ||
	    (exchange->call.path_queue && exchange->action->is_of_endpoint && exchange->protocol == PROTOCOL_QUERY))
		return failure_set(&exchange->call.failure, INVALID_ACTION,
				   "The action %s is not valid for this endpoint.", exchange->shape->action);
	return true;
}

/* ---- who asks ---------------------------------------------------------------------------------- */

static struct signed_request signed_request(const struct exchange *exchange, const struct front_request *request)
{
	return (struct signed_request){.method = exchange->method,
				       .path = exchange->path,
				       .query = exchange->query,
				       .header = request->header,
				       .context = request->context,
				       .body = exchange->body ? exchange->body : "",
				       .body_bytes = exchange->body_bytes,
				       .now_s = (int64_t)time(NULL),
				       .is_secure = request->is_tls};
}

/* Browsers say so of every request that a page makes, whatever its host is called. */
static bool is_of_web_page(const struct front_request *request)
{
	const char *site = request->header(request->context, "Sec-Fetch-Site");

	return request->header(request->context, "Origin") || (site && strcmp(site, "none") != 0);
}

/* Nobody needs a key: whoever can connect may do everything, but a page that somebody looks at on this machine is
 * not meant. */
static bool check_unsigned(const struct front_request *request, struct failure *failure)
{
	return !is_of_web_page(request) ||
	       failure_set(failure, ACCESS_DENIED,
			   "Requests of web pages are refused while signatures are not checked (--credentials).");
}

/* The region of the credential scope goes into what is answered, checked or not. */
static bool identify(struct gateway *gateway, struct exchange *exchange, const struct front_request *request)
{
	struct signed_request signed_one = signed_request(exchange, request);
	char warning[CREDENTIALS_TEXT_BYTES];
	struct call *call = &exchange->call;
	bool is_good;

	if (!signature_region(&signed_one, exchange->region))
		snprintf(exchange->region, sizeof(exchange->region), "%s", gateway->region);
	call->region = exchange->region;
	if (gateway->credentials == NULL)
		return check_unsigned(request, &call->failure);
	call->caller = &exchange->caller;
	is_good = signature_check(gateway->credentials, &signed_one, &exchange->caller, &call->failure);
	if (credentials_warning(gateway->credentials, warning))
		fprintf(stderr, "ringlease-sqs: warning: %s\n", warning);
	return is_good;
}

/* The queue that the action is on, by the parameter that the action goes by: others may be there, and mean nothing.
 */
static bool find_name(const struct call *call, const char *action, char ret_name[NAME_TEXT_BYTES])
{
	const char *url = input_text(call->input, "QueueUrl"), *name = input_text(call->input, "QueueName");
	const char *arn = input_text(call->input, "SourceArn");

	if (strcmp(action, "GetQueueUrl") == 0)
		return name && address_from_url(name, ret_name);
	if (strcmp(action, "StartMessageMoveTask") == 0 || strcmp(action, "ListMessageMoveTasks") == 0)
		return arn && address_from_arn(arn, ret_name);
	if (url)
		return address_from_url(url, ret_name);
	if (call->path_queue)
		strcpy(ret_name, call->path_queue);
	return call->path_queue != NULL;
}

/* NULL without a failure: there is no such queue. */
static json_t *notes_of(struct call *call, const char *name)
{
	struct rlq_queue *queue;
	json_t *notes = NULL;
	int error = handles_get(call->handles, name, &queue);

	if (error == RLQ_ENOQUEUE || error == RLQ_EREMOVED || error == RLQ_ENAME)
		return NULL;
	if (!error)
		error = notes_read(call->gateway->notes, queue, &notes);
	if (error)
		failure_from_library(&call->failure, error);
	return notes;
}

/* The queue's policy has the last word. An action on no queue, or on one that is not there, is the owner's own. */
static bool may(struct call *call, const char *action)
{
	char arn[ADDRESS_TEXT_BYTES] = "*", name[NAME_TEXT_BYTES];
	json_t *notes = NULL;
	bool is_allowed;

	if (call->caller == NULL)
		return true;
	if (find_name(call, action, name)) {
		address_arn(call, name, arn);
		notes = notes_of(call, name);
		if (call->failure.code != FAILURE_NONE)
			return false;
	}
	is_allowed = policy_allows(input_text(json_object_get(notes, "attributes"), "Policy"), call->caller,
				   call->gateway->account, action, arn, &call->failure);
	json_decref(notes);
	return is_allowed;
}

/* ---- the answer -------------------------------------------------------------------------------- */

static void answer_failure(struct exchange *exchange)
{
	const struct failure *failure = &exchange->call.failure;
	const struct failure_text *text = failure_text(failure->code);
	struct answer *answer = &exchange->answer;

	answer->status = text->status;
	if (exchange->protocol == PROTOCOL_JSON) {
		answer->content_type = json_media_type;
		answer->body = json_failure(failure, &answer->body_bytes);
		json_query_error(failure, answer->query_error);
		return;
	}
	answer->content_type = "text/xml";
	answer->body = xml_failure(failure, exchange->request_id, &answer->body_bytes);
}

static void answer_result(struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;

	answer->status = 200;
	if (exchange->protocol == PROTOCOL_JSON) {
		answer->content_type = json_media_type;
		answer->body = json_answer(exchange->shape, exchange->call.output, &answer->body_bytes);
	} else {
		answer->content_type = "text/xml";
		answer->body = xml_answer(exchange->shape, exchange->call.output, exchange->request_id,
					  &answer->body_bytes);
	}
	if (answer->body == NULL) {
		failure_set(&exchange->call.failure, INTERNAL_FAILURE, "The server is out of memory.");
		answer_failure(exchange);
	}
}

static void answer_text(struct exchange *exchange, int status, const char *type, char *body)
{
	exchange->answer = (struct answer){
		.status = status, .content_type = type, .body = body, .body_bytes = body ? strlen(body) : 0};
}

/* ---- pages beside the API ----------------------------------------------------------------------- */

static bool is_get(const struct exchange *exchange)
{
	return strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0;
}

static const char *page_of_messages = "/_aws/sqs/messages";

static bool answer_page(struct exchange *exchange)
{
	if (!is_get(exchange))
		return false;
	if (strcmp(exchange->path, "/health") == 0)
		answer_text(exchange, 200, "application/json", strdup("{\"status\":\"ok\"}"));
	else if (strcmp(exchange->path, "/_localstack/health") == 0)
		answer_text(exchange, 200, "application/json",
			    strdup("{\"services\":{\"sqs\":\"running\"},\"edition\":\"ringlease\"}"));
	else
		return false;
	return true;
}

/* A GET of a queue's URL that names no action. */
static bool answer_bare_get(struct exchange *exchange, const struct front_request *request)
{
	char *action;

	if (!is_get(exchange) || request->header(request->context, "X-Amz-Target"))
		return false;
	action = query_parameter(exchange->query, strlen(exchange->query), "Action");
	free(action);
	if (action)
		return false;
	answer_text(exchange, 404, "text/xml", strdup("<UnknownOperationException/>\n"));
	return true;
}

/* ---- one request -------------------------------------------------------------------------------- */

/* What may stand in a URL; else an answer would lack what has one. */
static bool is_host(const char *host)
{
	const char *c = host;

	while (*c > ' ' && *c < 0x7f)
		c++;
	return c > host && *c == '\0';
}

static void set_base_url(struct exchange *exchange, const struct front_request *request)
{
	const char *host = request->header(request->context, "Host");

	snprintf(exchange->base_url, sizeof(exchange->base_url), "%s://%s", request->is_tls ? "https" : "http",
		 host && is_host(host) ? host : "localhost");
	exchange->call.base_url = exchange->base_url;
}

/* Whatever the request is. */
static void begin(struct gateway *gateway, struct exchange *exchange, const struct front_request *request)
{
	struct call *call = &exchange->call;

	call->gateway = gateway;
	call->output = json_object();
	call->trace_header = request->header(request->context, "X-Amzn-Trace-Id");
	set_base_url(exchange, request);
	if (address_from_path(exchange->path, exchange->path_queue))
		call->path_queue = exchange->path_queue;
}

static bool read_action(struct gateway *gateway, struct exchange *exchange, const struct front_request *request)
{
	struct call *call = &exchange->call;

	if (!read_input(exchange, request) || !identify(gateway, exchange, request) ||
	    !may(call, exchange->action->name))
		return false;
	exchange->run = exchange->action->run;
	return true;
}

/* As ReceiveMessage in what it needs and answers, but that it receives nothing. */
static bool read_inspection(struct gateway *gateway, struct exchange *exchange, const struct front_request *request)
{
	const char *accept = request->header(request->context, "Accept");
	char *url = query_parameter(exchange->query, strlen(exchange->query), "QueueUrl");
	struct call *call = &exchange->call;

	exchange->protocol = accept && strstr(accept, "json") ? PROTOCOL_JSON : PROTOCOL_QUERY;
	exchange->shape = shape_find("ReceiveMessage");
	call->path_queue = NULL;
	call->input = json_object();
	if (url)
		json_object_set_new(call->input, "QueueUrl", json_string(url));
	free(url);
	if (!identify(gateway, exchange, request) || !may(call, exchange->shape->action))
		return false;
	exchange->run = inspect_messages;
	return true;
}

enum front_outcome front_read(struct gateway *gateway, struct handles *handles, struct exchange *exchange,
			      const struct front_request *request)
{
	bool is_inspection = is_get(exchange) && strcmp(exchange->path, page_of_messages) == 0;

	exchange->call.handles = handles;
	if (answer_page(exchange) || (!is_inspection && answer_bare_get(exchange, request)))
		return FRONT_ANSWERED;
	begin(gateway, exchange, request);
	if (is_inspection ? read_inspection(gateway, exchange, request) : read_action(gateway, exchange, request))
		return FRONT_RUNS;
	answer_failure(exchange);
	return FRONT_ANSWERED;
}

static bool is_durable(const struct call *call)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	const char *url = input_text(call->input, "QueueUrl");
	char name[NAME_TEXT_BYTES];
	struct rlq_queue *queue;

	if (url ? !address_from_url(url, name) : call->path_queue == NULL)
		return false;
	return handles_get(call->handles, url ? name : call->path_queue, &queue) == 0 &&
	       rlq_queue_get_attributes(queue, &attributes) == 0 && attributes.durability != RLQ_MEMORY;
}

bool front_may_wait_for_disk(struct handles *handles, struct exchange *exchange)
{
	exchange->call.handles = handles;
	if (exchange->action == NULL || exchange->action->wait == WAITS_NEVER)
		return false;
	return exchange->action->wait == WAITS_OFTEN || is_durable(&exchange->call);
}

enum front_outcome front_run(struct handles *handles, struct exchange *exchange)
{
	enum call_outcome outcome;

	exchange->call.handles = handles;
	outcome = exchange->run(&exchange->call);
	if (outcome == CALL_WAITS)
		return FRONT_WAITS;
	if (outcome == CALL_DONE)
		answer_result(exchange);
	else
		answer_failure(exchange);
	return FRONT_ANSWERED;
}

void front_drop(struct exchange *exchange)
{
	json_decref(exchange->call.input);
	json_decref(exchange->call.output);
	free(exchange->answer.body);
}

void front_undelivered(struct handles *handles, struct exchange *exchange)
{
	struct call *call = &exchange->call;
	struct rlq_queue *queue;

	if (call->leased_count == 0 || handles_get(handles, call->queue, &queue) != 0)
		return;
	/* From the last on, so that a FIFO group begins with its first one again. */
	while (call->leased_count > 0)
		rlq_release(queue, &call->leased[--call->leased_count], 0);
}
