/* TagQueue, UntagQueue, ListQueueTags. */
#include "tests/gateway/gateway_fixture.h"

static void begin(void)
{
	actions_begin();
	create("q", NULL);
}

TestSuite(tags, .init = begin, .fini = actions_end, .timeout = 60);

static void tag(const char *key, const char *value)
{
	done(action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", key, value);
}

static const json_t *listed(void)
{
	return json_object_get(done(action_list_queue_tags, "{s:s}", "QueueUrl", "q"), "Tags");
}

/* `bytes` long, of one character that takes `each` bytes. */
static const char *text_long(size_t characters, const char *each)
{
	static char text[2048];

	text[0] = '\0';
	for (size_t i = 0; i < characters; i++)
		strcat(text, each);
	return text;
}

Test(tags, without_any_there_is_no_tags_member)
{
	cr_expect_eq(json_object_size(done(action_list_queue_tags, "{s:s}", "QueueUrl", "q")), 0);
	tag("k", "v");
	done(action_untag_queue, "{s:s, s:[s]}", "QueueUrl", "q", "TagKeys", "k");
	cr_expect_eq(json_object_size(done(action_list_queue_tags, "{s:s}", "QueueUrl", "q")), 0);
}

Test(tags, are_added_and_overwritten)
{
	tag("a", "1");
	tag("b", "2");
	tag("a", "3");
	cr_expect_eq(json_object_size(listed()), 2);
	cr_expect_str_eq(text_of(listed(), "a"), "3");
	cr_expect_str_eq(text_of(listed(), "b"), "2");
}

Test(tags, keys_have_a_case_and_values_may_be_empty)
{
	tag("k", "");
	tag("K", "x");
	cr_expect_eq(json_object_size(listed()), 2);
	cr_expect(json_is_string(json_object_get(listed(), "k")));
}

Test(tags, are_removed_and_what_is_not_there_is_no_error)
{
	tag("a", "1");
	tag("b", "2");
	done(action_untag_queue, "{s:s, s:[s,s]}", "QueueUrl", "q", "TagKeys", "a", "none");
	cr_expect_eq(json_object_size(listed()), 1);
}

Test(tags, lengths_are_counted_in_characters)
{
	tag(text_long(128, "\xc3\xa4"), "v");
	tag("v", text_long(256, "\xe2\x82\xac"));
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Tag keys must be between 1 and 128 characters in length.",
			  action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", text_long(129, "a"), "v");
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Tag keys must be between 1 and 128 characters in length.",
			  action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", "", "v");
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Tag values must be between 0 and 256 characters in length.",
			  action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", "k", text_long(257, "a"));
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Tag keys must be between 1 and 128 characters in length.",
			  action_untag_queue, "{s:s, s:[s]}", "QueueUrl", "q", "TagKeys", "");
}

Test(tags, those_of_aws_are_refused)
{
	cr_expect_refused(INVALID_PARAMETER_VALUE, "aws: prefixed tag key names are not allowed for external use.",
			  action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", "aws:k", "v");
	cr_expect_refused(INVALID_PARAMETER_VALUE, "aws: prefixed tag key names are not allowed for external use.",
			  action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", "AWS:k", "v");
	tag("awsk", "v");
}

static json_t *many(int count)
{
	json_t *tags = json_object();
	char key[16];

	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%d", i);
		json_object_set_new(tags, key, json_string(""));
	}
	return tags;
}

Test(tags, there_are_at_most_fifty)
{
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Too many tags added for queue q.", action_tag_queue,
			  "{s:s, s:o}", "QueueUrl", "q", "Tags", many(51));
	done(action_tag_queue, "{s:s, s:o}", "QueueUrl", "q", "Tags", many(50));
	cr_expect_refused(INVALID_PARAMETER_VALUE, "Too many tags added for queue q.", action_tag_queue,
			  "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", "one more", "");
	tag("49", "again");
	cr_expect_eq(json_object_size(listed()), 50);
}

Test(tags, none_given_is_a_missing_parameter)
{
	cr_expect_refused(MISSING_PARAMETER, "The request must contain the parameter Tags.", action_tag_queue,
			  "{s:s, s:{}}", "QueueUrl", "q", "Tags");
	cr_expect_eq(refused(action_untag_queue, "{s:s, s:[]}", "QueueUrl", "q", "TagKeys")->code,
		     INVALID_PARAMETER_VALUE);
}

Test(tags, a_queue_that_is_not_there_is_said)
{
	cr_expect_eq(refused(action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "x", "Tags", "k", "v")->code,
		     QUEUE_DOES_NOT_EXIST);
	cr_expect_eq(refused(action_untag_queue, "{s:s, s:[s]}", "QueueUrl", "x", "TagKeys", "k")->code,
		     QUEUE_DOES_NOT_EXIST);
	cr_expect_eq(refused(action_list_queue_tags, "{s:s}", "QueueUrl", "x")->code, QUEUE_DOES_NOT_EXIST);
}

Test(tags, the_durability_of_a_queue_is_fixed)
{
	tag("ringlease:durability", "memory");
	cr_expect_refused(
		INVALID_PARAMETER_VALUE,
		"Value sync for tag ringlease:durability is invalid. Reason: The durability of a queue is "
		"fixed at its creation, and that of q is memory.",
		action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "q", "Tags", "ringlease:durability", "sync");
}

Test(tags, go_with_the_queue)
{
	tag("k", "v");
	done(action_delete_queue, "{s:s}", "QueueUrl", "q");
	create("q", NULL);
	cr_expect_eq(json_object_size(listed()), 0);
}

Test(tags, a_native_queue_can_have_them)
{
	queue_make("native", NULL);
	done(action_tag_queue, "{s:s, s:{s:s}}", "QueueUrl", "native", "Tags", "k", "v");
	cr_expect_str_eq(
		text_of(json_object_get(done(action_list_queue_tags, "{s:s}", "QueueUrl", "native"), "Tags"), "k"),
		"v");
}
