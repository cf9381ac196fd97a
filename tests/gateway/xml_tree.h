/* An answer in XML as a tree again, as an SDK would read it. */
#ifndef TEST_GATEWAY_XML_TREE_H
#define TEST_GATEWAY_XML_TREE_H

#include "gateway/shape.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#define XML_OF_SQS "http://queue.amazonaws.com/doc/2012-11-05/"

static inline xmlNode *xml_child(const xmlNode *element, const char *name)
{
	for (xmlNode *child = element->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE && strcmp((const char *)child->name, name) == 0)
			return child;
	return NULL;
}

static inline json_t *xml_tree(const struct shape *shape, xmlNode *element);

static inline json_t *xml_scalar(const struct shape *shape, xmlNode *element)
{
	char *text = (char *)xmlNodeGetContent(element);
	json_t *value;

	if (shape->kind == SHAPE_INTEGER)
		value = json_integer(atoll(text));
	else if (shape->kind == SHAPE_BOOLEAN)
		value = json_boolean(strcmp(text, "true") == 0);
	else
		value = json_string(text);
	xmlFree(text);
	return value;
}

/* One element, of many of that name, into the list or map. */
static inline void xml_add(json_t *object, const struct member *member, xmlNode *element)
{
	const struct shape *shape = member->shape;
	json_t *all = json_object_get(object, member->name);

	if (all == NULL)
		json_object_set_new(object, member->name,
				    all = shape->kind == SHAPE_MAP ? json_object() : json_array());
	if (shape->kind == SHAPE_LIST) {
		json_array_append_new(all, xml_tree(shape->element, element));
		return;
	}
	char *key = (char *)xmlNodeGetContent(xml_child(element, shape->key));

	json_object_set_new(all, key, xml_tree(shape->element, xml_child(element, shape->value)));
	xmlFree(key);
}

static inline json_t *xml_structure(const struct shape *shape, xmlNode *element)
{
	json_t *object = json_object();

	for (xmlNode *child = element->children; child; child = child->next)
		for (const struct member *member = shape->members; member->name; member++) {
			if (strcmp((const char *)child->name, member->query) != 0)
				continue;
			if (member->shape->kind == SHAPE_LIST || member->shape->kind == SHAPE_MAP)
				xml_add(object, member, child);
			else
				json_object_set_new(object, member->name, xml_tree(member->shape, child));
		}
	return object;
}

static inline json_t *xml_tree(const struct shape *shape, xmlNode *element)
{
	return shape->kind == SHAPE_STRUCTURE ? xml_structure(shape, element) : xml_scalar(shape, element);
}

/* NULL: not well-formed. */
static inline xmlDoc *xml_parse(const char *text, size_t bytes)
{
	return xmlReadMemory(text, (int)bytes, NULL, NULL,
			     XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

#endif
