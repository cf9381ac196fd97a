#include "gateway/attributes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/base64.h>

#include "gateway/message.h"
#include "gateway/number.h"
#include "gateway/utf8.h"

/* ---- checks ----------------------------------------------------------------------------------- */

static bool has_prefix(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* As the library has it. */
static bool is_allowed(uint32_t code)
{
	static const char ascii[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
	const uint32_t first_accented = 0xc0, last_accented = 0x24f, times = 0xd7, divided = 0xf7;

	if (code < 0x80)
		return memchr(ascii, (int)code, sizeof(ascii) - 1) != NULL;
	return code >= first_accented && code <= last_accented && code != times && code != divided;
}

static bool letters_are_allowed(const char *name, size_t bytes)
{
	size_t of_one;
	uint32_t code;

	for (size_t at = 0; at < bytes; at += of_one) {
		of_one = utf8_character(name + at, bytes - at, &code);
		if (of_one == 0 || !is_allowed(code))
			return false;
	}
	return bytes > 0;
}

static bool name_check(const char *name, struct failure *failure)
{
	size_t bytes = strlen(name);

	if (bytes > 255)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Message (user) attribute names must be shorter than 256 Bytes.");
	if (!letters_are_allowed(name, bytes) || strstr(name, ".."))
		return failure_set(
			failure, INVALID_PARAMETER_VALUE,
			"Message (user) attribute name '%s' is invalid: it can only contain upper and lower "
			"case letters, digits, periods, hyphens and underscores, and no two periods in a row.",
			name);
	if (has_prefix(name, "AWS.") || has_prefix(name, "Amazon.") || has_prefix(name, ATTRIBUTE_RESERVED) ||
	    name[0] == '.' || name[bytes - 1] == '.')
		return failure_set(
			failure, INVALID_PARAMETER_VALUE,
			"You can't use message attribute names beginning with 'AWS.', 'Amazon.' or '%s'. "
			"These strings are reserved for internal use. Additionally, they cannot start or "
			"end with '.'.",
			ATTRIBUTE_RESERVED);
	return true;
}

/* "Number.int": Number, and what follows the period. 0: it is neither. */
static enum rlq_attribute_type type_of(const char *type, const char **ret_label)
{
	static const char *const names[] = {
		[RLQ_STRING] = "String", [RLQ_NUMBER] = "Number", [RLQ_BINARY] = "Binary"};

	for (int i = RLQ_STRING; i <= RLQ_BINARY; i++) {
		const char *rest = type + strlen(names[i]);

		if (strncmp(type, names[i], strlen(names[i])) != 0)
			continue;
		*ret_label = *rest ? rest + 1 : NULL;
		if (*rest == '\0' || (*rest == '.' && rest[1] != '\0'))
			return (enum rlq_attribute_type)i;
	}
	return 0;
}

static bool type_check(const char *name, const json_t *json, struct rlq_attribute *attribute,
		       struct failure *failure)
{
	const json_t *type = json_object_get(json, "DataType");

	if (type == NULL || json_string_length(type) == 0)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Message (user) attribute '%s' must contain a non-empty DataType.", name);
	if (json_string_length(type) >= TYPE_TEXT_BYTES)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Message (user) attribute types must be shorter than 256 Bytes.");
	attribute->type = type_of(json_string_value(type), &attribute->type_label);
	if (attribute->type == 0 || !text_is_allowed(json_string_value(type), json_string_length(type)))
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "The type of message (user) attribute '%s' is invalid. You must use only the "
				   "following supported type prefixes: Binary, Number, String.",
				   name);
	return true;
}

static const char *value_name(enum rlq_attribute_type type)
{
	return type == RLQ_BINARY ? "BinaryValue" : "StringValue";
}

static bool value_check(const json_t *json, struct rlq_attribute *attribute, struct failure *failure)
{
	const json_t *value = json_object_get(json, value_name(attribute->type));
	static const char *const types[] = {
		[RLQ_STRING] = "String", [RLQ_NUMBER] = "Number", [RLQ_BINARY] = "Binary"};

	if (value == NULL || json_string_length(value) == 0)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Message (user) attribute '%s' must contain a non-empty value of type '%s'.",
				   attribute->name, types[attribute->type]);
	attribute->value = json_string_value(value);
	attribute->value_bytes = (uint32_t)json_string_length(value);
	if (attribute->type == RLQ_NUMBER && !number_is_valid(attribute->value, attribute->value_bytes))
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Can't cast the value of message (user) attribute '%s' to a number.",
				   attribute->name);
	if (attribute->type == RLQ_STRING && !text_is_allowed(attribute->value, attribute->value_bytes))
		return failure_set(failure, INVALID_PARAMETER_VALUE, "%s", TEXT_NOT_ALLOWED);
	return true;
}

bool attributes_have_lists(const json_t *json)
{
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)json, name, one)
	{
		if (json_object_get(one, "StringListValues") || json_object_get(one, "BinaryListValues"))
			return true;
	}
	return false;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* At most so many bytes come of base64. */
static size_t decoded_max(const json_t *text)
{
	return BASE64_DECODE_LENGTH(json_string_length(text));
}

static bool decode(struct rlq_attribute *attribute, uint8_t *to, struct failure *failure)
{
	struct base64_decode_ctx context;
	size_t bytes;

	base64_decode_init(&context);
	if (!base64_decode_update(&context, &bytes, to, attribute->value_bytes, attribute->value) ||
	    !base64_decode_final(&context) || bytes == 0)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "The BinaryValue of message (user) attribute '%s' is not base64.",
				   attribute->name);
	attribute->value = to;
	attribute->value_bytes = (uint32_t)bytes;
	return true;
}

/* All Binary values share one piece of memory. */
static bool decode_all(const json_t *json, struct attributes *attributes, struct failure *failure)
{
	const char *name;
	json_t *one;
	uint8_t *to;
	size_t bytes = 0;

	json_object_foreach((json_t *)json, name, one) bytes +=
		decoded_max(json_object_get(one, value_name(RLQ_BINARY)));
	to = attributes->decoded = malloc(bytes + 1);
	if (to == NULL)
		return failure_set(failure, INTERNAL_FAILURE, "Out of memory.");
	for (uint32_t i = 0; i < attributes->count; i++) {
		if (attributes->list[i].type != RLQ_BINARY)
			continue;
		if (!decode(&attributes->list[i], to, failure))
			return false;
		to += attributes->list[i].value_bytes;
	}
	return true;
}

bool attributes_read(const json_t *json, struct attributes *ret_attributes, struct failure *failure)
{
	const char *name;
	bool has_binary = false;
	json_t *one;

	ret_attributes->count = 0;
	ret_attributes->decoded = NULL;
	if (json_object_size(json) > RLQ_ATTRIBUTES_MAX)
		return failure_set(failure, INVALID_PARAMETER_VALUE,
				   "Number of message attributes [%zu] exceeds the allowed maximum [%d].",
				   json_object_size(json), RLQ_ATTRIBUTES_MAX);
	json_object_foreach((json_t *)json, name, one)
	{
		struct rlq_attribute *attribute = &ret_attributes->list[ret_attributes->count++];

		*attribute = (struct rlq_attribute){.name = name};
		if (!name_check(name, failure) || !type_check(name, one, attribute, failure) ||
		    !value_check(one, attribute, failure))
			return false;
		has_binary = has_binary || attribute->type == RLQ_BINARY;
	}
	if (!has_binary || decode_all(json, ret_attributes, failure))
		return true;
	attributes_free(ret_attributes);
	return false;
}

void attributes_free(struct attributes *attributes)
{
	free(attributes->decoded);
	attributes->decoded = NULL;
}

/* Without decoding. */
static size_t base64_bytes(const json_t *text)
{
	size_t length = json_string_length(text);
	const char *value = json_string_value(text);

	if (length < 4)
		return 0;
	return length / 4 * 3 - (value[length - 1] == '=') - (value[length - 2] == '=');
}

size_t attributes_bytes(const json_t *json)
{
	size_t bytes = 0;
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)json, name, one)
	{
		const json_t *text = json_object_get(one, "StringValue");

		bytes += strlen(name) + json_string_length(json_object_get(one, "DataType"));
		bytes += text ? json_string_length(text) : base64_bytes(json_object_get(one, "BinaryValue"));
	}
	return bytes;
}

bool trace_read(const json_t *json, struct rlq_attribute *ret_trace, struct failure *failure)
{
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)json, name, one)
	{
		if (strcmp(name, "AWSTraceHeader") != 0)
			return failure_set(failure, INVALID_PARAMETER_VALUE,
					   "Message (system) attribute '%s' is not supported. AWSTraceHeader is.",
					   name);
		*ret_trace = (struct rlq_attribute){.name = name};
		if (!type_check(name, one, ret_trace, failure) || !value_check(one, ret_trace, failure))
			return false;
		if (ret_trace->type != RLQ_STRING || ret_trace->type_label)
			return failure_set(failure, INVALID_PARAMETER_VALUE,
					   "Message (system) attribute '%s' must be of type 'String'.", name);
	}
	return true;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static bool is_selected_by(const char *name, const char *by)
{
	size_t bytes = strlen(by);

	if (strcmp(by, "All") == 0 || strcmp(by, "*") == 0)
		return true;
	if (bytes >= 2 && strcmp(by + bytes - 2, ".*") == 0)
		return strncmp(name, by, bytes - 2) == 0;
	return strcmp(name, by) == 0;
}

bool attribute_is_selected(const char *name, const json_t *names)
{
	size_t i;
	json_t *by;

	json_array_foreach(names, i, by) if (is_selected_by(name, json_string_value(by))) return true;
	return false;
}

json_t *base64_to_json(const void *bytes, size_t count)
{
	size_t length = BASE64_ENCODE_RAW_LENGTH(count);
	char *text = malloc(length + 1);
	json_t *json;

	if (text == NULL)
		return NULL;
	base64_encode_raw(text, count, bytes);
	json = json_stringn_nocheck(text, length);
	free(text);
	return json;
}

json_t *attribute_to_json(struct rlq_attribute *attribute)
{
	char type[TYPE_TEXT_BYTES];
	json_t *json = json_object(), *value;
	size_t type_bytes;

	if (attribute->type != RLQ_BINARY && !text_is_allowed(attribute->value, attribute->value_bytes))
		attribute->type = RLQ_BINARY;
	if (attribute->type_label && !text_is_allowed(attribute->type_label, strlen(attribute->type_label)))
		attribute->type_label = NULL;
	type_bytes = data_type_format(attribute, type);
	value = attribute->type == RLQ_BINARY ? base64_to_json(attribute->value, attribute->value_bytes)
					      : json_stringn_nocheck(attribute->value, attribute->value_bytes);
	if (json_object_set_new_nocheck(json, "DataType", json_stringn_nocheck(type, type_bytes)) |
	    json_object_set_new_nocheck(json, value_name(attribute->type), value)) {
		json_decref(json);
		return NULL;
	}
	return json;
}
