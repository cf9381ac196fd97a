/* Inside of policies: their elements, and what a statement asks beside who, what and where. */
#ifndef GATEWAY_POLICY_H
#define GATEWAY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "gateway/security.h"

/* Of a condition. UNKNOWN: it asks what we cannot tell. */
enum answer { ANSWER_NO, ANSWER_UNKNOWN, ANSWER_YES };

/* `*` any characters, `?` any one. */
bool pattern_matches(const char *pattern, const char *text, bool ignores_case);

/* An element that may be one or a list: how many, which. */
static inline size_t one_or_many_count(const json_t *element)
{
	return json_is_array(element) ? json_array_size(element) : element != NULL;
}

static inline const json_t *one_or_many_get(const json_t *element, size_t index)
{
	return json_is_array(element) ? json_array_get(element, index) : element;
}

/* Does the caller's request meet the Condition of a statement (NULL: there is none)? Known are
 *   aws:SourceArn, aws:SourceAccount   absent: they are of services that call, as SNS does
 *   aws:SecureTransport                "true" with TLS, else "false"
 *   aws:PrincipalAccount               absent of anonymous callers
 * under the String and Arn operators, Bool and Null, each also with ...IfExists. All else is unknown. */
enum answer condition_answer(json_t *condition, const struct caller *caller);

/* SendMessage, in any case; also a pattern that matches one. Batch actions are no actions of policies. */
bool policy_has_action(const char *pattern);
/* May another account be let do it? The rest is the owner's alone, whatever policies say. */
bool policy_is_shareable(const char *action);

#endif
