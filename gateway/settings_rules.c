/* Every attribute of a queue: what it may be, and what it says. */
#include "gateway/settings_rule.h"

#include <string.h>

#include "gateway/address.h"
#include "gateway/gateway.h"
#include "gateway/redrive.h"
#include "gateway/security.h"

typedef const struct settings_rule rule_t;

/* ---- numbers ---------------------------------------------------------------------------------- */

static int64_t *number_at(struct settings *settings, rule_t *rule)
{
	return (int64_t *)(void *)((char *)settings + rule->offset);
}

/* Digits, in the API's unit. False: it is none, or out of range. */
static bool number_read(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	int64_t number = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18 || text[digits] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	*ret = number;
	return number >= min && number <= max;
}

static bool set_number(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	int64_t number;

	if (!number_read(value, rule->min, rule->max, &number))
		return settings_refuse(call, rule->name);
	*number_at(settings, rule) = number * rule->unit;
	settings->is_native_changed = true;
	return true;
}

/* What was set natively may be finer, or beyond what the API could set. */
static json_t *get_number(const struct call *call, const struct settings *settings, rule_t *rule)
{
	(void)call;
	return json_sprintf("%lld", (long long)(*number_at((struct settings *)settings, rule) / rule->unit));
}

static bool set_size(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	struct settings_rule relaxed = *rule;

	if (call->gateway->relaxed_limits) {
		relaxed.min = 1;
		relaxed.max = RLQ_BODY_MAX;
	}
	return set_number(call, settings, &relaxed, value);
}

static json_t *get_modified(const struct call *call, const struct settings *settings, rule_t *rule)
{
	uint64_t ms = settings->stat.modified_ms > settings->kept_modified_ms ? settings->stat.modified_ms
									      : settings->kept_modified_ms;

	(void)call, (void)rule;
	return json_sprintf("%llu", (unsigned long long)ms / 1000);
}

static json_t *get_arn(const struct call *call, const struct settings *settings, rule_t *rule)
{
	char arn[ADDRESS_TEXT_BYTES];

	(void)rule;
	address_arn(call, settings->queue, arn);
	return json_string(arn);
}

/* ---- FIFO queues ------------------------------------------------------------------------------ */

static bool set_fifo(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	bool is_fifo;

	if (!settings_boolean(value, &is_fifo))
		return settings_refuse(call, rule->name);
	if (is_fifo == (settings->native.type == RLQ_FIFO))
		return true;
	return failure_set(
		&call->failure, INVALID_ATTRIBUTE_VALUE,
		"Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.");
}

static json_t *get_fifo(const struct call *call, const struct settings *settings, rule_t *rule)
{
	(void)call, (void)settings, (void)rule;
	return json_string("true");
}

static bool set_content(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	if (!settings_boolean(value, &settings->native.content_dedup))
		return settings_refuse(call, rule->name);
	settings->is_native_changed = true;
	return true;
}

static json_t *get_content(const struct call *call, const struct settings *settings, rule_t *rule)
{
	(void)call, (void)rule;
	return json_string(settings->native.content_dedup ? "true" : "false");
}

static bool set_scope(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	if (strcmp(value, "queue") == 0)
		settings->native.dedup_scope = RLQ_DEDUP_QUEUE;
	else if (strcmp(value, "messageGroup") == 0)
		settings->native.dedup_scope = RLQ_DEDUP_GROUP;
	else
		return settings_refuse(call, rule->name);
	settings->is_native_changed = true;
	return true;
}

static json_t *get_scope(const struct call *call, const struct settings *settings, rule_t *rule)
{
	(void)call, (void)rule;
	return json_string(settings->native.dedup_scope == RLQ_DEDUP_GROUP ? "messageGroup" : "queue");
}

/* There is no limit; it is only kept. */
static bool set_limit(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	if (strcmp(value, "perQueue") != 0 && strcmp(value, "perMessageGroupId") != 0)
		return settings_refuse(call, rule->name);
	return settings_keep(call, settings, rule->name, strcmp(value, "perQueue") == 0 ? NULL : value);
}

static json_t *get_limit(const struct call *call, const struct settings *settings, rule_t *rule)
{
	const char *kept = settings_kept(settings, rule->name);

	(void)call;
	return json_string(kept ? kept : "perQueue");
}

/* ---- policies --------------------------------------------------------------------------------- */

static json_t *get_kept(const struct call *call, const struct settings *settings, rule_t *rule)
{
	const char *kept = settings_kept(settings, rule->name);

	(void)call;
	return kept ? json_string(kept) : NULL;
}

static bool set_policy(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	if (*value && !policy_check(value, &call->failure))
		return false;
	return settings_keep(call, settings, rule->name, *value ? value : NULL);
}

static bool set_redrive(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	(void)rule;
	settings->is_native_changed = true;
	return redrive_policy_set(call, settings, value);
}

static json_t *get_redrive(const struct call *call, const struct settings *settings, rule_t *rule)
{
	(void)rule;
	return redrive_policy_text(call, settings);
}

static bool set_allow(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	(void)rule;
	return redrive_allow_set(call, settings, value);
}

/* ---- encryption, which is only kept ----------------------------------------------------------- */

static bool set_key(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	return settings_keep(call, settings, rule->name, *value ? value : NULL);
}

static bool set_period(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	int64_t seconds;

	if (!number_read(value, rule->min, rule->max, &seconds))
		return settings_refuse(call, rule->name);
	return settings_keep(call, settings, rule->name, seconds == 300 ? NULL : value);
}

static bool set_sse(struct call *call, struct settings *settings, rule_t *rule, const char *value)
{
	bool is_on;

	if (!settings_boolean(value, &is_on))
		return settings_refuse(call, rule->name);
	return !is_on || settings_keep(call, settings, "KmsMasterKeyId", NULL);
}

/* Shared memory holds plain text, whatever was asked for. */

static json_t *get_sse(const struct call *call, const struct settings *settings, rule_t *rule)
{
	(void)call;
	(void)settings;
	(void)rule;
	return json_string("false");
}

/* ---- the table -------------------------------------------------------------------------------- */

#define SECONDS_OF(api, field, least, most)                                                                        \
	{                                                                                                          \
		.name = api, .set = set_number, .get = get_number,                                                 \
		.offset = offsetof(struct settings, native.field), .min = least, .max = most, .unit = 1000         \
	}
#define COUNTED(api, field)                                                                                        \
	{                                                                                                          \
		.name = api, .get = get_number, .offset = offsetof(struct settings, stat.field), .unit = 1,        \
		.is_counted = true                                                                                 \
	}
#define OF_FIFO(api, what)                                                                                         \
	{                                                                                                          \
		.name = api, .set = set_##what, .get = get_##what, .is_of_fifo = true                              \
	}

const struct settings_rule settings_rules[] = {
	SECONDS_OF("VisibilityTimeout", visibility_ms, 0, 43200),
	SECONDS_OF("DelaySeconds", delay_ms, 0, 900),
	SECONDS_OF("MessageRetentionPeriod", retention_ms, 60, 1209600),
	SECONDS_OF("ReceiveMessageWaitTimeSeconds", wait_ms, 0, 20),
	{.name = "MaximumMessageSize",
	 .set = set_size,
	 .get = get_number,
	 .offset = offsetof(struct settings, native.message_bytes_max),
	 .min = 1024,
	 .max = 1048576,
	 .unit = 1},
	COUNTED("ApproximateNumberOfMessages", visible),
	COUNTED("ApproximateNumberOfMessagesNotVisible", in_flight),
	COUNTED("ApproximateNumberOfMessagesDelayed", delayed),
	{.name = "CreatedTimestamp",
	 .get = get_number,
	 .offset = offsetof(struct settings, created_ms),
	 .unit = 1000},
	{.name = "LastModifiedTimestamp", .get = get_modified, .is_counted = true},
	{.name = "QueueArn", .get = get_arn},
	{.name = "SqsManagedSseEnabled", .set = set_sse, .get = get_sse},
	{.name = "KmsMasterKeyId", .set = set_key, .get = get_kept},
	{.name = "KmsDataKeyReusePeriodSeconds", .set = set_period, .get = get_kept, .min = 60, .max = 86400},
	{.name = "Policy", .set = set_policy, .get = get_kept},
	{.name = "RedrivePolicy", .set = set_redrive, .get = get_redrive},
	{.name = "RedriveAllowPolicy", .set = set_allow, .get = get_kept},
	OF_FIFO("FifoQueue", fifo),
	OF_FIFO("ContentBasedDeduplication", content),
	OF_FIFO("DeduplicationScope", scope),
	OF_FIFO("FifoThroughputLimit", limit),
	{.name = NULL},
};
