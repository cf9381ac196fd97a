/* Read by yajl, which takes a text where it lies, not byte by byte. What the two libraries may see differently is
 * left to jansson, and so is everything that yajl refuses: it says why. */
#include "gateway/json_tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "gateway/message.h"
#include "gateway/scratch.h"

enum { DEPTH_MAX = 16, KEY_BYTES = 256, SMALL_BYTES = 20480 };

struct builder {
	json_t *root;
	json_t *open[DEPTH_MAX]; /* objects and arrays around what comes next */
	size_t depth;
	char key[KEY_BYTES]; /* of what comes next in an object */
	size_t key_bytes;
};

/* ---- what comes, part by part: 1, or 0 for no more of it ------------------------------------------------ */

static int add(struct builder *builder, json_t *value)
{
	json_t *in = builder->depth ? builder->open[builder->depth - 1] : NULL;

	if (json_is_object(in))
		return json_object_setn_new_nocheck(in, builder->key, builder->key_bytes, value) == 0;
	return json_array_append_new(in, value) == 0; /* in nothing it fails: only objects and arrays stand alone */
}

static int begin(struct builder *builder, json_t *value)
{
	if (builder->depth == DEPTH_MAX) {
		json_decref(value);
		return 0;
	}
	if (builder->depth == 0)
		builder->root = value;
	else if (!add(builder, value))
		return 0;
	builder->open[builder->depth++] = value;
	return value != NULL;
}

static int on_null(void *builder)
{
	return add(builder, json_null());
}

static int on_boolean(void *builder, int value)
{
	return add(builder, json_boolean(value));
}

static int on_integer(void *builder, long long value)
{
	return add(builder, json_integer(value));
}

/* Nothing here has one. */
static int on_double(void *builder, double value)
{
	(void)builder;
	(void)value;
	return 0;
}

static int on_string(void *builder, const unsigned char *text, size_t bytes)
{
	return add(builder, json_stringn_nocheck((const char *)text, bytes));
}

static int on_key(void *context, const unsigned char *text, size_t bytes)
{
	struct builder *builder = context;

	if (bytes > KEY_BYTES || memchr(text, '\0', bytes))
		return 0;
	memcpy(builder->key, text, bytes);
	builder->key_bytes = bytes;
	return 1;
}

static int on_object(void *builder)
{
	return begin(builder, json_object());
}

static int on_array(void *builder)
{
	return begin(builder, json_array());
}

static int on_end(void *builder)
{
	((struct builder *)builder)->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_integer = on_integer,
	.yajl_double = on_double,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_end,
};

/* ---- the whole ------------------------------------------------------------------------------------------ */

/* May one be meant? Yajl makes "?" of half a pair. */
static bool names_surrogate(const char *text, size_t bytes)
{
	const char *end = text + bytes;

	while ((text = memchr(text, '\\', (size_t)(end - text)))) {
		if (end - text > 2 && text[1] == 'u' && (text[2] == 'd' || text[2] == 'D'))
			return true;
		text += end - text > 1 ? 2 : 1;
	}
	return false;
}

static bool is_blank(const char *text, size_t bytes)
{
	while (bytes > 0 && memchr(" \t\r\n", *text, 4)) {
		text++;
		bytes--;
	}
	return bytes == 0;
}

/* What stands behind the tree is looked at here: of that yajl takes half a token for none. */
static json_t *read_whole(const char *text, size_t bytes, struct scratch *scratch)
{
	yajl_alloc_funcs from_scratch = scratch_of_yajl(scratch);
	struct builder builder = {.root = NULL};
	yajl_handle reader = yajl_alloc(&callbacks, &from_scratch, &builder);

	yajl_config(reader, yajl_dont_validate_strings, 1); /* its check is the laxer one */
	yajl_config(reader, yajl_allow_trailing_garbage, 1);
	if (yajl_parse(reader, (const unsigned char *)text, bytes) == yajl_status_ok && builder.depth == 0) {
		size_t used = yajl_get_bytes_consumed(reader);

		if (is_blank(text + used, bytes - used))
			return builder.root;
	}
	json_decref(builder.root);
	return NULL;
}

/* Yajl copies a text with escapes into one buffer, and what ends too soon into another; each it doubles until it
 * fits, so that the pieces of both are 8 times what they hold. */
static json_t *read_by_yajl(const char *text, size_t bytes)
{
	_Alignas(max_align_t) char memory[SMALL_BYTES];
	size_t needed = SCRATCH_FIXED_BYTES + 8 * bytes;
	char *piece = needed <= sizeof(memory) ? memory : malloc(needed);
	struct scratch scratch = {.free = piece, .end = piece + needed};
	json_t *tree = piece ? read_whole(text, bytes, &scratch) : NULL;

	if (piece != memory)
		free(piece);
	return tree;
}

json_t *json_tree(const char *text, size_t bytes, json_error_t *ret_error)
{
	json_t *tree = NULL;

	if (text_is_allowed(text, bytes) && !names_surrogate(text, bytes))
		tree = read_by_yajl(text, bytes);
	return tree ? tree : json_loadb(text, bytes, JSON_ALLOW_NUL, ret_error);
}
