/* NAME=TYPE:VALUE into a message attribute. */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "report.h"
#include "send.h"

enum { NAME_BYTES_MAX = 255, LABEL_BYTES_MAX = 248 };

static enum rlq_attribute_type type_of(const char *text, size_t length)
{
	static const struct {
		const char *name;
		enum rlq_attribute_type type;
	} types[] = {{"String", RLQ_STRING}, {"Number", RLQ_NUMBER}, {"Binary", RLQ_BINARY}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == length && !memcmp(types[i].name, text, length))
			return types[i].type;
	return 0;
}

static int set_value(struct rlq_attribute *attribute, const char *text)
{
	void *bytes;
	size_t count;

	if (attribute->type == RLQ_BINARY) {
		if (base64_decode(text, &bytes, &count))
			return report(EXIT_USAGE, "--attribute %s: a Binary value is base64, and this is not: %s",
				      attribute->name, text);
	} else {
		bytes = strdup(text);
		count = strlen(text);
		if (!bytes)
			return report(EXIT_FAILED, "out of memory");
	}
	attribute->value = bytes;
	attribute->value_bytes = (uint32_t)count;
	return EXIT_DONE;
}

/* `equals` and `colon` point into `text` = NAME=TYPE[.LABEL]:VALUE. */
static int set_parts(struct rlq_attribute *attribute, const char *text, const char *equals, const char *colon)
{
	const char *dot = memchr(equals, '.', (size_t)(colon - equals));
	const char *type_end = dot ? dot : colon;

	attribute->type = type_of(equals + 1, (size_t)(type_end - equals - 1));
	if (!attribute->type || (dot && (colon == dot + 1 || colon - dot > LABEL_BYTES_MAX)))
		return report(EXIT_USAGE, "--attribute: not a type: %.*s (String, Number or Binary, and .LABEL)",
			      (int)(colon - equals - 1), equals + 1);
	attribute->name = strndup(text, (size_t)(equals - text));
	attribute->type_label = dot ? strndup(dot + 1, (size_t)(colon - dot - 1)) : NULL;
	if (!attribute->name || (dot && !attribute->type_label))
		return report(EXIT_FAILED, "out of memory");
	return set_value(attribute, colon + 1);
}

int send_attribute_parse(struct send_options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	const char *colon = equals ? strchr(equals, ':') : NULL;

	if (!colon || equals == text)
		return report(EXIT_USAGE, "--attribute: not NAME=TYPE:VALUE: %s (as in color=String:red)", text);
	if (equals - text > NAME_BYTES_MAX)
		return report(EXIT_USAGE, "--attribute: name longer than %d characters", NAME_BYTES_MAX);
	if (options->attribute_count == RLQ_ATTRIBUTES_MAX)
		return report(EXIT_USAGE, "--attribute: a message has %d at most", RLQ_ATTRIBUTES_MAX);
	/* Counted first, so that what is set of it is freed whatever happens. */
	return set_parts(&options->attributes[options->attribute_count++], text, equals, colon);
}

void send_attributes_free(void *opaque)
{
	struct send_options *options = opaque;

	for (uint32_t i = 0; i < options->attribute_count; i++) {
		free((void *)options->attributes[i].name);
		free((void *)options->attributes[i].type_label);
		free((void *)options->attributes[i].value);
	}
}
