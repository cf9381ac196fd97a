#include "redrive_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "output.h"
#include "report.h"

/* AWS's tools write the count as a number or as a string of digits. */
static int receives_of(const json_t *policy, uint64_t *ret_receives)
{
	const json_t *count = json_object_get(policy, "maxReceiveCount");

	if (json_is_string(count))
		return number_parse(json_string_value(count), ret_receives);
	if (!json_is_integer(count) || json_integer_value(count) < 0)
		return -1;
	*ret_receives = (uint64_t)json_integer_value(count);
	return 0;
}

/* A queue's ARN ends with its name. */
static const char *target_of(const json_t *policy)
{
	const char *name = json_string_value(json_object_get(policy, "deadLetterTargetQueue"));
	const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));

	if (!name && arn)
		name = strrchr(arn, ':') ? strrchr(arn, ':') + 1 : arn;
	return name && *name && strlen(name) <= RLQ_NAME_MAX ? name : NULL;
}

int redrive_policy_parse(struct rlq_queue_attributes *attributes, const char *text)
{
	json_t *policy;
	const char *target;
	uint64_t receives;
	int rc = EXIT_DONE;

	if (!*text) {
		attributes->dlq[0] = '\0';
		attributes->receives_max = 0;
		return rc;
	}
	policy = json_loads(text, 0, NULL);
	target = target_of(policy);
	if (!target || receives_of(policy, &receives) || !receives || receives > 1000) {
		rc = report(EXIT_USAGE,
			    "not a redrive policy: %s ({\"deadLetterTargetQueue\":\"NAME\",\"maxReceiveCount\":1 "
			    "to 1000})",
			    text);
	} else {
		snprintf(attributes->dlq, sizeof(attributes->dlq), "%s", target);
		attributes->receives_max = (uint32_t)receives;
	}
	json_decref(policy);
	return rc;
}

json_t *redrive_policy_to_json(const struct rlq_queue_attributes *attributes)
{
	return json_pack("{s:s, s:I}", "deadLetterTargetQueue", attributes->dlq, "maxReceiveCount",
			 (json_int_t)attributes->receives_max);
}
