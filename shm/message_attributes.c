#include "shm/message_attributes.h"

#include <strings.h>

static const char *const type_name[] = {"", "String", "Number", "Binary"};

/* Latin letters with accents, as SQS takes them: U+00C0 to U+024F, all of two bytes, without the signs of
 * multiplication and division among them. */
static bool is_accented(const char *text)
{
	unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

	if (first < 0xc3 || first > 0xc9 || (second & 0xc0) != 0x80 || (first == 0xc9 && second > 0x8f))
		return false;
	return first != 0xc3 || (second != 0x97 && second != 0xb7);
}

static bool letters_are_valid(const char *name)
{
	while (*name) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.", *name))
			name++;
		else if (is_accented(name))
			name += 2;
		else
			return false;
	}
	return true;
}

static bool name_is_valid(const char *name)
{
	size_t bytes = name ? strlen(name) : 0;

	if (bytes < 1 || bytes > 255 || name[0] == '.' || name[bytes - 1] == '.' || strstr(name, ".."))
		return false;
	if (strncasecmp(name, "AWS.", 4) == 0 || strncasecmp(name, "Amazon.", 7) == 0)
		return false;
	return letters_are_valid(name);
}

/* A decimal number: sign, digits with an optional point, optional exponent. */
static bool number_is_valid(const char *text, uint32_t bytes)
{
	uint32_t at = 0, digits = 0, exponent = 0;

	if (at < bytes && (text[at] == '-' || text[at] == '+'))
		at++;
	for (bool point = false;
	     at < bytes && ((text[at] >= '0' && text[at] <= '9') || (text[at] == '.' && !point)); at++) {
		if (text[at] == '.')
			point = true;
		else
			digits++;
	}
	if (at < bytes && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < bytes && (text[at] == '-' || text[at] == '+'))
			at++;
		for (; at < bytes && text[at] >= '0' && text[at] <= '9'; at++)
			exponent++;
		if (exponent == 0)
			return false;
	}
	return digits > 0 && at == bytes;
}

static bool attribute_is_valid(const struct rlq_attribute *attribute)
{
	if (attribute->type < RLQ_STRING || attribute->type > RLQ_BINARY || !name_is_valid(attribute->name))
		return false;
	if (attribute->value == NULL || attribute->value_bytes == 0)
		return false;
	if (strlen(type_name[attribute->type]) + 1 + attribute_label_bytes(attribute) >= 256)
		return false;
	return attribute->type != RLQ_NUMBER || number_is_valid(attribute->value, attribute->value_bytes);
}

int message_attributes_check(const struct rlq_attribute *attributes, uint32_t count)
{
	if (count > RLQ_ATTRIBUTES_MAX || (count > 0 && attributes == NULL))
		return RLQ_EATTRIBUTE;
	for (uint32_t i = 0; i < count; i++) {
		if (!attribute_is_valid(&attributes[i]))
			return RLQ_EATTRIBUTE;
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(attributes[i].name, attributes[j].name) == 0)
				return RLQ_EATTRIBUTE;
	}
	return 0;
}

uint64_t message_attributes_bytes(const struct rlq_attribute *attributes, uint32_t count)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t label = attribute_label_bytes(&attributes[i]);

		bytes += strlen(attributes[i].name) + strlen(type_name[attributes[i].type]) +
			 (label ? label + 1 : 0) + attributes[i].value_bytes;
	}
	return bytes;
}
