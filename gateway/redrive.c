/* Which queue gets what was received too often, and which ones let themselves be used for that. */
#include "gateway/redrive.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/address.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/notes.h"

enum { RECEIVES_MAX = 1000, SOURCES_MAX = 10 };

static bool refuse(struct call *call, const char *parameter, const char *text, const char *reason)
{
	return failure_set(&call->failure, INVALID_PARAMETER_VALUE,
			   "Value %.1200s for parameter %s is invalid. Reason: %s", text, parameter, reason);
}

/* ---- RedrivePolicy ---------------------------------------------------------------------------- */

/* AWS's tools write the count as a number or as a text. 0: it is none that may be. */
static uint32_t receives_of(const json_t *policy)
{
	const json_t *count = json_object_get(policy, "maxReceiveCount");
	json_int_t receives = json_integer_value(count);
	char *end = "";

	if (json_is_string(count))
		receives = strtoll(json_string_value(count), &end, 10);
	return *end == '\0' && receives >= 1 && receives <= RECEIVES_MAX ? (uint32_t)receives : 0;
}

static bool refuse_count(struct call *call, const json_t *policy, const char *text)
{
	const json_t *count = json_object_get(policy, "maxReceiveCount");
	char *dump = json_is_string(count) ? strdup(json_string_value(count))
					   : json_dumps(count, JSON_ENCODE_ANY | JSON_COMPACT);

	failure_set(
		&call->failure, INVALID_PARAMETER_VALUE,
		"Value %.1200s for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: "
		"%.100s, valid values are from 1 to 1000 both inclusive.",
		text, dump ? dump : "");
	free(dump);
	return false;
}

static bool check_shape(struct call *call, const json_t *policy, const char *text, char ret_dlq[NAME_TEXT_BYTES])
{
	const json_t *arn = json_object_get(policy, "deadLetterTargetArn");

	if (!json_is_object(policy))
		return failure_set(&call->failure, INVALID_ATTRIBUTE_VALUE,
				   "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a "
				   "valid JSON map.");
	if (json_object_get(policy, "maxReceiveCount") == NULL)
		return refuse(call, "RedrivePolicy", text,
			      "Redrive policy does not contain mandatory attribute: maxReceiveCount.");
	if (arn == NULL)
		return refuse(call, "RedrivePolicy", text,
			      "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
	if (receives_of(policy) == 0)
		return refuse_count(call, policy, text);
	if (!json_is_string(arn) || !address_from_arn(json_string_value(arn), ret_dlq))
		return refuse(call, "RedrivePolicy", text, "Dead-letter target ARN should be fully qualified ARN.");
	if (json_object_size(policy) > 2)
		return refuse(call, "RedrivePolicy", text,
			      "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].");
	return true;
}

/* Is this queue among the sources that a RedriveAllowPolicy admits? */
static bool is_allowed(const json_t *policy, const char *source)
{
	const char *permission = input_text(policy, "redrivePermission");
	char name[NAME_TEXT_BYTES];
	size_t i;
	json_t *arn;

	if (permission == NULL || strcmp(permission, "byQueue") != 0)
		return permission == NULL || strcmp(permission, "denyAll") != 0;
	json_array_foreach(json_object_get(policy, "sourceQueueArns"), i,
			   arn) if (address_from_arn(json_string_value(arn), name) &&
				    strcmp(name, source) == 0) return true;
	return false;
}

static bool check_allowed(struct call *call, struct rlq_queue *dlq, const char *source, const char *text)
{
	json_t *notes, *policy;
	const char *kept;
	int error = notes_read(call->gateway->notes, dlq, &notes);
	bool is_good;

	if (error)
		return failure_from_library(&call->failure, error);
	kept = input_text(json_object_get(notes, "attributes"), "RedriveAllowPolicy");
	policy = kept ? json_loads(kept, 0, NULL) : NULL;
	is_good = is_allowed(policy, source);
	json_decref(policy);
	json_decref(notes);
	return is_good ? true
		       : refuse(call, "RedrivePolicy", text,
				"Dead-letter queue's redrive allow policy does not permit this source queue.");
}

/* The library would say as much, in other words. */
static bool check_dlq(struct call *call, const struct settings *settings, const char *name, const char *text)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *dlq;
	bool is_good;
	int error = strcmp(name, settings->queue) == 0 ? RLQ_ENOQUEUE : 0;

	if (!error)
		error = rlq_queue_open(call->gateway->directory, name, &dlq);
	if (error == RLQ_ENOQUEUE || error == RLQ_ENAME)
		return refuse(call, "RedrivePolicy", text, "Dead letter target does not exist.");
	if (error)
		return failure_from_library(&call->failure, error);
	error = rlq_queue_get_attributes(dlq, &attributes);
	if (error)
		is_good = failure_from_library(&call->failure, error);
	else if (attributes.type != settings->native.type)
		is_good = refuse(call, "RedrivePolicy", text,
				 "Dead-letter queue must be same type of queue as the source.");
	else if (attributes.durability < settings->native.durability)
		is_good =
			refuse(call, "RedrivePolicy", text, "Dead-letter queue must be as durable as the source.");
	else
		is_good = check_allowed(call, dlq, settings->queue, text);
	rlq_queue_close(dlq);
	return is_good;
}

bool redrive_policy_set(struct call *call, struct settings *settings, const char *text)
{
	char name[NAME_TEXT_BYTES] = "";
	uint32_t receives = 0;

	if (*text) {
		json_t *policy = json_loads(text, 0, NULL);
		bool is_good = check_shape(call, policy, text, name) && check_dlq(call, settings, name, text);

		receives = receives_of(policy);
		json_decref(policy);
		if (!is_good)
			return false;
	}
	strcpy(settings->native.dlq, name);
	settings->native.receives_max = receives;
	return true;
}

json_t *redrive_policy_text(const struct call *call, const struct settings *settings)
{
	char arn[ADDRESS_TEXT_BYTES];

	if (settings->native.receives_max == 0)
		return NULL;
	address_arn(call, settings->native.dlq, arn);
	return json_sprintf("{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%u}", arn,
			    settings->native.receives_max);
}

/* ---- RedriveAllowPolicy ----------------------------------------------------------------------- */

static bool refuse_allow(struct call *call)
{
	return failure_set(
		&call->failure, INVALID_ATTRIBUTE_VALUE,
		"Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the "
		"redrive allow policy, as it\u2019s in an unsupported format.");
}

static bool has_form(const json_t *policy)
{
	const char *permission = input_text(policy, "redrivePermission");
	const json_t *sources = json_object_get(policy, "sourceQueueArns");
	size_t i;
	json_t *arn;

	if (!permission || (strcmp(permission, "allowAll") != 0 && strcmp(permission, "denyAll") != 0 &&
			    strcmp(permission, "byQueue") != 0))
		return false;
	if (json_object_size(policy) != 1 + (size_t)(sources != NULL) || (sources && !json_is_array(sources)))
		return false;
	json_array_foreach((json_t *)sources, i, arn) if (!json_is_string(arn)) return false;
	return true;
}

static bool check_allow(struct call *call, const json_t *policy, const char *text)
{
	const json_t *sources = json_object_get(policy, "sourceQueueArns");
	bool is_by_queue;

	if (!has_form(policy))
		return refuse_allow(call);
	is_by_queue = strcmp(input_text(policy, "redrivePermission"), "byQueue") == 0;
	if (sources && !is_by_queue)
		return refuse(
			call, "RedriveAllowPolicy", text,
			"Amazon SQS can't create the redrive allow policy. To specify one or more source queue "
			"ARNs, you must set redrivePermission to byQueue.");
	if (is_by_queue && json_array_size(sources) == 0)
		return refuse(call, "RedriveAllowPolicy", text,
			      "Amazon SQS can't create the redrive allow policy. When you specify the byQueue "
			      "permission type, you must also specify one or more sourceQueueArns values.");
	if (json_array_size(sources) > SOURCES_MAX)
		return refuse(
			call, "RedriveAllowPolicy", text,
			"Amazon SQS can't create the redrive allow policy. The maximum number of source queue "
			"ARNs you can specify is 10.");
	return true;
}

bool redrive_allow_set(struct call *call, struct settings *settings, const char *text)
{
	json_t *policy;
	bool is_good;

	if (*text == '\0')
		return settings_keep(call, settings, "RedriveAllowPolicy", NULL);
	policy = json_loads(text, 0, NULL);
	is_good = check_allow(call, policy, text) && settings_keep(call, settings, "RedriveAllowPolicy", text);
	json_decref(policy);
	return is_good;
}
