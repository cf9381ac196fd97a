#include "gateway/settings.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "gateway/gateway.h"
#include "gateway/notes.h"
#include "gateway/redrive.h"
#include "gateway/settings_rule.h"

/* ---- values ----------------------------------------------------------------------------------- */

bool settings_refuse(struct call *call, const char *name)
{
	return failure_set(&call->failure, INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", name);
}

static bool no_memory(struct call *call)
{
	return failure_set(&call->failure, INTERNAL_FAILURE, "out of memory");
}

bool settings_boolean(const char *value, bool *ret_boolean)
{
	bool is_true = strcasecmp(value, "true") == 0;

	if (!is_true && strcasecmp(value, "false") != 0)
		return false;
	*ret_boolean = is_true;
	return true;
}

const char *settings_kept(const struct settings *settings, const char *name)
{
	return input_text(settings->kept, name);
}

bool settings_keep(struct call *call, struct settings *settings, const char *name, const char *value)
{
	int error;

	if (value == NULL) {
		json_object_del(settings->kept, name);
		error = json_object_set_new(settings->changes, name, json_null());
	} else {
		error = json_object_set_new(settings->kept, name, json_string(value)) ||
			json_object_set_new(settings->changes, name, json_string(value));
	}
	return error ? no_memory(call) : true;
}

/* ---- names ------------------------------------------------------------------------------------ */

static const struct settings_rule *rule_of(const char *name)
{
	for (const struct settings_rule *rule = settings_rules; rule->name; rule++)
		if (strcmp(rule->name, name) == 0)
			return rule;
	return NULL;
}

static bool refuse_name(struct call *call, const char *name)
{
	return failure_set(&call->failure, INVALID_ATTRIBUTE_NAME, "Unknown Attribute %s.", name);
}

bool settings_is_name(struct call *call, const char *name)
{
	return strcmp(name, "All") == 0 || rule_of(name) ? true : refuse_name(call, name);
}

bool settings_applies(struct call *call, const struct settings *settings, const char *name)
{
	const struct settings_rule *rule = rule_of(name);

	return rule == NULL || !rule->is_of_fifo || settings->native.type == RLQ_FIFO ? true
										      : refuse_name(call, name);
}

bool settings_is_counted(const char *name)
{
	const struct settings_rule *rule = rule_of(name);

	return rule && rule->is_counted;
}

void settings_all(void (*each)(void *context, const char *name), void *context)
{
	for (const struct settings_rule *rule = settings_rules; rule->name; rule++)
		each(context, rule->name);
}

/* May it be set, on this queue? */
static bool check_name(struct call *call, const struct settings *settings, const char *name)
{
	const struct settings_rule *rule = rule_of(name);

	if (rule == NULL || rule->set == NULL)
		return refuse_name(call, name);
	if (!rule->is_of_fifo || settings->native.type == RLQ_FIFO)
		return true;
	if (strcmp(name, "DeduplicationScope") != 0 && strcmp(name, "FifoThroughputLimit") != 0)
		return refuse_name(call, name);
	return failure_set(&call->failure, INVALID_ATTRIBUTE_NAME,
			   "You can specify the %s only when FifoQueue is set to true.", name);
}

/* ---- all of a queue --------------------------------------------------------------------------- */

static bool begin(struct call *call, const char *name, json_t *kept, struct settings *ret)
{
	*ret = (struct settings){
		.queue = name,
		.native = RLQ_QUEUE_ATTRIBUTES_INIT,
		.stat = RLQ_QUEUE_STAT_INIT,
		.kept = kept,
		.changes = json_object(),
	};
	if (ret->kept && ret->changes)
		return true;
	settings_free(ret);
	return no_memory(call);
}

bool settings_read(struct call *call, struct rlq_queue *queue, struct settings *ret_settings)
{
	json_t *notes;
	int error = notes_read(call->gateway->notes, queue, &notes);

	if (error)
		return failure_from_library(&call->failure, error);
	if (!begin(call, rlq_queue_name(queue), json_copy(json_object_get(notes, "attributes")), ret_settings)) {
		json_decref(notes);
		return false;
	}
	ret_settings->kept_modified_ms = (uint64_t)json_integer_value(json_object_get(notes, "modified_ms"));
	ret_settings->created_ms = rlq_queue_created_ms(queue);
	json_decref(notes);
	error = rlq_queue_get_attributes(queue, &ret_settings->native);
	if (error == 0)
		return true;
	settings_free(ret_settings);
	return failure_from_library(&call->failure, error);
}

bool settings_new(struct call *call, const char *name, enum rlq_type type, struct settings *ret_settings)
{
	if (!begin(call, name, json_object(), ret_settings))
		return false;
	ret_settings->is_new = true;
	ret_settings->native.type = type;
	return true;
}

void settings_free(struct settings *settings)
{
	json_decref(settings->kept);
	json_decref(settings->changes);
	settings->kept = settings->changes = NULL;
}

bool settings_count(struct call *call, struct rlq_queue *queue, struct settings *settings)
{
	int error = rlq_queue_stat(queue, &settings->stat);

	return error ? failure_from_library(&call->failure, error) : true;
}

json_t *settings_value(const struct call *call, const struct settings *settings, const char *name)
{
	const struct settings_rule *rule = rule_of(name);

	if (rule == NULL || (rule->is_of_fifo && settings->native.type != RLQ_FIFO))
		return NULL;
	return rule->get(call, settings, rule);
}

/* ---- change ----------------------------------------------------------------------------------- */

/* Two kinds of encryption at once. */
static bool check_encryption(struct call *call, const json_t *given)
{
	const char *key = input_text(given, "KmsMasterKeyId"), *sse = input_text(given, "SqsManagedSseEnabled");
	bool is_on;

	if (!key || !*key || !sse || !settings_boolean(sse, &is_on) || !is_on)
		return true;
	return failure_set(
		&call->failure, INVALID_ATTRIBUTE_NAME,
		"You can use one type of server-side encryption (SSE) at one time. You can either enable "
		"KMS SSE or SQS SSE.");
}

/* Of what is set now: one may follow the other in the same call. */
static bool check_throughput(struct call *call, const struct settings *settings, const json_t *given)
{
	const char *limit = settings_kept(settings, "FifoThroughputLimit");

	if (!json_object_get(given, "FifoThroughputLimit") && !json_object_get(given, "DeduplicationScope"))
		return true;
	if (!limit || strcmp(limit, "perMessageGroupId") != 0 || settings->native.dedup_scope == RLQ_DEDUP_GROUP)
		return true;
	return failure_set(&call->failure, INVALID_ATTRIBUTE_VALUE,
			   "Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId is "
			   "allowed only when the value for DeduplicationScope is messageGroup.");
}

bool settings_take(struct call *call, struct settings *settings, const json_t *given)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)given, name, value) if (!check_name(call, settings, name)) return false;
	if (!check_encryption(call, given))
		return false;
	json_object_foreach((json_t *)given, name, value)
	{
		const struct settings_rule *rule = rule_of(name);

		if (!rule->set(call, settings, rule, json_string_value(value)))
			return false;
	}
	return check_throughput(call, settings, given);
}

static bool change_notes(json_t *notes, void *context)
{
	const struct settings *settings = context;
	json_t *kept = json_object_get(notes, "attributes"), *value;
	struct timespec now;
	const char *name;

	json_object_foreach(settings->changes, name, value) if (json_is_null(value)) json_object_del(kept, name);
	else json_object_set(kept, name, value);
	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(notes, "modified_ms",
			    json_integer((json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000));
	return true;
}

static bool is_noted(const struct settings *settings)
{
	const char *name;
	json_t *value;

	json_object_foreach(settings->changes, name, value) if (!json_is_null(value)) return true;
	return !settings->is_new && json_object_size(settings->changes) > 0;
}

bool settings_write(struct call *call, struct rlq_queue *queue, struct settings *settings)
{
	int error = settings->is_native_changed ? rlq_queue_set_attributes(queue, &settings->native) : 0;

	if (error)
		return failure_from_library(&call->failure, error);
	if (is_noted(settings))
		error = notes_change(call->gateway->notes, queue, change_notes, settings);
	if (error < 0)
		return failure_set(&call->failure, INTERNAL_FAILURE,
				   "What the service keeps beside queue %s could not be written: %s",
				   settings->queue, strerror(-error));
	return true;
}
