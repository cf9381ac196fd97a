#include "gateway/json_text.h"
#include "gateway/shape.h"

#include <stdio.h>
#include <string.h>

enum {
	PLACE_BYTES = 192,
};

/* Where in the request: "SendMessageBatchRequestEntry.2." before the names of that entry's members. */
struct place {
	char text[PLACE_BYTES];
};

static bool check_value(const struct shape *shape, json_t *value, const char *name, struct failure *failure);

static bool wrong_type(const json_t *value, const char *expected, const char *name, struct failure *failure)
{
	static const char *const kinds[] = {
		[JSON_STRING] = "STRING_VALUE", [JSON_INTEGER] = "NUMBER_VALUE", [JSON_REAL] = "DECIMAL_VALUE",
		[JSON_TRUE] = "TRUE_VALUE",	[JSON_FALSE] = "FALSE_VALUE",	 [JSON_NULL] = "NULL_VALUE",
	};

	if (json_is_object(value))
		return failure_set(failure, SERIALIZATION,
				   "%s: Start of structure or map found where not expected.", name);
	if (json_is_array(value))
		return failure_set(failure, SERIALIZATION, "%s: Start of list found where not expected.", name);
	return failure_set(failure, SERIALIZATION, "%s: %s can not be converted to %s", name,
			   kinds[json_typeof(value)], expected);
}

static bool check_text(const struct shape *shape, const json_t *value, const char *name, struct failure *failure)
{
	if (!json_is_string(value))
		return wrong_type(value, "a String", name, failure);
	if (shape->kind == SHAPE_CONTENT || strlen(json_string_value(value)) == json_string_length(value))
		return true;
	return failure_set(failure, INVALID_PARAMETER_VALUE,
			   "Value for parameter %s is invalid. Reason: Must not contain the character U+0000.",
			   name);
}

static bool check_list(const struct shape *shape, json_t *list, const char *name, struct failure *failure)
{
	struct place element_name;
	json_t *element;
	size_t index;

	if (!json_is_array(list))
		return wrong_type(list, "a List", name, failure);
	json_array_foreach(list, index, element)
	{
		snprintf(element_name.text, sizeof(element_name.text), "%s.%zu", name, index + 1);
		if (!check_value(shape->element, element, element_name.text, failure))
			return false;
	}
	return true;
}

static bool check_map(const struct shape *shape, json_t *map, const char *name, struct failure *failure)
{
	struct place value_name;
	const char *key;
	json_t *value;
	void *next;
	size_t index = 0;

	if (!json_is_object(map))
		return wrong_type(map, "a Map", name, failure);
	json_object_foreach_safe(map, next, key, value)
	{
		snprintf(value_name.text, sizeof(value_name.text), "%s.%zu.%s", name, ++index, shape->value);
		if (json_is_null(value))
			json_object_del(map, key);
		else if (!check_value(shape->element, value, value_name.text, failure))
			return false;
	}
	return true;
}

/* How AWS names it: a list's elements and a map's entries as Query does. */
static void name_member(const struct member *member, const char *prefix, struct place *ret_name)
{
	bool is_scalar = member->shape->kind != SHAPE_LIST && member->shape->kind != SHAPE_MAP;

	snprintf(ret_name->text, sizeof(ret_name->text), "%s%s", prefix, is_scalar ? member->name : member->query);
}

static bool missing(const struct member *member, const char *prefix, struct failure *failure)
{
	struct place name;
	const char *key = member->shape->kind == SHAPE_MAP ? member->shape->key : NULL;

	snprintf(name.text, sizeof(name.text), "%s%s%s%s", prefix, key ? member->query : member->name,
		 key ? "." : "", key ? key : "");
	return failure_missing(failure, name.text);
}

static bool check_members(const struct shape *shape, json_t *object, const char *prefix, struct failure *failure)
{
	for (const struct member *member = shape->members; member->name; member++) {
		json_t *value = json_object_get(object, member->name);
		struct place name;

		if (json_is_null(value)) {
			json_object_del(object, member->name);
			value = NULL;
		}
		if (value == NULL && member->need != OPTIONAL)
			return missing(member, prefix, failure);
		if (value == NULL)
			continue;
		name_member(member, prefix, &name);
		if (!check_value(member->shape, value, name.text, failure))
			return false;
		if (member->need == NOT_EMPTY && json_string_length(value) == 0)
			return missing(member, prefix, failure);
	}
	return true;
}

static bool check_structure(const struct shape *shape, json_t *object, const char *name, struct failure *failure)
{
	struct place prefix;

	if (!json_is_object(object))
		return wrong_type(object, "a Structure", name, failure);
	snprintf(prefix.text, sizeof(prefix.text), "%s.", name);
	return check_members(shape, object, prefix.text, failure);
}

static bool check_value(const struct shape *shape, json_t *value, const char *name, struct failure *failure)
{
	switch (shape->kind) {
	case SHAPE_INTEGER:
		return json_is_integer(value) || wrong_type(value, "an Integer", name, failure);
	case SHAPE_BOOLEAN:
		return json_is_boolean(value) || wrong_type(value, "a Boolean", name, failure);
	case SHAPE_LIST:
		return check_list(shape, value, name, failure);
	case SHAPE_MAP:
		return check_map(shape, value, name, failure);
	case SHAPE_STRUCTURE:
		return check_structure(shape, value, name, failure);
	default:
		return check_text(shape, value, name, failure);
	}
}

bool shape_check(const struct action_shape *shape, json_t *input, struct failure *failure)
{
	if (!json_is_object(input))
		return failure_set(failure, SERIALIZATION, "The request is not a JSON object.");
	return check_members(shape->input, input, "", failure);
}

bool json_read(const struct action_shape *shape, const char *body, size_t bytes, json_t **ret_input,
	       struct failure *failure)
{
	json_error_t error;
	json_t *input = bytes == 0 ? json_object() : json_text_read(body, bytes);

	if (input == NULL && bytes > 0)
		input = json_loadb(body, bytes, JSON_ALLOW_NUL, &error);
	if (input == NULL && bytes == 0)
		return failure_set(failure, SERVICE_UNAVAILABLE, "The endpoint is out of memory: try again later.");
	if (input == NULL)
		return failure_set(failure, SERIALIZATION, "The request is not JSON: line %d, column %d: %s",
				   error.line, error.column, error.text);
	if (!shape_check(shape, input, failure)) {
		json_decref(input);
		return false;
	}
	*ret_input = input;
	return true;
}
