#include "gateway/policy.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	bool is_shareable;
} actions[] = {
	{"AddPermission", false},
	{"CancelMessageMoveTask", false},
	{"ChangeMessageVisibility", true},
	{"CreateQueue", false},
	{"DeleteMessage", true},
	{"DeleteQueue", false},
	{"GetQueueAttributes", true},
	{"GetQueueUrl", true},
	{"ListDeadLetterSourceQueues", true},
	{"ListMessageMoveTasks", false},
	{"ListQueueTags", false},
	{"ListQueues", false},
	{"PurgeQueue", true},
	{"ReceiveMessage", true},
	{"RemovePermission", false},
	{"SendMessage", true},
	{"SetQueueAttributes", false},
	{"StartMessageMoveTask", false},
	{"TagQueue", false},
	{"UntagQueue", false},
};

enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Goes back to the last star only: as many steps as pattern times text, at most. */
bool pattern_matches(const char *pattern, const char *text, bool ignores_case)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text ||
			   (ignores_case && lower(*pattern) == lower(*text))) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool policy_has_action(const char *pattern)
{
	for (int i = 0; i < ACTIONS; i++)
		if (pattern_matches(pattern, actions[i].name, true))
			return true;
	return false;
}

bool policy_is_shareable(const char *action)
{
	for (int i = 0; i < ACTIONS; i++)
		if (strcmp(actions[i].name, action) == 0)
			return actions[i].is_shareable;
	return false;
}
