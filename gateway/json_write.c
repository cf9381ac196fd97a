#include "gateway/json_write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "gateway/scratch.h"

enum { TEXT_FIRST_BYTES = 2048 };

struct text {
	char *bytes;
	size_t count, room;
	bool is_short; /* of memory */
};

static bool make_room(struct text *text, size_t count)
{
	size_t room = text->room;
	char *larger;

	while (room - text->count < count)
		room *= 2;
	larger = realloc(text->bytes, room);
	if (larger == NULL)
		return false;
	text->bytes = larger;
	text->room = room;
	return true;
}

static void append(void *context, const char *bytes, size_t count)
{
	struct text *text = context;

	text->is_short = text->is_short || (text->room - text->count < count && !make_room(text, count));
	if (text->is_short)
		return;
	memcpy(text->bytes + text->count, bytes, count);
	text->count += count;
}

/* Has it no members, or only such? */
static bool is_empty(const json_t *value)
{
	const char *key;
	json_t *member;

	if (!json_is_object(value))
		return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0);
	json_object_foreach((json_t *)value, key, member) if (!is_empty(member)) return false;
	return true;
}

static bool write_value(yajl_gen out, const json_t *value);

static bool write_text(yajl_gen out, const char *text, size_t bytes)
{
	return yajl_gen_string(out, (const unsigned char *)text, bytes) == yajl_gen_status_ok;
}

static bool write_object(yajl_gen out, const json_t *object)
{
	const char *key;
	json_t *member;

	if (yajl_gen_map_open(out) != yajl_gen_status_ok)
		return false;
	json_object_foreach((json_t *)object, key, member)
	{
		if (!is_empty(member) && (!write_text(out, key, strlen(key)) || !write_value(out, member)))
			return false;
	}
	return yajl_gen_map_close(out) == yajl_gen_status_ok;
}

static bool write_array(yajl_gen out, const json_t *array)
{
	json_t *element;
	size_t index;

	if (yajl_gen_array_open(out) != yajl_gen_status_ok)
		return false;
	json_array_foreach(array, index, element) if (!write_value(out, element)) return false;
	return yajl_gen_array_close(out) == yajl_gen_status_ok;
}

static bool write_value(yajl_gen out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_object(out, value);
	case JSON_ARRAY:
		return write_array(out, value);
	case JSON_STRING:
		return write_text(out, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return yajl_gen_integer(out, json_integer_value(value)) == yajl_gen_status_ok;
	case JSON_REAL:
		return yajl_gen_double(out, json_real_value(value)) == yajl_gen_status_ok;
	case JSON_TRUE:
	case JSON_FALSE:
		return yajl_gen_bool(out, json_is_true(value)) == yajl_gen_status_ok;
	case JSON_NULL:
		return yajl_gen_null(out) == yajl_gen_status_ok;
	}
	return false;
}

char *json_write(const json_t *tree, size_t *ret_bytes)
{
	_Alignas(max_align_t) char memory[SCRATCH_FIXED_BYTES];
	struct scratch scratch = {.free = memory, .end = memory + sizeof(memory)};
	yajl_alloc_funcs from_scratch = scratch_of_yajl(&scratch);
	struct text text = {.bytes = malloc(TEXT_FIRST_BYTES), .room = TEXT_FIRST_BYTES};
	yajl_gen out = yajl_gen_alloc(&from_scratch);
	bool is_written;

	if (text.bytes == NULL)
		return NULL;
	yajl_gen_config(out, yajl_gen_print_callback, append, &text);
	is_written = write_value(out, tree);
	append(&text, "", 1);
	if (is_written && !text.is_short) {
		*ret_bytes = text.count - 1;
		return text.bytes;
	}
	free(text.bytes);
	return NULL;
}
