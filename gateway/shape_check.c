#include "gateway/shape.h"

#include <stdio.h>
#include <string.h>

#include "gateway/json_tree.h"

enum {
	PLACE_BYTES = 192,
};

/* Where in the request, from its end: "MessageBody" in "2" in "SendMessageBatchRequestEntry". Put into words only
 * where something is wrong. */
struct place {
	const struct place *in; /* NULL: the request */
	const char *name;	/* NULL: one of several */
	size_t number;		/* of it, from 1 */
};

static size_t place_append(const struct place *place, char text[PLACE_BYTES])
{
	size_t bytes = place->in ? place_append(place->in, text) : 0;
	const char *separator = place->in ? "." : "";
	char *end = text + bytes;

	if (place->name)
		snprintf(end, PLACE_BYTES - bytes, "%s%s", separator, place->name);
	else
		snprintf(end, PLACE_BYTES - bytes, "%s%zu", separator, place->number);
	return bytes + strlen(end);
}

static bool check_value(const struct shape *shape, json_t *value, const struct place *place,
			struct failure *failure);

static bool wrong_type(const json_t *value, const char *expected, const struct place *place,
		       struct failure *failure)
{
	char name[PLACE_BYTES];
	static const char *const kinds[] = {
		[JSON_STRING] = "STRING_VALUE", [JSON_INTEGER] = "NUMBER_VALUE", [JSON_REAL] = "DECIMAL_VALUE",
		[JSON_TRUE] = "TRUE_VALUE",	[JSON_FALSE] = "FALSE_VALUE",	 [JSON_NULL] = "NULL_VALUE",
	};

	place_append(place, name);
	if (json_typeof(value) == JSON_OBJECT)
		return failure_set(failure, SERIALIZATION,
				   "%s: Start of structure or map found where not expected.", name);
	if (json_typeof(value) == JSON_ARRAY)
		return failure_set(failure, SERIALIZATION, "%s: Start of list found where not expected.", name);
	return failure_set(failure, SERIALIZATION, "%s: %s can not be converted to %s", name,
			   kinds[json_typeof(value)], expected);
}

static bool check_text(const struct shape *shape, const json_t *value, const struct place *place,
		       struct failure *failure)
{
	char name[PLACE_BYTES];

	if (json_typeof(value) != JSON_STRING)
		return wrong_type(value, "a String", place, failure);
	if (shape->kind == SHAPE_CONTENT || strlen(json_string_value(value)) == json_string_length(value))
		return true;
	place_append(place, name);
	return failure_set(failure, INVALID_PARAMETER_VALUE,
			   "Value for parameter %s is invalid. Reason: Must not contain the character U+0000.",
			   name);
}

static bool check_list(const struct shape *shape, json_t *list, const struct place *place, struct failure *failure)
{
	struct place element_place = {.in = place};
	json_t *element;
	size_t index;

	if (json_typeof(list) != JSON_ARRAY)
		return wrong_type(list, "a List", place, failure);
	json_array_foreach(list, index, element)
	{
		element_place.number = index + 1;
		if (!check_value(shape->element, element, &element_place, failure))
			return false;
	}
	return true;
}

static bool check_map(const struct shape *shape, json_t *map, const struct place *place, struct failure *failure)
{
	struct place entry = {.in = place}, value_place = {.in = &entry, .name = shape->value};
	const char *key;
	json_t *value;
	void *next;

	if (json_typeof(map) != JSON_OBJECT)
		return wrong_type(map, "a Map", place, failure);
	json_object_foreach_safe(map, next, key, value)
	{
		entry.number++;
		if (json_is_null(value))
			json_object_del(map, key);
		else if (!check_value(shape->element, value, &value_place, failure))
			return false;
	}
	return true;
}

/* How AWS names it: a list's elements and a map's entries as Query does. */
static const char *member_name(const struct member *member)
{
	bool is_scalar = member->shape->kind != SHAPE_LIST && member->shape->kind != SHAPE_MAP;

	return is_scalar ? member->name : member->query;
}

static bool missing(const struct member *member, const struct place *in, struct failure *failure)
{
	const char *key = member->shape->kind == SHAPE_MAP ? member->shape->key : NULL;
	struct place place = {.in = in, .name = key ? member->query : member->name};
	struct place key_place = {.in = &place, .name = key};
	char name[PLACE_BYTES];

	place_append(key ? &key_place : &place, name);
	return failure_missing(failure, name);
}

static bool check_members(const struct shape *shape, json_t *object, const struct place *in,
			  struct failure *failure)
{
	size_t left = json_object_size(object); /* not seen yet; without any there is no need to look */

	for (const struct member *member = shape->members; member->name; member++) {
		const struct place place = {.in = in, .name = member_name(member)};
		json_t *value = left > 0 ? json_object_get(object, member->name) : NULL;

		left -= value != NULL;
		if (json_is_null(value)) {
			json_object_del(object, member->name);
			value = NULL;
		}
		if (value == NULL && member->need != OPTIONAL)
			return missing(member, in, failure);
		if (value == NULL)
			continue;
		if (!check_value(member->shape, value, &place, failure))
			return false;
		if (member->need == NOT_EMPTY && json_string_length(value) == 0)
			return missing(member, in, failure);
	}
	return true;
}

static bool check_structure(const struct shape *shape, json_t *object, const struct place *place,
			    struct failure *failure)
{
	if (json_typeof(object) != JSON_OBJECT)
		return wrong_type(object, "a Structure", place, failure);
	return check_members(shape, object, place, failure);
}

static bool check_value(const struct shape *shape, json_t *value, const struct place *place,
			struct failure *failure)
{
	switch (shape->kind) {
	case SHAPE_INTEGER:
		return json_typeof(value) == JSON_INTEGER || wrong_type(value, "an Integer", place, failure);
	case SHAPE_BOOLEAN:
		return json_is_boolean(value) || wrong_type(value, "a Boolean", place, failure);
	case SHAPE_LIST:
		return check_list(shape, value, place, failure);
	case SHAPE_MAP:
		return check_map(shape, value, place, failure);
	case SHAPE_STRUCTURE:
		return check_structure(shape, value, place, failure);
	default:
		return check_text(shape, value, place, failure);
	}
}

bool shape_check(const struct action_shape *shape, json_t *input, struct failure *failure)
{
	if (!json_is_object(input))
		return failure_set(failure, SERIALIZATION, "The request is not a JSON object.");
	return check_members(shape->input, input, NULL, failure);
}

bool json_read(const struct action_shape *shape, const char *body, size_t bytes, json_t **ret_input,
	       struct failure *failure)
{
	json_error_t error;
	json_t *input = bytes == 0 ? json_object() : json_tree(body, bytes, &error);

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
