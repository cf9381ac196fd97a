/* The grammar of policies, as far as AWS's queues take it. */
#include "gateway/policy.h"

#include <string.h>
#include <strings.h>

enum { POLICY_BYTES_MAX = 8192, STATEMENT_ACTIONS_MAX = 7, ACCOUNT_DIGITS = 12 };

#define refuse(failure, ...)                                                                                       \
	failure_set(failure, INVALID_ATTRIBUTE_VALUE,                                                              \
		    "Invalid value for the parameter Policy. Reason: " __VA_ARGS__)

/* Members of an object are of these; `names` ends with NULL. */
static bool has_only(json_t *object, const char *const names[], struct failure *failure)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		size_t i = 0;

		while (names[i] != NULL && strcmp(name, names[i]) != 0)
			i++;
		if (names[i] == NULL)
			return refuse(failure, "There is no such element: %s.", name);
	}
	return true;
}

/* A text or a list of some, and each of them passes. */
static bool texts_check(const json_t *element, const char *name, bool (*check)(const char *, struct failure *),
			struct failure *failure)
{
	if (json_is_array(element) && json_array_size(element) == 0)
		return refuse(failure, "%s is an empty list.", name);
	for (size_t i = 0; i < one_or_many_count(element); i++) {
		const char *text = json_string_value(one_or_many_get(element, i));

		if (text == NULL)
			return refuse(failure, "%s is neither a text nor a list of texts.", name);
		if (check != NULL && !check(text, failure))
			return false;
	}
	return true;
}

static bool action_check(const char *text, struct failure *failure)
{
	if (strcmp(text, "*") == 0 || (strncasecmp(text, "sqs:", 4) == 0 && policy_has_action(text + 4)))
		return true;
	return failure_set(
		failure, INVALID_PARAMETER_VALUE,
		"Value %s for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for "
		"a list of valid actions.",
		text);
}

/* Six parts, so that what a pattern in one of them means is plain; that of the service is written out. */
static bool is_queue_arn(const char *text)
{
	const char *part = strncmp(text, "arn:", 4) == 0 ? strchr(text + 4, ':') : NULL;
	int colons = 0;

	if (part == NULL || strncmp(part, ":sqs:", 5) != 0)
		return false;
	for (; *part != '\0'; part++)
		colons += *part == ':';
	return colons == 4;
}

static bool resource_check(const char *text, struct failure *failure)
{
	if (strstr(text, "${") != NULL)
		return refuse(failure, "Variables in a Resource are not supported: %s.", text);
	if (strcmp(text, "*") == 0 || is_queue_arn(text))
		return true;
	return refuse(failure, "A Resource is \"*\" or arn:PARTITION:sqs:REGION:ACCOUNT:NAME, not %s.", text);
}

static bool principal_text_check(const char *text, struct failure *failure)
{
	if (strcmp(text, "*") == 0 || strncmp(text, "arn:", 4) == 0 ||
	    (strlen(text) == ACCOUNT_DIGITS && strspn(text, "0123456789") == ACCOUNT_DIGITS))
		return true;
	return refuse(failure, "A Principal is \"*\", an account's 12 digits or an ARN, not %s.", text);
}

static bool principal_check(json_t *principal, struct failure *failure)
{
	static const char *const kinds[] = {"AWS", "Service", "Federated", "CanonicalUser", NULL};
	const char *kind;
	json_t *listed;

	if (json_is_string(principal) && strcmp(json_string_value(principal), "*") == 0)
		return true;
	if (!json_is_object(principal) || json_object_size(principal) == 0)
		return refuse(failure, "A Principal is \"*\" or an object such as {\"AWS\": \"123456789012\"}.");
	if (!has_only(principal, kinds, failure))
		return false;
	json_object_foreach(principal, kind,
			    listed) if (!texts_check(listed, kind,
						     strcmp(kind, "AWS") == 0 ? principal_text_check : NULL,
						     failure)) return false;
	return true;
}

static bool condition_check(json_t *condition, struct failure *failure)
{
	const char *name, *key;
	json_t *keys, *wanted;

	if (!json_is_object(condition))
		return refuse(failure,
			      "A Condition is an object such as {\"ArnEquals\": {\"aws:SourceArn\": ...}}.");
	json_object_foreach(condition, name, keys)
	{
		if (!json_is_object(keys))
			return refuse(failure, "%s of a Condition is no object.", name);
		json_object_foreach(
			keys, key,
			wanted) for (size_t i = 0; i < one_or_many_count(wanted);
				     i++) if (json_is_null(one_or_many_get(wanted, i)) ||
					      json_is_object(one_or_many_get(wanted, i)) ||
					      json_is_array(one_or_many_get(
						      wanted, i))) return refuse(failure,
										 "%s of a Condition is no value.",
										 key);
	}
	return true;
}

/* One of an element and its Not..., which is then *ret_element, named *ret_name. */
static bool one_of(json_t *statement, const char *name, const char *not_name, json_t **ret_element,
		   const char **ret_name, struct failure *failure)
{
	json_t *plain = json_object_get(statement, name), *turned = json_object_get(statement, not_name);

	if ((plain == NULL) == (turned == NULL))
		return refuse(failure, "A statement has %s or %s.", name, not_name);
	*ret_element = plain != NULL ? plain : turned;
	*ret_name = plain != NULL ? name : not_name;
	return true;
}

static bool elements_check(json_t *statement, struct failure *failure)
{
	json_t *element, *condition = json_object_get(statement, "Condition");
	const char *name;

	if (!one_of(statement, "Principal", "NotPrincipal", &element, &name, failure) ||
	    !principal_check(element, failure))
		return false;
	if (!one_of(statement, "Action", "NotAction", &element, &name, failure) ||
	    !texts_check(element, name, action_check, failure))
		return false;
	if (one_or_many_count(element) > STATEMENT_ACTIONS_MAX)
		return failure_set(failure, OVER_LIMIT, "%zu Actions were found, maximum allowed is %d.",
				   one_or_many_count(element), STATEMENT_ACTIONS_MAX);
	if (!one_of(statement, "Resource", "NotResource", &element, &name, failure) ||
	    !texts_check(element, name, resource_check, failure))
		return false;
	return condition == NULL || condition_check(condition, failure);
}

static bool statement_check(json_t *statement, struct failure *failure)
{
	static const char *const elements[] = {"Sid",	    "Effect",	"Principal",   "NotPrincipal", "Action",
					       "NotAction", "Resource", "NotResource", "Condition",    NULL};
	const json_t *sid = json_object_get(statement, "Sid");
	const char *effect = json_string_value(json_object_get(statement, "Effect"));

	if (!json_is_object(statement))
		return refuse(failure, "A Statement is an object or a list of objects.");
	if (!has_only(statement, elements, failure))
		return false;
	if (sid != NULL && !json_is_string(sid))
		return refuse(failure, "A Sid is a text.");
	if (effect == NULL || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
		return refuse(failure, "The Effect of a statement is \"Allow\" or \"Deny\".");
	return elements_check(statement, failure);
}

static bool tree_check(json_t *tree, struct failure *failure)
{
	static const char *const elements[] = {"Version", "Id", "Statement", NULL};
	const json_t *version = json_object_get(tree, "Version"), *id = json_object_get(tree, "Id");
	const json_t *statements = json_object_get(tree, "Statement");
	const char *text = json_string_value(version);

	if (!json_is_object(tree))
		return refuse(failure, "A policy is a JSON object.");
	if (!has_only(tree, elements, failure))
		return false;
	if (version != NULL &&
	    (text == NULL || (strcmp(text, "2012-10-17") != 0 && strcmp(text, "2008-10-17") != 0)))
		return refuse(failure, "The Version is \"2012-10-17\" or \"2008-10-17\".");
	if (id != NULL && !json_is_string(id))
		return refuse(failure, "An Id is a text.");
	if (one_or_many_count(statements) == 0)
		return refuse(failure, "There is no Statement.");
	for (size_t i = 0; i < one_or_many_count(statements); i++)
		if (!statement_check((json_t *)one_or_many_get(statements, i), failure))
			return false;
	return true;
}

bool policy_check(const char *policy, struct failure *failure)
{
	json_error_t error;
	json_t *tree;
	bool is_good;

	if (strlen(policy) > POLICY_BYTES_MAX)
		return refuse(failure, "A policy has at most %d bytes.", POLICY_BYTES_MAX);
	tree = json_loads(policy, JSON_REJECT_DUPLICATES, &error);
	if (tree == NULL)
		return refuse(failure, "It is not JSON, or a name is there twice (line %d, column %d).", error.line,
			      error.column);
	is_good = tree_check(tree, failure);
	json_decref(tree);
	return is_good;
}
