/* A tree in form encoding, its parameters in random order: the way back of query_read(). */
#ifndef TEST_GATEWAY_FORM_TEXT_H
#define TEST_GATEWAY_FORM_TEXT_H

#include "tests/gateway/random_tree.h"

#include <stdlib.h>

enum { FORM_PARAMETERS_MAX = 1024, FORM_PATH_BYTES = 256 };

struct form_text {
	char *parameters[FORM_PARAMETERS_MAX]; /* NAME=VALUE */
	size_t count;
};

static inline void form_add(struct form_text *form, const char *path, const char *value, size_t bytes)
{
	char *parameter = malloc(strlen(path) + 3 * bytes + 2);
	char *end = parameter + sprintf(parameter, "%s=", path);

	for (size_t i = 0; i < bytes; i++) {
		unsigned char byte = (unsigned char)value[i];

		if (byte == ' ')
			*end++ = '+';
		else if ((byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'))
			*end++ = (char)byte;
		else
			end += sprintf(end, i % 2 ? "%%%02X" : "%%%02x", byte);
	}
	*end = '\0';
	form->parameters[form->count++] = parameter;
}

static inline void form_add_tree(struct form_text *form, const struct shape *shape, const char *path,
				 const json_t *value);

static inline void form_add_map(struct form_text *form, const struct shape *shape, const char *path,
				const json_t *map)
{
	char entry[FORM_PATH_BYTES];
	const char *key;
	json_t *value;
	int number = 0;

	json_object_foreach((json_t *)map, key, value)
	{
		number++;
		snprintf(entry, sizeof(entry), "%s.%d.%s", path, number, shape->key);
		form_add(form, entry, key, strlen(key));
		snprintf(entry, sizeof(entry), "%s.%d.%s", path, number, shape->value);
		form_add_tree(form, shape->element, entry, value);
	}
}

static inline void form_add_list(struct form_text *form, const struct shape *shape, const char *path,
				 const json_t *list)
{
	char element[FORM_PATH_BYTES];
	json_t *value;
	size_t index;

	/* Of every other list the numbers have gaps. */
	json_array_foreach(list, index, value)
	{
		snprintf(element, sizeof(element), "%s.%zu", path, 1 + index * (json_array_size(list) % 2 ? 1 : 7));
		form_add_tree(form, shape->element, element, value);
	}
}

static inline void form_add_members(struct form_text *form, const struct shape *shape, const char *path,
				    const json_t *object)
{
	char name[FORM_PATH_BYTES];

	for (const struct member *member = shape->members; member->name; member++) {
		const json_t *value = json_object_get(object, member->name);

		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", member->query);
		if (value != NULL)
			form_add_tree(form, member->shape, name, value);
	}
}

static inline void form_add_tree(struct form_text *form, const struct shape *shape, const char *path,
				 const json_t *value)
{
	char digits[24];

	switch (shape->kind) {
	case SHAPE_INTEGER:
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		form_add(form, path, digits, strlen(digits));
		break;
	case SHAPE_LIST:
		form_add_list(form, shape, path, value);
		break;
	case SHAPE_MAP:
		form_add_map(form, shape, path, value);
		break;
	case SHAPE_STRUCTURE:
		form_add_members(form, shape, path, value);
		break;
	default:
		form_add(form, path, json_string_value(value), json_string_length(value));
	}
}

/* Takes `count` of the parameters, at random. To free. */
static inline char *form_take(struct form_text *form, size_t count, uint64_t *state)
{
	char *text = calloc(1, 1);

	while (count-- > 0) {
		size_t taken = random_below(state, (uint32_t)form->count);
		char *parameter = form->parameters[taken];

		text = realloc(text, strlen(text) + strlen(parameter) + 2);
		strcat(strcat(text, parameter), "&");
		free(parameter);
		form->parameters[taken] = form->parameters[--form->count];
	}
	return text;
}

#endif
