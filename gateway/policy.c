#include "gateway/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ACTION_BYTES = 64 };

struct question {
	const struct caller *caller;
	char action[ACTION_BYTES]; /* "SendMessage", also of SendMessageBatch: policies know no batches */
	const char *queue_arn;
};

/* Any of a text or list of texts. */
static bool any(const json_t *element, bool (*matches)(const struct question *, const char *),
		const struct question *question)
{
	for (size_t i = 0; i < one_or_many_count(element); i++) {
		const char *text = json_string_value(one_or_many_get(element, i));

		if (text != NULL && matches(question, text))
			return true;
	}
	return false;
}

/* ---- who --------------------------------------------------------------------------------------- */

/* arn:PARTITION:iam::ACCOUNT:root is everybody of the account, ...:user/PATH/NAME the profile of that name. Roles,
 * sessions and services never call us. */
static bool arn_is_caller(const char *arn, const struct caller *caller)
{
	size_t account_bytes = strlen(caller->account);
	const char *text = strstr(arn, ":iam::"), *name;

	if (strncmp(arn, "arn:", 4) != 0 || text == NULL)
		return false;
	text += strlen(":iam::");
	if (strncmp(text, caller->account, account_bytes) != 0 || text[account_bytes] != ':')
		return false;
	text += account_bytes + 1;
	if (strcmp(text, "root") == 0)
		return true;
	name = strrchr(text, '/');
	return strncmp(text, "user/", 5) == 0 && strcmp(name + 1, caller->user) == 0;
}

static bool is_principal(const struct question *question, const char *text)
{
	const struct caller *caller = question->caller;

	if (strcmp(text, "*") == 0)
		return true;
	if (caller->account[0] == '\0')
		return false;
	return strcmp(text, caller->account) == 0 || arn_is_caller(text, caller);
}

static bool principal_matches(const json_t *principal, const struct question *question)
{
	const json_t *listed = json_is_object(principal) ? json_object_get(principal, "AWS") : principal;

	return any(listed, is_principal, question);
}

/* ---- what, and of which queue ------------------------------------------------------------------ */

static bool is_action(const struct question *question, const char *text)
{
	if (strcmp(text, "*") == 0)
		return true;
	return strncasecmp(text, "sqs:", 4) == 0 && pattern_matches(text + 4, question->action, true);
}

/* ACCOUNT:NAME of an ARN; NULL: it has none. */
static const char *arn_rest(const char *arn)
{
	for (int colons = 0; arn != NULL && colons < 4; colons++) {
		arn = strchr(arn, ':');
		arn = arn != NULL ? arn + 1 : NULL;
	}
	return arn;
}

/* Partition and region are what the caller has signed for, and all regions have the same queues: a statement is of
 * the queue whatever region it names, or a Deny could be walked round by signing for another. */
static bool is_resource(const struct question *question, const char *text)
{
	const char *pattern = arn_rest(text), *queue = arn_rest(question->queue_arn);

	if (strcmp(text, "*") == 0)
		return true;
	return pattern != NULL && queue != NULL && pattern_matches(pattern, queue, false);
}

/* ---- statements -------------------------------------------------------------------------------- */

static bool applies(const json_t *statement, const struct question *question)
{
	const json_t *principal = json_object_get(statement, "Principal");
	const json_t *action = json_object_get(statement, "Action");
	const json_t *resource = json_object_get(statement, "Resource");

	return (principal ? principal_matches(principal, question)
			  : !principal_matches(json_object_get(statement, "NotPrincipal"), question)) &&
	       (action ? any(action, is_action, question)
		       : !any(json_object_get(statement, "NotAction"), is_action, question)) &&
	       (resource ? any(resource, is_resource, question)
			 : !any(json_object_get(statement, "NotResource"), is_resource, question));
}

enum verdict { VERDICT_NONE, VERDICT_ALLOWED, VERDICT_DENIED };

/* A condition of which we cannot tell whether it holds never allows and always denies. */
static enum verdict judge(const json_t *policy, const struct question *question)
{
	const json_t *statements = json_object_get(policy, "Statement");
	enum verdict verdict = VERDICT_NONE;

	for (size_t i = 0; i < one_or_many_count(statements); i++) {
		const json_t *statement = one_or_many_get(statements, i);
		const char *effect = json_string_value(json_object_get(statement, "Effect"));
		enum answer answer;

		if (effect == NULL || !applies(statement, question))
			continue;
		answer = condition_answer(json_object_get(statement, "Condition"), question->caller);
		if (strcmp(effect, "Deny") == 0 && answer != ANSWER_NO)
			return VERDICT_DENIED;
		if (strcmp(effect, "Allow") == 0 && answer == ANSWER_YES)
			verdict = VERDICT_ALLOWED;
	}
	return verdict;
}

static bool deny(const struct question *question, enum verdict verdict, struct failure *failure)
{
	const struct caller *caller = question->caller;
	char action[ACTION_BYTES];

	if (caller->account[0] == '\0')
		return failure_set(failure, ACCESS_DENIED, "Access to the resource %s is denied.",
				   question->queue_arn);
	strcpy(action, question->action);
	for (char *c = action; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (verdict == VERDICT_DENIED)
		return failure_set(
			failure, ACCESS_DENIED,
			"User: arn:aws:iam::%s:user/%s is not authorized to perform: sqs:%s on resource: %s "
			"with an explicit deny in a resource-based policy",
			caller->account, caller->user, action, question->queue_arn);
	return failure_set(
		failure, ACCESS_DENIED,
		"User: arn:aws:iam::%s:user/%s is not authorized to perform: sqs:%s on resource: %s because "
		"no resource-based policy allows the sqs:%s action",
		caller->account, caller->user, action, question->queue_arn, action);
}

bool policy_allows(const char *policy, const struct caller *caller, const char *account, const char *action,
		   const char *queue_arn, struct failure *failure)
{
	struct question question = {.caller = caller, .queue_arn = queue_arn};
	bool is_owner = caller->account[0] != '\0' && strcmp(caller->account, account) == 0;
	enum verdict verdict = VERDICT_NONE;
	char *batch;

	snprintf(question.action, sizeof(question.action), "%s", action);
	batch = strstr(question.action, "Batch");
	if (batch != NULL)
		*batch = '\0';
	if (policy != NULL) {
		json_t *tree = json_loads(policy, 0, NULL);

		verdict = judge(tree, &question);
		json_decref(tree);
	}
	if (verdict != VERDICT_DENIED &&
	    (is_owner || (verdict == VERDICT_ALLOWED && policy_is_shareable(question.action))))
		return true;
	return deny(&question, verdict, failure);
}
