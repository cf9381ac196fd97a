/* Short forms of the codec's calls, and of trees written as JSON with single quotes. */
#ifndef TEST_GATEWAY_CODEC_FIXTURE_H
#define TEST_GATEWAY_CODEC_FIXTURE_H

#include "gateway/answer.h"
#include "gateway/shape.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))

/* "{'a': 1}" */
static UNUSED json_t *tree(const char *text)
{
	char *json = strdup(text);
	json_error_t error;
	json_t *value;

	for (char *quote = json; (quote = strchr(quote, '\'')) != NULL; quote++)
		*quote = '"';
	value = json_loads(json, JSON_DECODE_ANY, &error);
	cr_assert(value != NULL, "%s: %s", text, error.text);
	free(json);
	return value;
}

static UNUSED void expect_tree(json_t *got, const char *wanted)
{
	json_t *wanted_tree = tree(wanted);
	char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

	cr_expect(json_equal(got, wanted_tree), "%s, not %s", text, wanted);
	free(text);
	json_decref(wanted_tree);
	json_decref(got);
}

static UNUSED void expect_failure(const struct failure *failure, enum failure_code code, const char *message)
{
	cr_expect(failure->code == code, "code %d, not %d: %s", failure->code, code, failure->message);
	cr_expect_str_eq(failure->message, message);
}

#endif
