#include "gateway/answer.h"
#include "gateway/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlwriter.h>

#define NAMESPACE "http://queue.amazonaws.com/doc/2012-11-05/"
#define NO_QUEUE "The specified queue does not exist."

/* Any write that fails (out of memory) sets is_failed, and the rest is not written. */
struct xml {
	xmlTextWriter *writer;
	xmlBuffer *buffer;
	bool is_failed;
};

static void write_value(struct xml *xml, const struct shape *shape, const char *name, const json_t *value);

static bool xml_begin(struct xml *ret_xml)
{
	*ret_xml = (struct xml){.buffer = xmlBufferCreate()};
	if (ret_xml->buffer == NULL)
		return false;
	xmlBufferSetAllocationScheme(ret_xml->buffer, XML_BUFFER_ALLOC_DOUBLEIT);
	ret_xml->writer = xmlNewTextWriterMemory(ret_xml->buffer, 0);
	if (ret_xml->writer != NULL && xmlTextWriterStartDocument(ret_xml->writer, NULL, NULL, NULL) >= 0)
		return true;
	xmlFreeTextWriter(ret_xml->writer);
	xmlBufferFree(ret_xml->buffer);
	return false;
}

static char *xml_end(struct xml *xml, size_t *ret_bytes)
{
	char *text = NULL;

	xml->is_failed |= xmlTextWriterEndDocument(xml->writer) < 0;
	xmlFreeTextWriter(xml->writer);
	if (!xml->is_failed) {
		*ret_bytes = (size_t)xmlBufferLength(xml->buffer);
		text = (char *)xmlBufferDetach(xml->buffer);
	}
	xmlBufferFree(xml->buffer);
	return text;
}

static void open_element(struct xml *xml, const char *name)
{
	xml->is_failed = xml->is_failed || xmlTextWriterStartElement(xml->writer, BAD_CAST name) < 0;
}

static void close_element(struct xml *xml)
{
	xml->is_failed = xml->is_failed || xmlTextWriterEndElement(xml->writer) < 0;
}

/* The root: "SendMessageResponse". */
static void open_root(struct xml *xml, const char *action, const char *suffix)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", action, suffix);
	open_element(xml, name);
	xml->is_failed = xml->is_failed ||
			 xmlTextWriterWriteAttribute(xml->writer, BAD_CAST "xmlns", BAD_CAST NAMESPACE) < 0;
}

/* ---- texts ----------------------------------------------------------------------------------------------- */

static bool is_of_xml(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code != 0xfffe && code != 0xffff);
}

/* Bytes at the start of `text` that XML can carry as they are. */
static size_t clean_bytes(const char *text, size_t bytes)
{
	size_t clean = 0, length;
	uint32_t code;

	while ((length = utf8_character(text + clean, bytes - clean, &code)) > 0 && is_of_xml(code))
		clean += length;
	return clean;
}

/* A copy in which everything else is U+FFFD. NULL: out of memory. */
static char *clean_copy(const char *text, size_t bytes)
{
	const char *end = text + bytes;
	char *copy = malloc(3 * bytes + 1), *next = copy;
	uint32_t code;

	while (copy != NULL && text < end) {
		size_t clean = clean_bytes(text, (size_t)(end - text));

		memcpy(next, text, clean);
		next += clean;
		text += clean;
		if (text == end)
			break;
		size_t bad = utf8_character(text, (size_t)(end - text), &code);

		memcpy(next, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
		next += strlen(UTF8_REPLACEMENT);
		text += bad ? bad : 1;
	}
	if (copy != NULL)
		*next = '\0';
	return copy;
}

/* Escapes & < > " and the carriage return, which parsers would take for a line feed. */
static void write_clean(struct xml *xml, const char *text)
{
	xml->is_failed = xml->is_failed || xmlTextWriterWriteString(xml->writer, BAD_CAST text) < 0;
}

static void write_text(struct xml *xml, const char *text, size_t bytes)
{
	if (clean_bytes(text, bytes) == bytes) {
		write_clean(xml, text);
		return;
	}
	char *copy = clean_copy(text, bytes);

	xml->is_failed |= copy == NULL;
	if (copy != NULL)
		write_clean(xml, copy);
	free(copy);
}

static void write_text_element(struct xml *xml, const char *name, const char *text)
{
	open_element(xml, name);
	write_text(xml, text, strlen(text));
	close_element(xml);
}

static void write_scalar(struct xml *xml, const json_t *value)
{
	char digits[24];

	if (json_is_string(value)) {
		write_text(xml, json_string_value(value), json_string_length(value));
		return;
	}
	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	write_clean(xml, json_is_boolean(value) ? json_is_true(value) ? "true" : "false" : digits);
}

/* ---- results --------------------------------------------------------------------------------------------- */

static void write_list(struct xml *xml, const struct shape *shape, const char *name, const json_t *list)
{
	const json_t *element;
	size_t index;

	json_array_foreach(list, index, element) write_value(xml, shape->element, name, element);
}

static void write_map(struct xml *xml, const struct shape *shape, const char *name, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map, key, value)
	{
		open_element(xml, name);
		write_text_element(xml, shape->key, key);
		write_value(xml, shape->element, shape->value, value);
		close_element(xml);
	}
}

static void write_members(struct xml *xml, const struct shape *shape, const json_t *object)
{
	for (const struct member *member = shape->members; member->name; member++) {
		const json_t *value = json_object_get(object, member->name);

		if (value != NULL && !json_is_null(value))
			write_value(xml, member->shape, member->query, value);
	}
}

static void write_value(struct xml *xml, const struct shape *shape, const char *name, const json_t *value)
{
	if (shape->kind == SHAPE_LIST) {
		write_list(xml, shape, name, value);
		return;
	}
	if (shape->kind == SHAPE_MAP) {
		write_map(xml, shape, name, value);
		return;
	}
	open_element(xml, name);
	if (shape->kind == SHAPE_STRUCTURE)
		write_members(xml, shape, value);
	else
		write_scalar(xml, value);
	close_element(xml);
}

static void write_result(struct xml *xml, const struct action_shape *shape, const json_t *result)
{
	char name[64];

	snprintf(name, sizeof(name), "%sResult", shape->action);
	open_element(xml, name);
	write_members(xml, shape->result, result);
	close_element(xml);
}

char *xml_answer(const struct action_shape *shape, const json_t *result, const char *request_id, size_t *ret_bytes)
{
	struct xml xml;

	if (!xml_begin(&xml))
		return NULL;
	open_root(&xml, shape->action, "Response");
	if (shape->result != NULL)
		write_result(&xml, shape, result);
	open_element(&xml, "ResponseMetadata");
	write_text_element(&xml, "RequestId", request_id);
	close_element(&xml);
	close_element(&xml);
	return xml_end(&xml, ret_bytes);
}

/* ---- failures -------------------------------------------------------------------------------------------- */

static const char *message_of(const struct failure *failure)
{
	if (failure->code == QUEUE_DOES_NOT_EXIST && strcmp(failure->message, NO_QUEUE) == 0)
		return "The specified queue does not exist for this wsdl version.";
	return failure->message;
}

static void write_error(struct xml *xml, const struct failure *failure)
{
	const struct failure_text *text = failure_text(failure->code);

	open_element(xml, "Error");
	write_text_element(xml, "Type", text->is_sender ? "Sender" : "Receiver");
	write_text_element(xml, "Code", text->query);
	write_text_element(xml, "Message", message_of(failure));
	open_element(xml, "Detail");
	close_element(xml);
	close_element(xml);
}

char *xml_failure(const struct failure *failure, const char *request_id, size_t *ret_bytes)
{
	struct xml xml;

	if (!xml_begin(&xml))
		return NULL;
	if (failure->code == UNKNOWN_OPERATION) {
		open_element(&xml, "UnknownOperationException");
	} else {
		open_root(&xml, "Error", "Response");
		write_error(&xml, failure);
		write_text_element(&xml, "RequestId", request_id);
	}
	close_element(&xml);
	return xml_end(&xml, ret_bytes);
}
