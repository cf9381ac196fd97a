/* GetQueueAttributes and SetQueueAttributes. */
#include <pthread.h>
#include <string.h>

#include "gateway/settings.h"

/* ---- get -------------------------------------------------------------------------------------- */

struct answer {
	struct call *call;
	const struct settings *settings;
	json_t *values;
};

static void add(void *context, const char *name)
{
	struct answer *answer = context;
	json_t *value = settings_value(answer->call, answer->settings, name);

	if (value)
		json_object_set_new(answer->values, name, value);
}

/* Are all names known, and are there any that must be counted? */
static bool read_names(struct call *call, const json_t *names, bool *ret_are_counted)
{
	size_t i;
	json_t *name;

	*ret_are_counted = false;
	json_array_foreach((json_t *)names, i, name)
	{
		const char *text = json_string_value(name);

		if (!settings_is_name(call, text))
			return false;
		*ret_are_counted |= strcmp(text, "All") == 0 || settings_is_counted(text);
	}
	return true;
}

/* AWS does not know the attributes of FIFO queues on a standard one, but for "All". */
static bool names_apply(struct call *call, const struct settings *settings, const json_t *names)
{
	size_t i;
	json_t *name;

	json_array_foreach((json_t *)names, i, name)
	{
		if (!settings_applies(call, settings, json_string_value(name)))
			return false;
	}
	return true;
}

static void answer_names(struct answer *answer, const json_t *names)
{
	size_t i;
	json_t *name;

	json_array_foreach((json_t *)names, i, name) if (strcmp(json_string_value(name), "All") == 0)
		settings_all(add, answer);
	else add(answer, json_string_value(name));
	if (json_object_size(answer->values) > 0)
		json_object_set(answer->call->output, "Attributes", answer->values);
}

enum call_outcome action_get_queue_attributes(struct call *call)
{
	const json_t *names = json_object_get(call->input, "AttributeNames");
	struct rlq_queue *queue = call_queue(call);
	struct settings settings;
	bool are_counted, is_good;

	if (queue == NULL || !read_names(call, names, &are_counted) || !settings_read(call, queue, &settings))
		return CALL_FAILED;
	is_good = names_apply(call, &settings, names) && (!are_counted || settings_count(call, queue, &settings));
	if (is_good) {
		struct answer answer = {call, &settings, json_object()};

		answer_names(&answer, names);
		json_decref(answer.values);
	}
	settings_free(&settings);
	return is_good ? CALL_DONE : CALL_FAILED;
}

/* ---- set -------------------------------------------------------------------------------------- */

/* The library takes all attributes at once: of two calls that change one each, none is lost. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static bool set(struct call *call, struct rlq_queue *queue, const json_t *given)
{
	struct settings settings;
	bool is_good = settings_read(call, queue, &settings);

	if (!is_good)
		return false;
	is_good = settings_take(call, &settings, given) && settings_write(call, queue, &settings);
	settings_free(&settings);
	return is_good;
}

enum call_outcome action_set_queue_attributes(struct call *call)
{
	struct rlq_queue *queue = call_queue(call);
	bool is_good;

	if (queue == NULL)
		return CALL_FAILED;
	pthread_mutex_lock(&changing);
	is_good = set(call, queue, json_object_get(call->input, "Attributes"));
	pthread_mutex_unlock(&changing);
	return is_good ? CALL_DONE : CALL_FAILED;
}
