/* AddPermission and RemovePermission, by the policy that GetQueueAttributes then shows. */
#include "tests/gateway/gateway_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#define ARN "arn:aws:sqs:us-east-1:000000000000:q"
#define HEAD "{\"Version\":\"2008-10-17\",\"Id\":\"" ARN "/SQSDefaultPolicy\",\"Statement\":["
#define ROOT(account) "\"arn:aws:iam::" account ":root\""
#define STATEMENT(label, principal, action)                                                                        \
	"{\"Sid\":\"" label "\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":" principal "},\"Action\":" action     \
	",\"Resource\":\"" ARN "\"}"
#define ONE "111122223333"
#define TWO "444455556666"

#define add(how, label, accounts, actions, ...)                                                                    \
	how(action_add_permission, "{s:s, s:s, s:" accounts ", s:" actions "}", "QueueUrl", "q", "Label", label,   \
	    "AWSAccountIds", __VA_ARGS__)
#define remove_labelled(how, label) how(action_remove_permission, "{s:s, s:s}", "QueueUrl", "q", "Label", label)

#define cr_expect_add_refused(code, text, label, accounts, actions, ...)                                           \
	cr_expect_refused(code, text, action_add_permission, "{s:s, s:s, s:" accounts ", s:" actions "}",          \
			  "QueueUrl", "q", "Label", label, "AWSAccountIds", __VA_ARGS__)

static void begin(void)
{
	actions_begin();
	create("q", NULL);
}

TestSuite(permissions, .init = begin, .fini = actions_end, .timeout = 60);

/* ---- adding -------------------------------------------------------------------------------------- */

Test(permissions, the_first_makes_a_policy_in_which_one_is_no_list)
{
	cr_expect_eq(json_object_size(add(done, "l", "[s]", "[s]", ONE, "Actions", "SendMessage")), 0);
	cr_expect_str_eq(attribute("q", "Policy"), HEAD STATEMENT("l", ROOT(ONE), "\"SQS:SendMessage\"") "]}");
}

Test(permissions, several_accounts_and_actions_are_lists)
{
	add(done, "l", "[ss]", "[ss]", ONE, TWO, "Actions", "SendMessage", "*");
	cr_expect_str_eq(attribute("q", "Policy"), HEAD STATEMENT("l", "[" ROOT(ONE) "," ROOT(TWO) "]",
								  "[\"SQS:SendMessage\",\"SQS:*\"]") "]}");
}

Test(permissions, the_next_is_added_to_the_policy_there_is)
{
	add(done, "l", "[s]", "[s]", ONE, "Actions", "SendMessage");
	add(done, "m", "[s]", "[s]", TWO, "Actions", "PurgeQueue");
	cr_expect_str_eq(attribute("q", "Policy"),
			 HEAD STATEMENT("l", ROOT(ONE), "\"SQS:SendMessage\"") "," STATEMENT(
				 "m", ROOT(TWO), "\"SQS:PurgeQueue\"") "]}");
}

Test(permissions, a_policy_that_was_set_keeps_what_it_has)
{
#define MINE "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"sqs:*\",\"Resource\":\"*\"}"
	done(action_set_queue_attributes, "{s:s, s:{s:s}}", "QueueUrl", "q", "Attributes", "Policy",
	     "{ \"Version\": \"2012-10-17\", \"Statement\": " MINE "}");
	add(done, "l", "[s]", "[s]", ONE, "Actions", "SendMessage");
	cr_expect_str_eq(attribute("q", "Policy"), "{\"Version\":\"2012-10-17\",\"Statement\":[" MINE
						   "," STATEMENT("l", ROOT(ONE), "\"SQS:SendMessage\"") "]}");
	remove_labelled(done, "l");
	cr_expect_str_eq(attribute("q", "Policy"), "{\"Version\":\"2012-10-17\",\"Statement\":[" MINE "]}");
}

Test(permissions, every_action_that_can_be_shared_may_be_given)
{
	add(done, "l", "[s]", "[sssssss]", ONE, "Actions", "ChangeMessageVisibility", "DeleteMessage",
	    "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage");
	add(done, "m", "[s]", "[ss]", ONE, "Actions", "SendMessage", "*");
}

#define LABEL_REASON                                                                                               \
	" for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or "          \
	"underscores. 1 to 80 in length."
#define EIGHTY "0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0000000000000000"

Test(permissions, a_label_is_up_to_80_characters_and_there_once)
{
	_Static_assert(sizeof(EIGHTY) == 81, "a label of the greatest length");

	cr_expect_add_refused(INVALID_PARAMETER_VALUE, "Value a b" LABEL_REASON, "a b", "[s]", "[s]", ONE,
			      "Actions", "SendMessage");
	cr_expect_add_refused(INVALID_PARAMETER_VALUE, "Value " LABEL_REASON, "", "[s]", "[s]", ONE, "Actions",
			      "SendMessage");
	cr_expect_add_refused(INVALID_PARAMETER_VALUE, "Value " EIGHTY "x" LABEL_REASON, EIGHTY "x", "[s]", "[s]",
			      ONE, "Actions", "SendMessage");
	add(done, EIGHTY, "[s]", "[s]", ONE, "Actions", "SendMessage");
	cr_expect_add_refused(INVALID_PARAMETER_VALUE,
			      "Value " EIGHTY " for parameter Label is invalid. Reason: Already exists.", EIGHTY,
			      "[s]", "[s]", TWO, "Actions", "*");
}

Test(permissions, accounts_are_12_digits)
{
	cr_expect_add_refused(INVALID_PARAMETER_VALUE,
			      "Value [12345678901] for parameter PrincipalId is invalid. Reason: Unable to verify "
			      "principal.",
			      "l", "[ss]", "[s]", ONE, "12345678901", "Actions", "SendMessage");
	cr_expect_add_refused(INVALID_PARAMETER_VALUE,
			      "Value [*] for parameter PrincipalId is invalid. Reason: Unable to verify principal.",
			      "l", "[s]", "[s]", "*", "Actions", "SendMessage");
	cr_expect_refused(INVALID_PARAMETER_VALUE,
			  "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify principal.",
			  action_add_permission, "{s:s, s:s, s:[], s:[s]}", "QueueUrl", "q", "Label", "l",
			  "AWSAccountIds", "Actions", "SendMessage");
	cr_expect_str_eq(attribute("q", "Policy"), "");
}

#define ACTION_REASON(name)                                                                                        \
	"Value SQS:" name                                                                                          \
	" for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a "                \
	"list of valid actions."

Test(permissions, actions_are_known_and_not_the_owners)
{
	cr_expect_add_refused(INVALID_PARAMETER_VALUE, ACTION_REASON("SendMessageBatch"), "l", "[s]", "[ss]", ONE,
			      "Actions", "SendMessage", "SendMessageBatch");
	cr_expect_add_refused(INVALID_PARAMETER_VALUE, ACTION_REASON("Send*"), "l", "[s]", "[s]", ONE, "Actions",
			      "Send*");
	cr_expect_add_refused(
		INVALID_PARAMETER_VALUE,
		"Value SQS:TagQueue for parameter ActionName is invalid. Reason: Only the queue owner is "
		"allowed to invoke this action.",
		"l", "[s]", "[s]", ONE, "Actions", "TagQueue");
	cr_expect_refused(MISSING_PARAMETER, "The request must contain the parameter Actions.",
			  action_add_permission, "{s:s, s:s, s:[s], s:[]}", "QueueUrl", "q", "Label", "l",
			  "AWSAccountIds", ONE, "Actions");
	cr_expect_add_refused(OVER_LIMIT, "8 Actions were found, maximum allowed is 7.", "l", "[s]", "[ssssssss]",
			      ONE, "Actions", "*", "*", "*", "*", "*", "*", "*", "*");
	cr_expect_str_eq(attribute("q", "Policy"), "");
}

Test(permissions, a_policy_grows_to_8192_bytes)
{
	const struct failure *failure = NULL;
	char label[8];
	int count;

	for (count = 0; count < 100 && failure == NULL; count++) {
		snprintf(label, sizeof(label), "l%d", count);
		if (strlen(attribute("q", "Policy")) < 8000)
			add(done, label, "[s]", "[s]", ONE, "Actions", "SendMessage");
		else
			failure = add(refused, label, "[s]", "[s]", ONE, "Actions", "SendMessage");
	}
	cr_assert_neq(failure, NULL);
	cr_expect_eq(failure->code, INVALID_ATTRIBUTE_VALUE);
	cr_expect_str_eq(failure->message,
			 "Invalid value for the parameter Policy. Reason: A policy has at most 8192 bytes.");
}

/* ---- removing ------------------------------------------------------------------------------------ */

Test(permissions, one_is_removed_by_its_label_and_the_policy_with_the_last)
{
	add(done, "l", "[s]", "[s]", ONE, "Actions", "SendMessage");
	add(done, "m", "[s]", "[s]", TWO, "Actions", "PurgeQueue");
	remove_labelled(done, "l");
	cr_expect_str_eq(attribute("q", "Policy"), HEAD STATEMENT("m", ROOT(TWO), "\"SQS:PurgeQueue\"") "]}");
	remove_labelled(done, "m");
	cr_expect_eq(json_object_size(done(action_get_queue_attributes, "{s:s, s:[s]}", "QueueUrl", "q",
					   "AttributeNames", "Policy")),
		     0);
}

Test(permissions, a_label_there_is_not_cannot_be_removed)
{
	static const char text[] = "Value x for parameter Label is invalid. Reason: can't find label.";

	cr_expect_refused(INVALID_PARAMETER_VALUE, text, action_remove_permission, "{s:s, s:s}", "QueueUrl", "q",
			  "Label", "x");
	add(done, "l", "[s]", "[s]", ONE, "Actions", "SendMessage");
	cr_expect_refused(INVALID_PARAMETER_VALUE, text, action_remove_permission, "{s:s, s:s}", "QueueUrl", "q",
			  "Label", "x");
}

Test(permissions, a_queue_there_is_not_has_none)
{
	cr_expect_refused(QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.", action_remove_permission,
			  "{s:s, s:s}", "QueueUrl", "none", "Label", "x");
	cr_expect_refused(QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.", action_add_permission,
			  "{s:s, s:s, s:[s], s:[s]}", "QueueUrl", "none", "Label", "x", "AWSAccountIds", ONE,
			  "Actions", "SendMessage");
}
