/* JSON text from trees, as jansson would write it. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/json_write.h"
#include "gateway/shape.h"
#include "tests/gateway/random_tree.h"
#include "tests/support/arguments.h"

enum { DEPTH_MAX = 127, TREES = 20 };

static void expect_alike(const json_t *tree)
{
	char *wanted = json_dumps(tree, JSON_COMPACT);
	size_t bytes = 0;
	char *got = json_write(tree, &bytes);

	cr_assert_not_null(got);
	cr_expect_str_eq(got, wanted);
	cr_expect_eq(bytes, strlen(wanted));
	free(got);
	free(wanted);
}

Test(json_write, every_byte_is_written_as_jansson_does)
{
	json_t *object = json_object(), *list = json_array();
	char text[128];

	for (int i = 0; i < 128; i++)
		text[i] = (char)i;
	json_object_set_new(object, "all", json_stringn(text, sizeof(text)));
	json_object_set_new(object, "e\xc3\xa4\"", json_string("\xf0\x9f\x98\x80"));
	json_array_append_new(list, json_integer(-9223372036854775807 - 1));
	json_array_append_new(list, json_integer(9223372036854775807));
	json_array_append_new(list, json_real(1.5));
	json_array_append_new(list, json_true());
	json_array_append_new(list, json_false());
	json_array_append_new(list, json_null());
	json_array_append_new(list, json_object());
	json_array_append_new(list, json_array());
	json_object_set_new(object, "list", list);
	expect_alike(object);
	json_decref(object);
}

Test(json_write, trees_of_all_actions_are_written_as_jansson_does)
{
	uint64_t state = test_seed(1);
	size_t count;
	const struct action_shape *shapes = shape_all(&count);

	for (uint32_t i = 0; i < TREES * count; i++) {
		json_t *tree = random_tree(shapes[i % count].input, &state), *pruned;
		size_t bytes;
		char *text = json_write(tree, &bytes);

		/* What is empty has been left out by now. */
		pruned = json_loads(text, 0, NULL);
		cr_assert_not_null(pruned, "%s", text);
		expect_alike(pruned);
		free(text);
		json_decref(pruned);
		json_decref(tree);
	}
}

Test(json_write, texts_of_all_lengths_have_room)
{
	static char text[3 * 4096];

	memset(text, 'x', sizeof(text));
	for (size_t bytes = 0; bytes < sizeof(text); bytes += bytes < 4200 ? 1 : 997) {
		json_t *tree = json_pack("[s%]", text, bytes);

		expect_alike(tree);
		json_decref(tree);
	}
}

Test(json_write, nesting_has_an_end)
{
	json_t *tree = json_array();
	size_t bytes;

	for (int depth = 1; depth < DEPTH_MAX; depth++)
		tree = json_pack("[o]", tree);
	expect_alike(tree);
	tree = json_pack("[o]", tree);
	cr_expect_null(json_write(tree, &bytes));
	json_decref(tree);
}
