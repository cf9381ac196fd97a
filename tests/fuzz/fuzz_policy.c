/* Policies and credentials files from any bytes. Of a policy that is taken: with a Deny of all added nobody may do
 * anything, without it no other account does what is the owner's; of any, taken or not, there is an answer that can
 * be written. */
#include "gateway/credentials.h"
#include "gateway/policy.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/words.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1 << 14 };

#define ACCOUNT "111122223333"
#define ARN "arn:aws:sqs:us-east-1:" ACCOUNT ":q"

static const char *const policy_words[] = {
	"{\"Version\":\"2012-10-17\",\"Statement\":[",
	"{\"Statement\":",
	"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}",
	"{\"Effect\":\"Deny\",\"Principal\":\"*\",",
	"{\"Effect\":\"Allow\",",
	"\"Principal\":{\"AWS\":",
	"\"NotPrincipal\":{\"AWS\":",
	"\"arn:aws:iam::" ACCOUNT ":root\"",
	"\"arn:aws:iam::" ACCOUNT ":user/a/b\"",
	"\"" ACCOUNT "\"",
	"\"Action\":",
	"\"NotAction\":",
	"\"sqs:*Message*\"",
	"\"SQS:?end*\"",
	"\"Resource\":",
	"\"NotResource\":",
	"\"" ARN "\"",
	"\"arn:aws:sqs:*:q\"",
	"\"Condition\":{",
	"\"ArnNotLikeIfExists\":{",
	"\"Bool\":{",
	"\"Null\":{",
	"\"aws:SourceArn\":",
	"\"aws:SecureTransport\":",
	"\"aws:PrincipalAccount\":",
	"\"*\"",
	"\"${a}\"",
	"\"\\ud83d\\ude00\"",
	"true",
	"[",
	"]",
	"{",
	"}",
	"}]}",
	",",
	":",
};

static const char *const file_words[] = {
	"[a]\n",
	"[b]\n",
	"[",
	"]",
	"\n",
	"\r\n",
	" = ",
	"aws_access_key_id = A\n",
	"aws_access_key_id = B\n",
	"aws_access_key_id=",
	"aws_secret_access_key = s\n",
	"aws_session_token = t\n",
	"aws_account_id = " ACCOUNT "\n",
	"# c\n",
	";",
	" ",
};

static void check(bool is_so)
{
	if (!is_so)
		abort();
}

/* Answers are in UTF-8. */
static bool can_be_written(const char *message)
{
	json_t *text = json_string(message);

	json_decref(text);
	return text != NULL;
}

static const struct caller callers[] = {
	{ACCOUNT, "A", "b", false},
	{"444455556666", "B", "b", true},
	{"", "", "", false},
};

static bool may(const char *policy, int caller, const char *action)
{
	struct failure failure = {.code = FAILURE_NONE};
	bool is_allowed = policy_allows(policy, &callers[caller], ACCOUNT, action, ARN, &failure);

	check(is_allowed || (failure.code == ACCESS_DENIED && can_be_written(failure.message)));
	return is_allowed;
}

static void try_denied(const char *policy)
{
	json_t *tree = json_loads(policy, 0, NULL), *statements = json_object_get(tree, "Statement"), *list;
	char *text;

	list = json_is_array(statements) ? json_incref(statements) : json_pack("[O]", statements);
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "Effect", "Deny", "Principal", "*", "Action",
					      "sqs:*", "Resource", "*"));
	json_object_set_new(tree, "Statement", list);
	text = json_dumps(tree, 0);
	for (int caller = 0; caller < 3; caller++)
		check(!may(text, caller, "SendMessageBatch"));
	free(text);
	json_decref(tree);
}

static void try_policy(const char *policy)
{
	struct failure failure = {.code = FAILURE_NONE};
	bool is_good = policy_check(policy, &failure);

	may(policy, 0, "SendMessage");
	may(policy, 1, "SendMessage");
	check(!may(policy, 1, "DeleteQueue") && !may(policy, 2, "SetQueueAttributes"));
	if (is_good)
		try_denied(policy);
	else
		check(failure.code > FAILURE_NONE && failure.code < FAILURE_CODES &&
		      can_be_written(failure.message));
}

static void try_file(char *text, size_t bytes)
{
	char fault[256] = "";
	FILE *file = fmemopen(text, bytes, "r");
	struct profiles *profiles;

	if (file == NULL)
		return;
	profiles = profiles_read(file, ACCOUNT, fault, sizeof(fault));
	fclose(file);
	check((profiles == NULL) == (fault[0] != '\0'));
	for (unsigned i = 0; profiles != NULL && i < profiles->count; i++)
		check(profiles->list[i].key_id[0] == '\0' ||
		      (profiles_find(profiles, profiles->list[i].key_id) == &profiles->list[i] &&
		       profiles->list[i].secret[0] != '\0' && profiles->list[i].account[0] != '\0'));
	profiles_free(profiles);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static char text[TEXT_BYTES];
	size_t text_bytes = count < TEXT_BYTES ? count : TEXT_BYTES - 1;

	memcpy(text, bytes, text_bytes);
	text[text_bytes] = '\0';
	try_policy(text);
	try_file(text, text_bytes);
	text_bytes = words_write(policy_words, sizeof(policy_words) / sizeof(policy_words[0]), bytes, count, text,
				 sizeof(text));
	text[text_bytes] = '\0';
	try_policy(text);
	text_bytes = words_write(file_words, sizeof(file_words) / sizeof(file_words[0]), bytes, count, text,
				 sizeof(text));
	try_file(text, text_bytes);
	return 0;
}
