/* Random trees of a shape, as the API would take or give them. */
#ifndef TEST_GATEWAY_RANDOM_TREE_H
#define TEST_GATEWAY_RANDOM_TREE_H

#include "gateway/shape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { RANDOM_ELEMENTS_MAX = 4, RANDOM_TEXT_BYTES = 256 };

static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(*state >> 33) % below;
}

/* Characters that one of the codecs has to do something about, and some that it has not. */
static inline json_t *random_text(uint64_t *state, bool may_be_empty)
{
	static const char *const pieces[] = {"a",
					     "B",
					     "7",
					     ".",
					     "&",
					     "=",
					     "+",
					     "%",
					     "%41",
					     " ",
					     "<",
					     ">",
					     "\"",
					     "'",
					     "\r",
					     "\n",
					     "\t",
					     "]]>",
					     "&#13;",
					     "/",
					     ";",
					     "\x7f",
					     "\xc3\xa4",
					     "\xe2\x82\xac",
					     "\xf0\x9f\x98\x80",
					     "\xef\xbf\xbd"};
	uint32_t count = random_below(state, 12) + !may_be_empty;
	char text[RANDOM_TEXT_BYTES] = "";

	while (count-- > 0)
		strcat(text, pieces[random_below(state, sizeof(pieces) / sizeof(pieces[0]))]);
	return json_string(text);
}

static inline json_t *random_tree(const struct shape *shape, uint64_t *state);

static inline json_t *random_list(const struct shape *shape, uint64_t *state)
{
	json_t *list = json_array();

	for (uint32_t left = 1 + random_below(state, RANDOM_ELEMENTS_MAX); left > 0; left--)
		json_array_append_new(list, random_tree(shape->element, state));
	return list;
}

static inline json_t *random_map(const struct shape *shape, uint64_t *state)
{
	json_t *map = json_object();

	for (uint32_t left = 1 + random_below(state, RANDOM_ELEMENTS_MAX); left > 0; left--) {
		json_t *key = random_text(state, false);

		json_object_set_new(map, json_string_value(key), random_tree(shape->element, state));
		json_decref(key);
	}
	return map;
}

/* Every required member, and some of the others; never an empty structure, which no protocol but JSON can tell
 * from an absent one. */
static inline json_t *random_structure(const struct shape *shape, uint64_t *state)
{
	json_t *object = json_object();

	while (json_object_size(object) == 0)
		for (const struct member *member = shape->members; member->name; member++)
			if (member->need != OPTIONAL || random_below(state, 2))
				json_object_set_new(object, member->name,
						    member->need == NOT_EMPTY ? random_text(state, false)
									      : random_tree(member->shape, state));
	return object;
}

static inline json_t *random_tree(const struct shape *shape, uint64_t *state)
{
	switch (shape->kind) {
	case SHAPE_INTEGER:
		return json_integer((json_int_t)random_below(state, 2000) - 1000);
	case SHAPE_BOOLEAN:
		return json_boolean(random_below(state, 2));
	case SHAPE_LIST:
		return random_list(shape, state);
	case SHAPE_MAP:
		return random_map(shape, state);
	case SHAPE_STRUCTURE:
		return random_structure(shape, state);
	default:
		return random_text(state, true);
	}
}

#endif
