/* The shapes of the API: what members each action's input and result have. One table feeds the check of JSON, the
 * reading of Query and the writing of XML, so the protocols cannot differ. */
#ifndef GATEWAY_SHAPE_H
#define GATEWAY_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "gateway/failure.h"

enum shape_kind {
	SHAPE_TEXT,
	SHAPE_INTEGER,
	SHAPE_BOOLEAN,
	SHAPE_BINARY, /* base64 in both protocols, and in the tree */
	SHAPE_LIST,
	SHAPE_MAP,
	SHAPE_STRUCTURE
};

struct shape;

struct member {
	const char *name;  /* in JSON, and in the tree */
	const char *query; /* in Query and XML; of a list or map that of one element: "Tag", "AttributeName" */
	const struct shape *shape;
	bool is_required;
};

struct shape {
	enum shape_kind kind;
	const struct member *members; /* of a structure; ends with a NULL name */
	const struct shape *element;  /* of a list or map */
	const char *key, *value; /* of a map's entries in Query and XML: "Name" and "Value", "Key" and "Value" */
};

struct action_shape {
	const char *action;
	const struct shape *input;
	const struct shape *result; /* NULL: only ResponseMetadata */
};

/* NULL: no such action. */
const struct action_shape *shape_find(const char *action);

/* A JSON request: are its members what they should be? Removes those that are null; leaves unknown ones. A wrong
 * type is SERIALIZATION; a required member that is missing, MISSING_PARAMETER. */
bool shape_check(const struct action_shape *shape, json_t *input, struct failure *failure);

/* A Query request: `text` is form-encoded, of the URL's query, then of the body ("": none); what both have is from
 * the body. Makes of it what a JSON request would have been. `ret_action` is a copy to free. False: out of memory
 * or refused: MALFORMED_QUERY, INVALID_ACTION, INVALID_PARAMETER_VALUE (no number), MISSING_PARAMETER. */
bool query_read(const char *url_query, const char *body, size_t body_bytes, char **ret_action,
		const struct action_shape **ret_shape, json_t **ret_input, struct failure *failure);

/* One parameter of form-encoded text, decoded; NULL: it is not there. To free. */
char *query_parameter(const char *text, size_t bytes, const char *name);

/* Answers in XML, to free with free(); NULL: out of memory. `result` may be NULL or empty. */
char *xml_answer(const struct action_shape *shape, const json_t *result, const char *request_id, size_t *ret_bytes);
char *xml_failure(const struct failure *failure, const char *request_id, size_t *ret_bytes);

#endif
