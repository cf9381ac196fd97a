/* AddPermission and RemovePermission: statements of the queue's policy, by their label. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/address.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/notes.h"
#include "gateway/policy.h"

enum { LABEL_BYTES_MAX = 80, ACTIONS_MAX = 7, ACCOUNT_DIGITS = 12 };

struct change {
	struct call *call;
	const char *label;
	const char *queue_arn;
	json_t *statement; /* to be added; its reference is ours */
};

/* ---- what is asked ----------------------------------------------------------------------------- */

static bool label_check(struct call *call, const char *label)
{
	size_t bytes = strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	if (bytes > 0 && bytes <= LABEL_BYTES_MAX && label[bytes] == '\0')
		return true;
	return failure_set(
		&call->failure, INVALID_PARAMETER_VALUE,
		"Value %s for parameter Label is invalid. Reason: Can only include alphanumeric characters, "
		"hyphens, or underscores. 1 to 80 in length.",
		label);
}

/* The principal of each account, one or a list; NULL: the failure has why. */
static json_t *principals(struct call *call)
{
	const json_t *accounts = json_object_get(call->input, "AWSAccountIds");
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(accounts); i++) {
		const char *account = json_string_value(json_array_get(accounts, i));

		if (strlen(account) != ACCOUNT_DIGITS || strspn(account, "0123456789") != ACCOUNT_DIGITS) {
			failure_set(&call->failure, INVALID_PARAMETER_VALUE,
				    "Value [%s] for parameter PrincipalId is invalid. Reason: Unable to verify "
				    "principal.",
				    account);
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, json_sprintf("arn:aws:iam::%s:root", account));
	}
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	failure_set(&call->failure, INVALID_PARAMETER_VALUE,
		    "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify principal.");
	return NULL;
}

static bool action_check(struct call *call, const char *action)
{
	if (strcmp(action, "*") == 0 || policy_is_shareable(action))
		return true;
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE,
			   "Value SQS:%s for parameter ActionName is invalid. Reason: %s", action,
			   strpbrk(action, "*?") == NULL && policy_has_action(action)
				   ? "Only the queue owner is allowed to invoke this action."
				   : "Please refer to the appropriate WSDL for a list of valid actions.");
}

static json_t *actions(struct call *call)
{
	const json_t *names = json_object_get(call->input, "Actions");
	size_t count = json_array_size(names);
	json_t *list = json_array();
	bool is_good = count > 0 || failure_missing(&call->failure, "Actions");

	if (count > ACTIONS_MAX)
		is_good = failure_set(&call->failure, OVER_LIMIT, "%zu Actions were found, maximum allowed is %d.",
				      count, ACTIONS_MAX);
	for (size_t i = 0; is_good && i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		is_good = action_check(call, name);
		json_array_append_new(list, json_sprintf("SQS:%s", name));
	}
	if (is_good)
		return list;
	json_decref(list);
	return NULL;
}

/* A list of one is that one, as AWS writes it. Takes the list. */
static json_t *shortest(json_t *list)
{
	json_t *one = json_array_size(list) == 1 ? json_incref(json_array_get(list, 0)) : NULL;

	if (one == NULL)
		return list;
	json_decref(list);
	return one;
}

/* NULL: the failure has why. */
static json_t *statement_make(struct call *call, const char *label, const char *queue_arn)
{
	json_t *who = NULL, *what = NULL, *statement;

	if (!label_check(call, label) || (who = principals(call)) == NULL || (what = actions(call)) == NULL) {
		json_decref(who);
		return NULL;
	}
	statement = json_pack("{s:s, s:s, s:{s:o}, s:o, s:s}", "Sid", label, "Effect", "Allow", "Principal", "AWS",
			      shortest(who), "Action", shortest(what), "Resource", queue_arn);
	if (statement == NULL)
		failure_set(&call->failure, INTERNAL_FAILURE, "out of memory");
	return statement;
}

/* ---- the policy, under change ------------------------------------------------------------------ */

/* With a list of statements, whatever it was; without a policy a new one. NULL: what is there is no policy. */
static json_t *policy_read(const json_t *attributes, const char *queue_arn)
{
	const char *text = input_text(attributes, "Policy");
	json_t *policy, *statements;

	if (text == NULL)
		return json_pack("{s:s, s:o, s:[]}", "Version", "2008-10-17", "Id",
				 json_sprintf("%s/SQSDefaultPolicy", queue_arn), "Statement");
	policy = json_loads(text, 0, NULL);
	statements = json_object_get(policy, "Statement");
	if (json_is_object(statements))
		json_object_set_new(policy, "Statement", json_pack("[O]", statements));
	if (json_is_array(json_object_get(policy, "Statement")))
		return policy;
	json_decref(policy);
	return NULL;
}

/* Takes it. One without statements is no policy any more. */
static bool policy_write(struct change *change, json_t *notes, json_t *policy)
{
	json_t *attributes = json_object_get(notes, "attributes");
	bool is_empty = json_array_size(json_object_get(policy, "Statement")) == 0;
	char *text = json_dumps(policy, JSON_COMPACT);
	bool is_good = is_empty || (text != NULL && policy_check(text, &change->call->failure));
	struct timespec now;

	json_decref(policy);
	if (is_empty)
		json_object_del(attributes, "Policy");
	else if (is_good)
		is_good = json_object_set_new(attributes, "Policy", json_string(text)) == 0;
	free(text);
	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(notes, "modified_ms",
			    json_integer((json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000));
	return is_good;
}

/* Number of statements: there is none. */
static size_t statement_find(const json_t *statements, const char *label)
{
	size_t i = 0;

	while (i < json_array_size(statements)) {
		const char *sid = input_text(json_array_get(statements, i), "Sid");

		if (sid != NULL && strcmp(sid, label) == 0)
			break;
		i++;
	}
	return i;
}

static bool change_refused(struct change *change, json_t *policy, const char *reason)
{
	json_decref(policy);
	return failure_set(&change->call->failure, INVALID_PARAMETER_VALUE,
			   "Value %s for parameter Label is invalid. Reason: %s", change->label, reason);
}

static bool add(json_t *notes, void *context)
{
	struct change *change = context;
	json_t *policy = policy_read(json_object_get(notes, "attributes"), change->queue_arn);
	json_t *statements = json_object_get(policy, "Statement");

	if (policy == NULL)
		return failure_set(&change->call->failure, INVALID_ATTRIBUTE_VALUE,
				   "The queue's Policy is none: set it anew, or to \"\".");
	if (statement_find(statements, change->label) < json_array_size(statements))
		return change_refused(change, policy, "Already exists.");
	json_array_append(statements, change->statement);
	return policy_write(change, notes, policy);
}

static bool remove_labelled(json_t *notes, void *context)
{
	struct change *change = context;
	json_t *policy = policy_read(json_object_get(notes, "attributes"), change->queue_arn);
	json_t *statements = json_object_get(policy, "Statement");
	size_t index = statement_find(statements, change->label);

	if (index == json_array_size(statements))
		return change_refused(change, policy, "can't find label.");
	json_array_remove(statements, index);
	return policy_write(change, notes, policy);
}

static enum call_outcome carry_out(struct change *change, struct rlq_queue *queue,
				   bool (*how)(json_t *notes, void *context))
{
	struct call *call = change->call;
	int status = notes_change(call->gateway->notes, queue, how, change);

	if (status < 0)
		failure_set(&call->failure, INTERNAL_FAILURE, "The policy of queue %s could not be written: %s",
			    call->queue, strerror(-status));
	return status == 0 ? CALL_DONE : CALL_FAILED;
}

enum call_outcome action_add_permission(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	char arn[ADDRESS_TEXT_BYTES];
	struct change change = {.call = call, .label = input_text(call->input, "Label"), .queue_arn = arn};
	enum call_outcome outcome;

	if (queue == NULL)
		return CALL_FAILED;
	address_arn(call, call->queue, arn);
	change.statement = statement_make(call, change.label, arn);
	if (change.statement == NULL)
		return CALL_FAILED;
	outcome = carry_out(&change, queue, add);
	json_decref(change.statement);
	return outcome;
}

enum call_outcome action_remove_permission(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	char arn[ADDRESS_TEXT_BYTES];
	struct change change = {.call = call, .label = input_text(call->input, "Label"), .queue_arn = arn};

	if (queue == NULL)
		return CALL_FAILED;
	address_arn(call, call->queue, arn);
	return carry_out(&change, queue, remove_labelled);
}
