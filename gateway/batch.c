#include "gateway/batch.h"

#include <string.h>

static bool may_stand_in_id(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool id_is_valid(const char *id)
{
	size_t bytes = 0;

	while (may_stand_in_id(id[bytes]))
		bytes++;
	return bytes >= 1 && bytes <= 80 && id[bytes] == '\0';
}

static bool is_repeated(const char *const *ids, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(ids[i], ids[index]) == 0)
			return true;
	return false;
}

/* Of BATCH_MAX entries at most. */
static bool ids_check(const json_t *entries, struct failure *failure)
{
	const char *ids[BATCH_MAX];
	size_t i;
	json_t *entry;

	json_array_foreach(entries, i, entry)
	{
		ids[i] = input_text(entry, "Id");
		if (ids[i] == NULL || !id_is_valid(ids[i]))
			return failure_set(failure, INVALID_ENTRY_ID,
					   "A batch entry id can only contain alphanumeric characters, hyphens and "
					   "underscores. It can be at most 80 letters long.");
		if (is_repeated(ids, i))
			return failure_set(failure, ENTRY_IDS_NOT_DISTINCT, "Id %s repeated.", ids[i]);
	}
	return true;
}

const json_t *batch_entries(struct call *call, const char *entry_name)
{
	const json_t *entries = json_object_get(call->input, "Entries");
	size_t count = json_array_size(entries);

	if (count == 0) {
		failure_set(&call->failure, EMPTY_BATCH_REQUEST, "There should be at least one %s in the request.",
			    entry_name);
		return NULL;
	}
	if (count > BATCH_MAX) {
		failure_set(&call->failure, TOO_MANY_ENTRIES,
			    "Maximum number of entries per request are %d. You have sent %zu.", BATCH_MAX, count);
		return NULL;
	}
	return ids_check(entries, &call->failure) ? entries : NULL;
}

/* An object with the entry's id, last in a list of the answer. */
static json_t *append(struct call *call, const char *list_name, const json_t *entry)
{
	json_t *list = json_object_get(call->output, list_name);
	json_t *result;

	if (list == NULL) {
		list = json_array();
		if (json_object_set_new_nocheck(call->output, list_name, list))
			return NULL;
	}
	result = json_object();
	if (json_array_append_new(list, result) ||
	    json_object_set_nocheck(result, "Id", json_object_get(entry, "Id")))
		return NULL;
	return result;
}

json_t *batch_succeeded(struct call *call, const json_t *entry)
{
	return append(call, "Successful", entry);
}

bool batch_failed(struct call *call, const json_t *entry, const struct failure *failure)
{
	const struct failure_text *text = failure_text(failure->code);
	json_t *result = append(call, "Failed", entry);

	return result && !json_object_set_new_nocheck(result, "SenderFault", json_boolean(text->is_sender)) &&
	       !json_object_set_new_nocheck(result, "Code", json_string_nocheck(text->query)) &&
	       !json_object_set_new(result, "Message", json_string(failure->message));
}

enum call_outcome call_out_of_memory(struct call *call)
{
	return call_fail(call, INTERNAL_FAILURE, "Out of memory.");
}

enum call_outcome call_fail_library(struct call *call, int error)
{
	failure_from_library(&call->failure, error);
	return CALL_FAILED;
}
