#include "gateway/form.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Into `ret_text`, which gets a zero as well. False: malformed. */
static bool decode(const char *text, size_t bytes, char *ret_text, size_t *ret_bytes)
{
	char *end = ret_text;

	for (size_t i = 0; i < bytes; i++) {
		if (text[i] != '%') {
			*end++ = text[i] == '+' ? ' ' : text[i];
			continue;
		}
		int high = i + 2 < bytes ? hex_digit(text[i + 1]) : -1;
		int low = i + 2 < bytes ? hex_digit(text[i + 2]) : -1;

		if (high < 0 || low < 0)
			return false;
		*end++ = (char)(high << 4 | low);
		i += 2;
	}
	*end = '\0';
	*ret_bytes = (size_t)(end - ret_text);
	return true;
}

static enum form_outcome add_pair(struct form *form, const char *text, size_t bytes)
{
	const char *equals = memchr(text, '=', bytes);
	size_t name_bytes = equals ? (size_t)(equals - text) : bytes;
	struct form_pair *pair = &form->pairs[form->count];

	if (bytes == 0)
		return FORM_READ;
	if (form->count == form->pairs_max)
		return FORM_TOO_MANY;
	pair->name = form->texts + form->texts_bytes;
	if (!decode(text, name_bytes, pair->name, &name_bytes) || strlen(pair->name) != name_bytes)
		return FORM_MALFORMED;
	form->texts_bytes += name_bytes + 1;
	pair->value = form->texts + form->texts_bytes;
	if (!decode(equals ? equals + 1 : text, equals ? bytes - (size_t)(equals + 1 - text) : 0, pair->value,
		    &pair->value_bytes))
		return FORM_MALFORMED;
	form->texts_bytes += pair->value_bytes + 1;
	form->count++;
	return FORM_READ;
}

static enum form_outcome add_pairs(struct form *form, const char *text, size_t bytes)
{
	while (bytes > 0) {
		const char *end = memchr(text, '&', bytes);
		size_t pair_bytes = end ? (size_t)(end - text) : bytes;
		enum form_outcome outcome = add_pair(form, text, pair_bytes);

		if (outcome != FORM_READ)
			return outcome;
		text += pair_bytes + (end != NULL);
		bytes -= pair_bytes + (end != NULL);
	}
	return FORM_READ;
}

static size_t pairs_at_most(const char *text, size_t bytes)
{
	size_t count = 1;

	for (size_t i = 0; i < bytes; i++)
		count += text[i] == '&';
	return count;
}

enum form_outcome form_read(struct form *ret_form, const char *first, size_t first_bytes, const char *second,
			    size_t second_bytes, size_t pairs_max)
{
	size_t count = pairs_at_most(first, first_bytes) + pairs_at_most(second, second_bytes);
	enum form_outcome outcome;

	count = count < pairs_max ? count : pairs_max;
	/* A pair without '=' gets two zeros, and takes the place of one byte and a '&' at least. */
	*ret_form = (struct form){
		.pairs = calloc(count, sizeof(*ret_form->pairs)),
		.pairs_max = count,
		.texts = malloc(first_bytes + second_bytes + 2 * count + 1),
	};
	if (ret_form->pairs == NULL || ret_form->texts == NULL)
		return FORM_NO_MEMORY;
	outcome = add_pairs(ret_form, first, first_bytes);
	return outcome == FORM_READ ? add_pairs(ret_form, second, second_bytes) : outcome;
}

void form_free(struct form *form)
{
	free(form->pairs);
	free(form->texts);
}
