#include "gateway/policy.h"

#include <string.h>
#include <strings.h>

enum comparison { COMPARE_EXACT, COMPARE_ANY_CASE, COMPARE_PATTERN, COMPARE_NULL };

/* How two texts compare, and whether the answer is turned round. */
static const struct operator
{
	const char *name;
	enum comparison comparison;
	bool is_negated;
}
operators[] = {
	{"StringEquals", COMPARE_EXACT, false},
	{"StringNotEquals", COMPARE_EXACT, true},
	{"StringEqualsIgnoreCase", COMPARE_ANY_CASE, false},
	{"StringNotEqualsIgnoreCase", COMPARE_ANY_CASE, true},
	{"StringLike", COMPARE_PATTERN, false},
	{"StringNotLike", COMPARE_PATTERN, true},
	{"ArnEquals", COMPARE_PATTERN, false}, /* the same as ArnLike, says AWS */
	{"ArnNotEquals", COMPARE_PATTERN, true},
	{"ArnLike", COMPARE_PATTERN, false},
	{"ArnNotLike", COMPARE_PATTERN, true},
	{"Bool", COMPARE_ANY_CASE, false},
	{"Null", COMPARE_NULL, false},
};

static const char if_exists[] = "IfExists";

static const struct operator* operator_find(const char *name, bool *ret_if_exists)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t bytes = strlen(operators[i].name);

		if (strncmp(name, operators[i].name, bytes) != 0)
			continue;
		*ret_if_exists = strcmp(name + bytes, if_exists) == 0;
		if (name[bytes] == '\0' || *ret_if_exists)
			return &operators[i];
	}
	return NULL;
}

/* Keys are of any case. False: we do not know it; *ret_value NULL: the request has it not. */
static bool key_value(const char *key, const struct caller *caller, const char **ret_value)
{
	*ret_value = NULL;
	if (strcasecmp(key, "aws:SourceArn") == 0 || strcasecmp(key, "aws:SourceAccount") == 0)
		return true;
	if (strcasecmp(key, "aws:SecureTransport") == 0)
		*ret_value = caller->is_secure ? "true" : "false";
	else if (strcasecmp(key, "aws:PrincipalAccount") == 0)
		*ret_value = caller->account[0] != '\0' ? caller->account : NULL;
	else
		return false;
	return true;
}

static const char *wanted_text(const json_t *wanted)
{
	if (json_is_boolean(wanted))
		return json_is_true(wanted) ? "true" : "false";
	return json_string_value(wanted);
}

/* Of one wanted value. What is neither text nor true or false, and what has variables, we do not compare. */
static enum answer compare(enum comparison comparison, const json_t *wanted, const char *value)
{
	const char *text = wanted_text(wanted);
	bool is_equal;

	if (text == NULL || strstr(text, "${") != NULL)
		return ANSWER_UNKNOWN;
	if (comparison == COMPARE_EXACT)
		is_equal = strcmp(text, value) == 0;
	else if (comparison == COMPARE_PATTERN)
		is_equal = pattern_matches(text, value, false);
	else
		is_equal = strcasecmp(text, value) == 0;
	return is_equal ? ANSWER_YES : ANSWER_NO;
}

/* Of several values any will do; negated, none may. */
static enum answer key_answer(const struct operator* operator, bool if_there, const char *key, const json_t *wanted,
			      const struct caller *caller)
{
	enum answer best = ANSWER_NO;
	const char *value;

	if (!key_value(key, caller, &value))
		return ANSWER_UNKNOWN;
	if (operator->comparison == COMPARE_NULL)
		value = value == NULL ? "true" : "false";
	if (value == NULL)
		return if_there || operator->is_negated ? ANSWER_YES : ANSWER_NO;
	for (size_t i = 0; i < one_or_many_count(wanted); i++) {
		enum answer answer = compare(operator->comparison, one_or_many_get(wanted, i), value);

		best = answer > best ? answer : best;
	}
	return operator->is_negated ? ANSWER_YES - best : best;
}

/* All must hold: the least of the answers. */
enum answer condition_answer(json_t *condition, const struct caller *caller)
{
	enum answer worst = ANSWER_YES, answer;
	const char *name, *key;
	json_t *keys, *wanted;

	json_object_foreach(condition, name, keys)
	{
		bool if_there = false;
		const struct operator* operator= operator_find(name, &if_there);

		json_object_foreach(keys, key, wanted)
		{
			answer = operator!= NULL ? key_answer(operator, if_there, key, wanted, caller)
						 : ANSWER_UNKNOWN;
			worst = answer < worst ? answer : worst;
		}
	}
	return worst;
}
