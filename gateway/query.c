/* A Query request as the tree that a JSON request would be: built along the shape, in one pass over the sorted
 * parameters. */
#include "gateway/form.h"
#include "gateway/parameters.h"
#include "gateway/shape.h"
#include "gateway/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL: there is none in the range, or failure->code is set. `name` is for failures. */
static json_t *read_value(const struct shape *shape, const char *name, struct range range, struct failure *failure);

/* ---- values ---------------------------------------------------------------------------------------------- */

static json_t *out_of_memory(struct failure *failure)
{
	failure_set(failure, SERVICE_UNAVAILABLE, "The endpoint is out of memory: try again later.");
	return NULL;
}

static bool is_utf8(const char *text, size_t bytes)
{
	uint32_t code;

	for (size_t length; bytes > 0; text += length, bytes -= length) {
		length = utf8_character(text, bytes, &code);
		if (length == 0)
			return false;
	}
	return true;
}

static json_t *read_text(const struct parameter *parameter, const char *name, struct failure *failure)
{
	json_t *text = json_stringn(parameter->value, parameter->value_bytes);

	if (text != NULL)
		return text;
	if (is_utf8(parameter->value, parameter->value_bytes))
		return out_of_memory(failure);
	if (strcmp(name, "MessageBody") == 0)
		failure_set(failure, INVALID_MESSAGE_CONTENTS,
			    "Invalid characters found: the message is not UTF-8.");
	else
		failure_set(failure, INVALID_PARAMETER_VALUE,
			    "Value for parameter %s is invalid. Reason: Must be UTF-8.", name);
	return NULL;
}

static json_t *read_integer(const struct parameter *parameter, const char *name, struct failure *failure)
{
	const char *digits = parameter->value + (parameter->value[0] == '-');
	size_t digits_count = strspn(digits, "0123456789");
	long long number;

	errno = 0;
	number = strtoll(parameter->value, NULL, 10);
	if (digits_count > 0 && digits + digits_count == parameter->value + parameter->value_bytes && errno == 0) {
		json_t *integer = json_integer(number);

		return integer ? integer : out_of_memory(failure);
	}
	failure_set(failure, INVALID_PARAMETER_VALUE,
		    "Value %s for parameter %s is invalid. Reason: Must be an integer.", parameter->value, name);
	return NULL;
}

static json_t *read_boolean(const struct parameter *parameter, const char *name, struct failure *failure)
{
	if (strcmp(parameter->value, "true") == 0 || strcmp(parameter->value, "false") == 0)
		return json_boolean(parameter->value[0] == 't');
	failure_set(failure, INVALID_PARAMETER_VALUE,
		    "Value %s for parameter %s is invalid. Reason: Must be true or false.", parameter->value, name);
	return NULL;
}

static json_t *read_scalar(const struct shape *shape, const char *name, struct range range, struct failure *failure)
{
	const struct parameter *parameter = range_end(range);

	if (parameter == NULL)
		return NULL;
	if (shape->kind == SHAPE_INTEGER)
		return read_integer(parameter, name, failure);
	if (shape->kind == SHAPE_BOOLEAN)
		return read_boolean(parameter, name, failure);
	return read_text(parameter, name, failure);
}

static void append(json_t *list, json_t *element, struct failure *failure)
{
	if (element != NULL && json_array_append_new(list, element) != 0)
		out_of_memory(failure);
}

/* A list of one may do without its number, as in the examples of AWS's documentation: "AttributeName=All". An empty
 * text is an empty list of some SDKs. */
static bool is_alone(const struct shape *shape, struct range range)
{
	const struct parameter *only = range_end(range);

	return shape->element->kind != SHAPE_STRUCTURE && only != NULL && only->value_bytes > 0;
}

static json_t *read_list(const struct shape *shape, const char *name, struct range range, struct failure *failure)
{
	json_t *list = json_array();
	struct range group;
	const char *part;

	if (list == NULL)
		return out_of_memory(failure);
	if (!range_is_numbered(range) && is_alone(shape, range))
		append(list, read_value(shape->element, name, range, failure), failure);
	else
		while (failure->code == FAILURE_NONE && range_is_numbered(range) &&
		       range_next(&range, &part, &group))
			append(list, read_value(shape->element, name, group, failure), failure);
	if (failure->code == FAILURE_NONE && json_array_size(list) > 0)
		return list;
	json_decref(list);
	return NULL;
}

/* ---- maps ------------------------------------------------------------------------------------------------ */

static bool no_key(const struct shape *shape, const char *name, struct failure *failure)
{
	if (shape->element->kind == SHAPE_STRUCTURE)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "The request must contain non-empty message attribute name.");
	return failure_set(failure, MISSING_PARAMETER, "The request must contain the parameter %s.%s.", name,
			   shape->key);
}

static bool no_value(const struct shape *shape, const char *name, const char *key, struct failure *failure)
{
	if (shape->element->kind == SHAPE_STRUCTURE)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "The message attribute '%s' must contain non-empty message attribute value.",
				   key);
	return failure_set(failure, MISSING_PARAMETER, "The request must contain the parameter %s.%s.", name,
			   shape->value);
}

/* Into the map; `value` is taken over. */
static bool put_entry(const struct shape *shape, json_t *map, const struct parameter *key, json_t *value,
		      const char *name, struct failure *failure)
{
	if (failure->code != FAILURE_NONE)
		return false;
	if (key == NULL)
		return json_decref(value), no_key(shape, name, failure);
	if (value == NULL)
		return no_value(shape, name, key->value, failure);
	if (strlen(key->value) != key->value_bytes || !is_utf8(key->value, key->value_bytes)) {
		json_decref(value);
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Value for parameter %s.%s is invalid. Reason: Must be UTF-8 without U+0000.",
				   name, shape->key);
	}
	if (json_object_set_new(map, key->value, value) == 0)
		return true;
	out_of_memory(failure);
	return false;
}

static bool read_entry(const struct shape *shape, json_t *map, const char *name, struct range range,
		       struct failure *failure)
{
	const struct parameter *key = NULL;
	json_t *value = NULL;
	struct range group;
	const char *part;

	while (range_next(&range, &part, &group)) {
		if (part_is(part, shape->key))
			key = range_end(group);
		else if (part_is(part, shape->value))
			value = read_value(shape->element, name, group, failure);
	}
	return put_entry(shape, map, key, value, name, failure);
}

/* Of one entry the number may be left out: "Attribute.Name=DelaySeconds&Attribute.Value=5". */
static json_t *read_map(const struct shape *shape, const char *name, struct range range, struct failure *failure)
{
	json_t *map = json_object();
	struct range group;
	const char *part;

	if (map == NULL)
		return out_of_memory(failure);
	if (!range_is_numbered(range) && (range_has(range, shape->key) || range_has(range, shape->value)))
		read_entry(shape, map, name, range, failure); /* and there is no more: it takes them all up */
	else
		while (failure->code == FAILURE_NONE && range_is_numbered(range) &&
		       range_next(&range, &part, &group))
			read_entry(shape, map, name, group, failure);
	if (failure->code == FAILURE_NONE && json_object_size(map) > 0)
		return map;
	json_decref(map);
	return NULL;
}

/* ---- structures ------------------------------------------------------------------------------------------ */

static const struct member *find_member(const struct shape *shape, const char *part)
{
	for (const struct member *member = shape->members; member->name; member++)
		if (part_is(part, member->query))
			return member;
	return NULL;
}

static json_t *read_structure(const struct shape *shape, struct range range, struct failure *failure)
{
	json_t *object = json_object();
	struct range group;
	const char *part;

	if (object == NULL)
		return out_of_memory(failure);
	while (failure->code == FAILURE_NONE && range_next(&range, &part, &group)) {
		const struct member *member = find_member(shape, part);
		json_t *value = member ? read_value(member->shape, member->query, group, failure) : NULL;

		if (value != NULL && json_object_set_new(object, member->name, value) != 0)
			out_of_memory(failure);
	}
	if (failure->code == FAILURE_NONE)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *read_value(const struct shape *shape, const char *name, struct range range, struct failure *failure)
{
	switch (shape->kind) {
	case SHAPE_LIST:
		return read_list(shape, name, range, failure);
	case SHAPE_MAP:
		return read_map(shape, name, range, failure);
	case SHAPE_STRUCTURE:
		return read_structure(shape, range, failure);
	default:
		return read_scalar(shape, name, range, failure);
	}
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static bool form_failed(enum form_outcome outcome, struct failure *failure)
{
	switch (outcome) {
	case FORM_READ:
		return false;
	case FORM_MALFORMED:
		failure_set(failure, MALFORMED_QUERY,
			    "The request is not form-encoded: a '%%' is not followed by two hexadecimal digits, or "
			    "a name "
			    "has a zero byte.");
		return true;
	case FORM_TOO_MANY:
		failure_set(failure, MALFORMED_QUERY, "The request has more than %d parameters.",
			    QUERY_PARAMETERS_MAX);
		return true;
	default:
		out_of_memory(failure);
		return true;
	}
}

static const char *find_action(const struct form *form)
{
	const char *action = NULL;

	for (size_t i = 0; i < form->count; i++)
		if (strcmp(form->pairs[i].name, "Action") == 0)
			action = form->pairs[i].value;
	return action;
}

/* AWS says of a batch without entries that it is empty, not that it has no list. */
static bool add_empty_batch(const struct action_shape *shape, json_t *input)
{
	for (const struct member *member = shape->input->members; member->name; member++)
		if (strcmp(member->name, "Entries") == 0 && json_object_get(input, member->name) == NULL)
			return json_object_set_new(input, member->name, json_array()) == 0;
	return true;
}

static json_t *read_tree(const struct action_shape *shape, const struct form *form, struct failure *failure)
{
	struct range range;
	json_t *input;

	if (!range_of_form(form, &range))
		return out_of_memory(failure);
	struct parameter *parameters = range.first;

	input = read_structure(shape->input, range, failure);
	free(parameters);
	if (input != NULL && !add_empty_batch(shape, input)) {
		json_decref(input);
		return out_of_memory(failure);
	}
	return input;
}

static bool read_form(const struct form *form, char **ret_action, const struct action_shape **ret_shape,
		      json_t **ret_input, struct failure *failure)
{
	const char *action = find_action(form);
	json_t *input;

	if (action == NULL)
		return failure_set(failure, UNKNOWN_OPERATION, "The request has no Action.");
	*ret_action = strdup(action);
	if (*ret_action == NULL)
		return out_of_memory(failure), false;
	*ret_shape = shape_find(action);
	if (*ret_shape == NULL)
		return failure_set(failure, INVALID_ACTION, "The action %s is not valid for this endpoint.",
				   action);
	input = read_tree(*ret_shape, form, failure);
	if (input == NULL)
		return false;
	if (!shape_check(*ret_shape, input, failure)) {
		json_decref(input);
		return false;
	}
	*ret_input = input;
	return true;
}

bool query_read(const char *url_query, const char *body, size_t body_bytes, char **ret_action,
		const struct action_shape **ret_shape, json_t **ret_input, struct failure *failure)
{
	const char *query = url_query ? url_query : "";
	struct form form;
	enum form_outcome outcome = form_read(&form, query, strlen(query), body, body_bytes, QUERY_PARAMETERS_MAX);

	*ret_action = NULL;
	*ret_shape = NULL;
	failure->code = FAILURE_NONE;
	bool is_read =
		!form_failed(outcome, failure) && read_form(&form, ret_action, ret_shape, ret_input, failure);

	form_free(&form);
	return is_read;
}

char *query_parameter(const char *text, size_t bytes, const char *name)
{
	struct form form;
	char *value = NULL;

	if (form_read(&form, text, bytes, "", 0, QUERY_PARAMETERS_MAX) == FORM_READ)
		for (size_t i = form.count; i > 0 && value == NULL; i--)
			if (strcmp(form.pairs[i - 1].name, name) == 0)
				value = strdup(form.pairs[i - 1].value);
	form_free(&form);
	return value;
}
