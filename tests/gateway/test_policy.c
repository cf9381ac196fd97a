/* Which policies are taken, and what they let whom do. */
#include "gateway/policy.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define OWNER "111122223333"
#define OTHER "444455556666"
#define ARN "arn:aws:sqs:us-east-1:" OWNER ":orders"
#define STATEMENT(effect, principal, action, rest)                                                                 \
	"{\"Effect\":\"" effect "\",\"Principal\":" principal ",\"Action\":" action ",\"Resource\":\"" ARN         \
	"\"" rest "}"
#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define ANYBODY "\"*\""
#define SEND "\"sqs:SendMessage\""
#define ALLOW(principal, action) POLICY(STATEMENT("Allow", principal, action, ""))
#define DENY(principal, action) POLICY(STATEMENT("Deny", principal, action, ""))

static const struct caller owner = {OWNER, "AKO", "olga", false}, other = {OTHER, "AKX", "bob", false}, anonymous;
static struct failure failure;

static bool may(const char *policy, const struct caller *caller, const char *action)
{
	memset(&failure, 0, sizeof(failure));
	if (policy != NULL && !policy_check(policy, &failure))
		cr_expect(false, "%s: %s", policy, failure.message);
	return policy_allows(policy, caller, OWNER, action, ARN, &failure);
}

static const char *shown(const char *policy)
{
	return policy != NULL ? policy : "none";
}

#define expect_may(policy, caller, action)                                                                         \
	cr_expect(may(policy, caller, action), "%s: %s", shown(policy), failure.message)
#define expect_may_not(policy, caller, action)                                                                     \
	do {                                                                                                       \
		cr_expect_not(may(policy, caller, action), "%s", shown(policy));                                   \
		cr_expect_eq(failure.code, ACCESS_DENIED);                                                         \
	} while (0)

/* ---- who ----------------------------------------------------------------------------------------- */

Test(policy, without_one_the_owner_may_do_all_and_others_nothing)
{
	static const char *const none = NULL;

	expect_may(none, &owner, "DeleteQueue");
	expect_may_not(none, &other, "SendMessage");
	cr_expect_str_eq(failure.message,
			 "User: arn:aws:iam::" OTHER
			 ":user/bob is not authorized to perform: sqs:sendmessage on resource: " ARN
			 " because no resource-based policy allows the sqs:sendmessage action");
	expect_may_not(none, &anonymous, "SendMessage");
	cr_expect_str_eq(failure.message, "Access to the resource " ARN " is denied.");
	cr_expect_not(policy_allows(none, &anonymous, "", "SendMessage", ARN, &failure));
}

Test(policy, an_allowed_action_is_of_those_named)
{
	expect_may(ALLOW(ANYBODY, SEND), &other, "SendMessage");
	expect_may(ALLOW(ANYBODY, SEND), &anonymous, "SendMessage");
	expect_may(ALLOW("{\"AWS\":\"*\"}", SEND), &anonymous, "SendMessage");
	expect_may(ALLOW("{\"AWS\":\"" OTHER "\"}", SEND), &other, "SendMessage");
	expect_may(ALLOW("{\"AWS\":[\"123456789012\",\"" OTHER "\"]}", SEND), &other, "SendMessage");
	expect_may(ALLOW("{\"AWS\":\"arn:aws:iam::" OTHER ":root\"}", SEND), &other, "SendMessage");
	expect_may(ALLOW("{\"AWS\":\"arn:aws:iam::" OTHER ":user/bob\"}", SEND), &other, "SendMessage");
	expect_may(ALLOW("{\"AWS\":\"arn:aws:iam::" OTHER ":user/team/bob\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"arn:aws:iam::" OTHER ":user/team/bobby\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"arn:aws:iam::" OTHER ":role/bob\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"arn:aws:iam::123456789012:user/bob\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"arn:aws:sts::" OTHER ":root\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"123456789012\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"" OTHER "\"}", SEND), &anonymous, "SendMessage");
	expect_may_not(ALLOW("{\"Service\":\"sns.amazonaws.com\"}", SEND), &other, "SendMessage");
	expect_may_not(ALLOW("{\"AWS\":\"arn:aws:iam:::root\"}", SEND), &anonymous, "SendMessage");
	expect_may_not(ALLOW("{\"Service\":\"*\"}", SEND), &anonymous, "SendMessage");
}

#define NOT_PRINCIPAL(effect, who)                                                                                 \
	POLICY("{\"Effect\":\"" effect "\",\"NotPrincipal\":{\"AWS\":" who                                         \
	       "},\"Action\":\"sqs:*\",\"Resource\":\"*\"}")

Test(policy, not_principal_is_everybody_else)
{
	expect_may_not(NOT_PRINCIPAL("Deny", "\"arn:aws:iam::" OWNER ":user/olga\""), &other, "SendMessage");
	expect_may(NOT_PRINCIPAL("Deny", "\"arn:aws:iam::" OWNER ":user/olga\""), &owner, "SendMessage");
	expect_may_not(NOT_PRINCIPAL("Deny", "\"" OTHER "\""), &owner, "SendMessage");
	expect_may(NOT_PRINCIPAL("Allow", "\"" OWNER "\""), &other, "SendMessage");
	expect_may(NOT_PRINCIPAL("Allow", "\"" OWNER "\""), &anonymous, "SendMessage");
	expect_may_not(NOT_PRINCIPAL("Allow", "\"" OTHER "\""), &other, "SendMessage");
}

/* ---- what ---------------------------------------------------------------------------------------- */

Test(policy, actions_are_named_in_any_case_and_by_patterns)
{
	expect_may(ALLOW(ANYBODY, "\"SQS:sendmessage\""), &other, "SendMessage");
	expect_may(ALLOW(ANYBODY, "\"*\""), &other, "ReceiveMessage");
	expect_may(ALLOW(ANYBODY, "\"sqs:*\""), &other, "ReceiveMessage");
	expect_may(ALLOW(ANYBODY, "\"sqs:Rec*\""), &other, "ReceiveMessage");
	expect_may(ALLOW(ANYBODY, "[\"sqs:PurgeQueue\",\"sqs:?eceive*ge\"]"), &other, "ReceiveMessage");
	expect_may_not(ALLOW(ANYBODY, SEND), &other, "ReceiveMessage");
	expect_may_not(ALLOW(ANYBODY, "\"sqs:Get*\""), &other, "ReceiveMessage");
}

Test(policy, a_batch_action_is_that_of_one_message)
{
	expect_may(ALLOW(ANYBODY, SEND), &other, "SendMessageBatch");
	expect_may(ALLOW(ANYBODY, "\"sqs:ChangeMessageVisibility\""), &other, "ChangeMessageVisibilityBatch");
	expect_may_not(ALLOW(ANYBODY, SEND), &other, "DeleteMessageBatch");
	cr_expect_neq(strstr(failure.message, "perform: sqs:deletemessage on"), NULL);
	expect_may_not(DENY(ANYBODY, "\"sqs:DeleteMessage\""), &owner, "DeleteMessageBatch");
}

Test(policy, not_action_is_every_other)
{
	static const char policy[] = POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":[" SEND
					    ",\"sqs:Purge*\"],\"Resource\":\"" ARN "\"}");

	expect_may(policy, &other, "ReceiveMessage");
	expect_may_not(policy, &other, "SendMessage");
	expect_may_not(policy, &other, "SendMessageBatch");
	expect_may_not(policy, &other, "PurgeQueue");
}

Test(policy, the_owners_own_actions_are_never_shared)
{
	static const char *const own[] = {
		"AddPermission",	"CancelMessageMoveTask", "CreateQueue", "DeleteQueue",
		"ListMessageMoveTasks", "ListQueueTags",	 "ListQueues",	"RemovePermission",
		"SetQueueAttributes",	"StartMessageMoveTask",	 "TagQueue",	"UntagQueue"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		expect_may_not(ALLOW(ANYBODY, "\"sqs:*\""), &other, own[i]);
		expect_may(ALLOW(ANYBODY, "\"sqs:*\""), &owner, own[i]);
		expect_may_not(DENY(ANYBODY, "\"sqs:*\""), &owner, own[i]);
	}
}

/* ---- of which queue ------------------------------------------------------------------------------ */

#define OF_RESOURCE(effect, element, resource)                                                                     \
	POLICY("{\"Effect\":\"" effect "\",\"Principal\":\"*\",\"Action\":\"sqs:*\",\"" element "\":" resource "}")

Test(policy, a_resource_is_an_arn_or_a_pattern)
{
	expect_may(OF_RESOURCE("Allow", "Resource", "\"" ARN "\""), &other, "SendMessage");
	expect_may(OF_RESOURCE("Allow", "Resource", "\"*\""), &other, "SendMessage");
	expect_may(OF_RESOURCE("Allow", "Resource", "\"arn:aws:sqs:*:*:ord*\""), &other, "SendMessage");
	expect_may(OF_RESOURCE("Allow", "Resource", "[\"arn:aws:sqs:*:*:x\",\"arn:*:sqs:*:*:order?\"]"), &other,
		   "SendMessage");
	expect_may_not(OF_RESOURCE("Allow", "Resource", "\"arn:aws:sqs:us-east-1:" OWNER ":Orders\""), &other,
		       "SendMessage");
	expect_may_not(OF_RESOURCE("Allow", "Resource", "\"arn:aws:sqs:us-east-1:" OTHER ":orders\""), &other,
		       "SendMessage");
	expect_may_not(OF_RESOURCE("Allow", "NotResource", "\"" ARN "\""), &other, "SendMessage");
	expect_may(OF_RESOURCE("Allow", "NotResource", "\"" ARN "s\""), &other, "SendMessage");
}

Test(policy, the_region_that_a_caller_signs_for_leads_round_no_statement)
{
	static const char elsewhere[] = "arn:aws-cn:sqs:cn-north-1:" OWNER ":orders";

	cr_expect_not(policy_allows(DENY(ANYBODY, "\"*\""), &owner, OWNER, "SendMessage", elsewhere, &failure));
	cr_expect_not(policy_allows(OF_RESOURCE("Deny", "Resource", "\"arn:aws:sqs:us-*:" OWNER ":o*\""), &owner,
				    OWNER, "SendMessage", elsewhere, &failure));
	cr_expect(policy_allows(OF_RESOURCE("Deny", "NotResource", "\"" ARN "\""), &owner, OWNER, "SendMessage",
				elsewhere, &failure));
	cr_expect(policy_allows(ALLOW(ANYBODY, "\"*\""), &other, OWNER, "SendMessage", elsewhere, &failure));
}

/* ---- statements together ------------------------------------------------------------------------- */

Test(policy, a_deny_wins_wherever_it_stands_and_against_the_owner_too)
{
	static const char denied_last[] =
		POLICY(STATEMENT("Allow", ANYBODY, "\"*\"", "") "," STATEMENT("Deny", ANYBODY, SEND, ""));
	static const char denied_first[] =
		POLICY(STATEMENT("Deny", ANYBODY, SEND, "") "," STATEMENT("Allow", ANYBODY, "\"*\"", ""));

	expect_may_not(denied_last, &other, "SendMessage");
	cr_expect_str_eq(failure.message,
			 "User: arn:aws:iam::" OTHER
			 ":user/bob is not authorized to perform: sqs:sendmessage on resource: " ARN
			 " with an explicit deny in a resource-based policy");
	expect_may_not(denied_first, &other, "SendMessage");
	expect_may_not(denied_first, &owner, "SendMessage");
	expect_may(denied_first, &other, "ReceiveMessage");
	expect_may(denied_first, &owner, "ReceiveMessage");
	expect_may(DENY("{\"AWS\":\"" OTHER "\"}", "\"*\""), &owner, "SendMessage");
}

Test(policy, one_statement_needs_no_list)
{
	expect_may("{\"Statement\":" STATEMENT("Allow", ANYBODY, SEND, ",\"Sid\":\"a\"") "}", &other,
		   "SendMessage");
	expect_may("{\"Version\":\"2008-10-17\",\"Id\":\"x\",\"Statement\":" STATEMENT("Allow", ANYBODY, SEND,
										       "") "}",
		   &other, "SendMessage");
}

Test(policy, of_what_is_no_policy_only_the_owner_hears_yes)
{
	static const char *const broken[] = {"", "{", "[]", "{\"Statement\":7}",
					     "{\"Statement\":[{\"Effect\":\"Allow\"}]}"};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		cr_expect(policy_allows(broken[i], &owner, OWNER, "SendMessage", ARN, &failure), "%s", broken[i]);
		cr_expect_not(policy_allows(broken[i], &anonymous, OWNER, "DeleteQueue", ARN, &failure), "%s",
			      broken[i]);
	}
}

/* ---- conditions ---------------------------------------------------------------------------------- */

#define IF(effect, condition) POLICY(STATEMENT(effect, ANYBODY, SEND, ",\"Condition\":" condition))

/* What holds allows and denies; what does not hold does neither; what we cannot tell denies and does not allow. */
static void expect_answer(const char *allow, const char *deny, enum answer answer)
{
	cr_expect_eq(may(allow, &other, "SendMessage"), answer == ANSWER_YES, "%s", allow);
	cr_expect_eq(may(deny, &owner, "SendMessage"), answer == ANSWER_NO, "%s", deny);
}

#define expect_condition(condition, answer) expect_answer(IF("Allow", condition), IF("Deny", condition), answer)

Test(policy, source_conditions_are_of_services_and_never_hold_for_callers)
{
	expect_condition("{\"ArnEquals\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:t\"}}", ANSWER_NO);
	expect_condition("{\"StringEquals\":{\"AWS:sourceaccount\":\"" OTHER "\"}}", ANSWER_NO);
	expect_condition("{\"ArnNotEquals\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:t\"}}", ANSWER_YES);
	expect_condition("{\"ArnLikeIfExists\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:t\"}}", ANSWER_YES);
	expect_condition("{\"Null\":{\"aws:SourceArn\":\"true\"}}", ANSWER_YES);
	expect_condition("{\"Null\":{\"aws:SourceArn\":false}}", ANSWER_NO);
	expect_condition("{\"Null\":{\"aws:SecureTransport\":\"false\"}}", ANSWER_YES);
}

Test(policy, transport_is_secure_with_tls_only)
{
	static const char policy[] = IF("Deny", "{\"Bool\":{\"aws:SecureTransport\":\"false\"}}");
	struct caller by_tls = owner;

	by_tls.is_secure = true;
	expect_may(policy, &by_tls, "SendMessage");
	expect_may_not(policy, &owner, "SendMessage");
	expect_condition("{\"Bool\":{\"aws:SecureTransport\":\"false\"}}", ANSWER_YES);
	expect_condition("{\"Bool\":{\"aws:SecureTransport\":false}}", ANSWER_YES);
	expect_condition("{\"Bool\":{\"aws:SecureTransport\":\"true\"}}", ANSWER_NO);
	expect_condition("{\"BoolIfExists\":{\"aws:SecureTransport\":[\"true\",\"False\"]}}", ANSWER_YES);
}

Test(policy, accounts_of_callers_are_compared_as_texts)
{
	static const char only_other[] = IF("Allow", "{\"StringEquals\":{\"aws:PrincipalAccount\":\"" OTHER "\"}}");

	expect_may(only_other, &other, "SendMessage");
	expect_may(IF("Allow", "{\"StringEquals\":{\"aws:PrincipalAccount\":[\"" OTHER "\",\"1\"]}}"), &other,
		   "SendMessage");
	expect_may_not(only_other, &anonymous, "SendMessage");
	expect_may_not(IF("Allow", "{\"StringEquals\":{\"aws:PrincipalAccount\":[\"1\",\"" OWNER "\"]}}"), &other,
		       "SendMessage");
	expect_may(IF("Allow", "{\"StringLike\":{\"aws:PrincipalAccount\":[\"1\",\"4444*\"]}}"), &other,
		   "SendMessage");
	expect_may_not(IF("Deny", "{\"StringNotEquals\":{\"aws:PrincipalAccount\":[\"1\",\"2\"]}}"), &owner,
		       "SendMessage");
	expect_may(IF("Deny", "{\"StringNotEquals\":{\"aws:PrincipalAccount\":[\"1\",\"" OWNER "\"]}}"), &owner,
		   "SendMessage");
	expect_may(IF("Deny", "{\"StringNotLike\":{\"aws:PrincipalAccount\":\"1111*\"}}"), &owner, "SendMessage");
	expect_may(IF("Deny", "{\"StringNotEqualsIgnoreCase\":{\"aws:PrincipalAccount\":\"" OWNER "\"}}"), &owner,
		   "SendMessage");
	expect_may(IF("Allow", "{\"StringEqualsIgnoreCaseIfExists\":{\"aws:PrincipalAccount\":\"" OWNER "\"}}"),
		   &anonymous, "SendMessage");
}

Test(policy, what_cannot_be_told_denies_and_does_not_allow)
{
	expect_condition("{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}", ANSWER_UNKNOWN);
	expect_condition("{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1\"}}", ANSWER_UNKNOWN);
	expect_condition("{\"StringEqual\":{\"aws:PrincipalAccount\":\"" OTHER "\"}}", ANSWER_UNKNOWN);
	expect_condition("{\"ForAnyValue:StringEquals\":{\"aws:SourceAccount\":\"1\"}}", ANSWER_UNKNOWN);
	expect_condition("{\"Bool\":{\"aws:SecureTransport\":0}}", ANSWER_UNKNOWN);
	expect_condition("{\"StringLike\":{\"aws:PrincipalAccount\":\"${aws:username}\"}}", ANSWER_UNKNOWN);
	expect_condition("{\"StringNotLike\":{\"aws:PrincipalAccount\":\"${aws:username}\"}}", ANSWER_UNKNOWN);
}

Test(policy, all_conditions_of_a_statement_must_hold)
{
	expect_condition("{}", ANSWER_YES);
	expect_condition("{\"Bool\":{\"aws:SecureTransport\":\"false\"},\"Null\":{\"aws:SourceArn\":\"true\"}}",
			 ANSWER_YES);
	expect_condition("{\"Bool\":{\"aws:SecureTransport\":\"false\"},\"Null\":{\"aws:SourceArn\":\"false\"}}",
			 ANSWER_NO);
	expect_condition("{\"Null\":{\"aws:SourceArn\":\"true\",\"aws:SourceIp\":\"true\"}}", ANSWER_UNKNOWN);
	expect_condition("{\"Null\":{\"aws:SourceArn\":\"false\",\"aws:SourceIp\":\"true\"}}", ANSWER_NO);
}

/* ---- which are taken ----------------------------------------------------------------------------- */

static void expect_refused(const char *policy, enum failure_code code, const char *message)
{
	memset(&failure, 0, sizeof(failure));
	cr_expect_not(policy_check(policy, &failure), "%s", policy);
	cr_expect_eq(failure.code, code, "%d of %s", failure.code, policy);
	cr_expect_str_eq(failure.message, message);
}

#define REASON(text) INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter Policy. Reason: " text

Test(policy, a_policy_that_is_none_is_refused)
{
	char large[9000];

	expect_refused("x", REASON("It is not JSON, or a name is there twice (line 1, column 1)."));
	expect_refused("{\"Id\":\"a\",\"Id\":\"b\"}",
		       REASON("It is not JSON, or a name is there twice (line 1, column 14)."));
	expect_refused("[]", REASON("A policy is a JSON object."));
	expect_refused("{}", REASON("There is no Statement."));
	expect_refused("{\"Statement\":[]}", REASON("There is no Statement."));
	expect_refused("{\"Statement\":[7]}", REASON("A Statement is an object or a list of objects."));
	expect_refused("{\"Statment\":[]}", REASON("There is no such element: Statment."));
	expect_refused("{\"Version\":\"2012-10-18\"}", REASON("The Version is \"2012-10-17\" or \"2008-10-17\"."));
	expect_refused("{\"Id\":1}", REASON("An Id is a text."));
	memset(large, ' ', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	expect_refused(large, REASON("A policy has at most 8192 bytes."));
}

#define OF(elements) "{\"Statement\":{" elements "}}"
#define E "\"Effect\":\"Allow\""
#define P ",\"Principal\":\"*\""
#define A ",\"Action\":\"sqs:*\""
#define R ",\"Resource\":\"*\""

Test(policy, a_statement_that_is_not_whole_is_refused)
{
	expect_refused(OF("\"Sid\":1," E P A R), REASON("A Sid is a text."));
	expect_refused(OF("\"Effect\":\"allow\"" P A R),
		       REASON("The Effect of a statement is \"Allow\" or \"Deny\"."));
	expect_refused(OF(E A R), REASON("A statement has Principal or NotPrincipal."));
	expect_refused(OF(E P ",\"NotPrincipal\":\"*\"" A R), REASON("A statement has Principal or NotPrincipal."));
	expect_refused(OF(E P R), REASON("A statement has Action or NotAction."));
	expect_refused(OF(E P A), REASON("A statement has Resource or NotResource."));
	expect_refused(OF(E P A R ",\"Conditions\":{}"), REASON("There is no such element: Conditions."));
	expect_refused(OF(E P ",\"Action\":[]" R), REASON("Action is an empty list."));
	expect_refused(OF(E P ",\"NotAction\":[1]" R), REASON("NotAction is neither a text nor a list of texts."));
	expect_refused(OF(E ",\"Principal\":\"" OTHER "\"" A R),
		       REASON("A Principal is \"*\" or an object such as {\"AWS\": \"123456789012\"}."));
	expect_refused(OF(E ",\"Principal\":{}" A R),
		       REASON("A Principal is \"*\" or an object such as {\"AWS\": \"123456789012\"}."));
	expect_refused(OF(E ",\"Principal\":{\"aws\":\"*\"}" A R), REASON("There is no such element: aws."));
	expect_refused(OF(E ",\"Principal\":{\"AWS\":\"bob\"}" A R),
		       REASON("A Principal is \"*\", an account's 12 digits or an ARN, not bob."));
	expect_refused(OF(E P A ",\"Resource\":\"orders\""),
		       REASON("A Resource is \"*\" or arn:PARTITION:sqs:REGION:ACCOUNT:NAME, not orders."));
	expect_refused(
		OF(E P A ",\"Resource\":\"arn:aws:s*:*:*:orders\""),
		REASON("A Resource is \"*\" or arn:PARTITION:sqs:REGION:ACCOUNT:NAME, not arn:aws:s*:*:*:orders."));
	expect_refused(
		OF(E P A ",\"Resource\":\"arn:aws:sqs:*:*:a:b\""),
		REASON("A Resource is \"*\" or arn:PARTITION:sqs:REGION:ACCOUNT:NAME, not arn:aws:sqs:*:*:a:b."));
	expect_refused(OF(E P A ",\"Resource\":\"arn:aws:sqs:*\""),
		       REASON("A Resource is \"*\" or arn:PARTITION:sqs:REGION:ACCOUNT:NAME, not arn:aws:sqs:*."));
	expect_refused(OF(E P A ",\"Resource\":\"arn:aws:sqs:*:*:${aws:username}\""),
		       REASON("Variables in a Resource are not supported: arn:aws:sqs:*:*:${aws:username}."));
	expect_refused(OF(E P A R ",\"Condition\":\"x\""),
		       REASON("A Condition is an object such as {\"ArnEquals\": {\"aws:SourceArn\": ...}}."));
	expect_refused(OF(E P A R ",\"Condition\":{\"Bool\":1}"), REASON("Bool of a Condition is no object."));
	expect_refused(OF(E P A R ",\"Condition\":{\"Bool\":{\"k\":[\"a\",{}]}}"),
		       REASON("k of a Condition is no value."));
}

Test(policy, actions_there_are_not_and_too_many_are_refused_as_by_aws)
{
	static const char reason[] = "for parameter ActionName is invalid. Reason: Please refer to the appropriate "
				     "WSDL for a list of valid "
				     "actions.";
	static const char *const wrong[] = {"sqs:SendMessageBatch", "sqs:SendMesage", "s3:GetObject",
					    "sqs:", "Sqs:Foo*"};
	char policy[512], wanted[512];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(policy, sizeof(policy), OF(E P R ",\"Action\":[\"sqs:SendMessage\",\"%s\"]"), wrong[i]);
		snprintf(wanted, sizeof(wanted), "Value %s %s", wrong[i], reason);
		expect_refused(policy, INVALID_PARAMETER_VALUE, wanted);
	}
	expect_refused(OF(E P R ",\"Action\":[\"*\",\"*\",\"*\",\"*\",\"*\",\"*\",\"*\",\"*\"]"), OVER_LIMIT,
		       "8 Actions were found, maximum allowed is 7.");
}

Test(policy, patterns_match_as_shells_do)
{
	cr_expect(pattern_matches("*", "", false));
	cr_expect(pattern_matches("a*b*c", "aXbbYc", false));
	cr_expect(pattern_matches("**a", "aaa", false));
	cr_expect(pattern_matches("a?c", "abc", false));
	cr_expect(pattern_matches("A?c", "abC", true));
	cr_expect_not(pattern_matches("A?c", "abC", false));
	cr_expect_not(pattern_matches("a?", "a", false));
	cr_expect_not(pattern_matches("", "a", false));
	cr_expect_not(pattern_matches("a*b", "abc", false));
	cr_expect_not(pattern_matches("[", "{", true));
}
